import Testing
import WakeCore

@testable import SystemdSupport

@Suite("Reports over the notify socket")
struct NotifyMessageTests {
    private func read(_ text: String) throws(NotifyMessage.Fault) -> NotifyMessage? { try NotifyMessage.read(Array(text.utf8)) }

    @Test("a report names its channel and state, and may say why and for how long")
    func good() throws {
        let message = try #require(
            try read(
                "X_REVEILLE_CHANNEL=bot:one\nX_REVEILLE_STATE=blocked\nSTATUS=token rejected\nX_REVEILLE_TTL_USEC=5000000\nFOO=bar\n"
            ))
        #expect(message.channel.description == "bot:one" && message.state == .blocked)
        #expect(message.status == "token rejected" && message.life == .seconds(5))
    }

    @Test("what is not meant for us is passed over", arguments: ["BARRIER=1", "READY=1\nSTATUS=up", "X_OTHER=1"])
    func foreign(text: String) throws { #expect(try read(text) == nil) }

    @Test(
        "what is meant for us and can't be used is named",
        arguments: [
            ("X_REVEILLE_CHANNEL=nonsense\nX_REVEILLE_STATE=ready", NotifyMessage.Fault.badChannel("nonsense")),
            ("X_REVEILLE_CHANNEL=bot:one", .badState("")), ("X_REVEILLE_CHANNEL=bot:one\nX_REVEILLE_STATE=up", .badState("up")),
            ("X_REVEILLE_CHANNEL=bot:one\nX_REVEILLE_STATE=ready\nX_REVEILLE_TTL_USEC=-1", .badLife("-1")),
            ("X_REVEILLE_CHANNEL=bot:one\nX_REVEILLE_STATE=ready\nX_REVEILLE_TTL_USEC=86400000001", .badLife("86400000001")),
            ("X_REVEILLE_CHANNEL=bot:one\nX_REVEILLE_STATE=ready\nX_REVEILLE_GENERATION=0", .badGeneration("0")),
            ("no equals sign", .garbage), ("", .garbage), ("=x", .garbage),
        ])
    func bad(text: String, fault: NotifyMessage.Fault) { #expect(throws: fault) { try read(text) } }

    @Test("bytes that are no text, and too many of them, are turned away")
    func garbage() {
        #expect(throws: NotifyMessage.Fault.garbage) { try NotifyMessage.read([0x58, 0x3D, 0xFF, 0xFE]) }
        #expect(throws: NotifyMessage.Fault.tooLong) { try NotifyMessage.read(Array(repeating: 0x41, count: 4097)) }
    }
}

@Suite("Claims on channels")
struct ChannelClaimsTests {
    private static let channel = ChannelName.discord("other")
    private let now = Moment(wallMilliseconds: 1_800_000_000_000, boot: BootID("b001"), boottimeMicroseconds: 60_000_000)
    private let unit = Reporter(uid: 500, pid: 42, startTicks: 1, unit: "bot.service", invocation: "aa")
    private let person = Reporter(uid: 1000, pid: 43, startTicks: 2)

    private func claims() -> ChannelClaims {
        ChannelClaims([ReporterGrant(channel: Self.channel, uids: [1000], units: ["bot.service"])])
    }

    private func message(
        _ state: String, life: Int? = nil, generation: UInt64? = nil, channel: String = "discord:other"
    ) throws -> NotifyMessage {
        let text =
            "X_REVEILLE_CHANNEL=\(channel)\nX_REVEILLE_STATE=\(state)" + (life.map { "\nX_REVEILLE_TTL_USEC=\($0)" } ?? "")
            + (generation.map { "\nX_REVEILLE_GENERATION=\($0)" } ?? "")
        return try #require(try NotifyMessage.read(Array(text.utf8)))
    }

    private func reports(_ directives: [ChannelClaims.Directive]) -> [ChannelState] {
        directives.compactMap { if case .report(_, let state) = $0 { state } else { nil } }
    }

    @Test("only those who are granted a channel may report on it, by unit or by user")
    func grants() throws {
        var claims = claims()
        let stranger = Reporter(uid: 7, pid: 9, startTicks: 1, unit: "evil.service", invocation: "bb")
        #expect(claims.reported(try message("ready"), by: stranger, at: now) == .failure(.notGranted))
        #expect(claims.reported(try message("ready", channel: "discord:third"), by: unit, at: now) == .failure(.unknownChannel))
        #expect(reports(try claims.reported(try message("ready"), by: unit, at: now).get()) == [.ready(generation: 1)])
        #expect(reports(try claims.reported(try message("down"), by: person, at: now).get()).count == 1)
    }

    @Test("each time it becomes ready its generation grows; the same again is no news")
    func generations() throws {
        var claims = claims()
        _ = claims.reported(try message("ready"), by: unit, at: now)
        #expect(try claims.reported(try message("ready"), by: unit, at: now).get().isEmpty)
        _ = claims.reported(try message("connecting"), by: unit, at: now)
        #expect(reports(try claims.reported(try message("ready"), by: unit, at: now).get()) == [.ready(generation: 2)])
    }

    @Test("an owner may count the generations; one that lags behind what was told before is not believed")
    func ownGenerations() throws {
        var claims = claims()
        #expect(
            reports(try claims.reported(try message("ready", generation: 7), by: unit, at: now).get()) == [.ready(generation: 7)])
        #expect(try claims.reported(try message("ready", generation: 7), by: unit, at: now).get().isEmpty)
        #expect(
            reports(try claims.reported(try message("ready", generation: 8), by: unit, at: now).get()) == [.ready(generation: 8)])
        _ = claims.reported(try message("down"), by: unit, at: now)
        #expect(
            reports(try claims.reported(try message("ready", generation: 2), by: unit, at: now).get()) == [.ready(generation: 9)])
    }

    @Test("a claim holds as long as its reporter lives, and as it promised; then its channel is down and the claim forgotten")
    func ends() throws {
        var claims = claims()
        _ = claims.reported(try message("ready", life: 1_000_000), by: unit, at: now)
        #expect(claims.nextDueMicroseconds == 61_000_000)
        #expect(claims.looked(isAlive: { _ in true }, at: now.advanced(by: .milliseconds(999))).isEmpty)
        let late = claims.looked(isAlive: { _ in true }, at: now.advanced(by: .seconds(1)))
        #expect(reports(late).map(\.isReady) == [false] && late.contains(.store(Self.channel, nil)))
        _ = claims.reported(try message("ready"), by: person, at: now)
        let gone = reports(claims.looked(isAlive: { $0 != person }, at: now))
        #expect(gone.first?.words.contains("has ended") == true && claims.claims.isEmpty)
    }

    @Test("a helper that exits at once may promise a time: then that decides alone")
    func byTime() throws {
        var claims = claims()
        _ = claims.reported(try message("ready", life: 1_000_000), by: person, at: now)
        #expect(claims.looked(isAlive: { _ in false }, at: now).isEmpty)
        #expect(reports(claims.looked(isAlive: { _ in false }, at: now.advanced(by: .seconds(1)))).map(\.isReady) == [false])
    }

    @Test("at a start a claim counts again if its reporter lives, in the same boot, within its time; else the channel is down")
    func restored() throws {
        var before = claims()
        guard
            case .store(_, let stored?)? = try before.reported(try message("ready", life: 9_000_000), by: unit, at: now).get()
                .last
        else { return #expect(Bool(false)) }
        var next = claims()
        #expect(
            next.restored(stored, of: Self.channel, isAlive: true, at: now.advanced(by: .seconds(2))) == [
                .report(Self.channel, .ready(generation: 1))
            ])
        for (isAlive, later, boot) in [(false, 2, "b001"), (true, 10, "b001"), (true, 2, "b002")] {
            var next = claims()
            var moment = now.advanced(by: .seconds(later))
            if boot != "b001" {
                moment = Moment(wallMilliseconds: moment.wallMilliseconds, boot: BootID(boot), boottimeMicroseconds: 5)
            }
            #expect(reports(next.restored(stored, of: Self.channel, isAlive: isAlive, at: moment)).map(\.isReady) == [false])
            // The generation goes on from where it was.
            #expect(reports(try next.reported(try message("ready"), by: unit, at: moment).get()) == [.ready(generation: 2)])
        }
    }

    @Test("a channel's unit is named as systemd escapes it")
    func unitNames() {
        let names = [
            "discord:default": "discord:default", "gateway:main/discord:my-bot": "gateway:main-discord:my\\x2dbot",
            "bot:a.b_c@d": "bot:a.b_c\\x40d",
        ]
        for (name, escaped) in names {
            #expect(ChannelName(name).map { ChannelUnits.unit(of: $0) } == "reveille-channel@\(escaped).service")
        }
    }
}
