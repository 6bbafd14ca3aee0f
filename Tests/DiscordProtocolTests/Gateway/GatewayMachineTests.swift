import DiscordProtocol
import Testing
import WakeCore

@Suite("Gateway machine")
struct GatewayMachineTests {
    @Test("a first start asks for the gateway, identifies, and is ready at READY, with the session stored after the news")
    func firstStart() {
        var rig = GatewayRig()
        #expect(rig.feed(.started(nil)) == [.publish(.connecting), .fetchGateway])
        let connecting = rig.feed(.gatewayFetched(GatewayRig.bot()))
        #expect(rig.expectConnect(connecting) == "ws://127.0.0.1:9000/?v=10&encoding=json")
        _ = rig.connected()
        let greeted = rig.frame(GatewayRig.hello)
        #expect(greeted.commands == [.identify(intents: .needed)])
        #expect(greeted.beatsAt == .seconds(1020), "the first beat comes after interval × jitter")
        let ready = rig.frame(GatewayRig.ready())
        #expect(ready.statuses == [.ready(generation: 1)])
        #expect(ready.stored.first?.sessionID == "s1")
        #expect(ready.stored.first?.sequence == 1)
        #expect(rig.machine.userID == GatewayRig.me)
    }

    @Test("a stored session resumes without asking and without an Identify")
    func resumeAtStart() {
        var rig = GatewayRig()
        let stored = StoredGatewaySession(sessionID: "old", sequence: 17, resumeURL: GatewayRig.loopback, userID: GatewayRig.me)
        let directives = rig.feed(.started(stored))
        #expect(!directives.contains(.fetchGateway))
        rig.expectConnect(directives)
        _ = rig.connected()
        #expect(rig.frame(GatewayRig.hello).commands == [.resume(sessionID: "old", sequence: 17)])
        let replayed = rig.frame(GatewayRig.message(sequence: 18))
        #expect(replayed.events.count == 1, "what was missed counts before RESUMED")
        #expect(rig.frame(GatewayRig.dispatch("RESUMED", sequence: 19)).statuses == [.ready(generation: 1)])
    }

    @Test("a resume address that is not Discord's own never sees the token")
    func foreignResumeURL() {
        for url in ["wss://evil.example/", "ws://gateway.discord.gg/", "wss://discord.gg.evil.example/", "wss://a@b.discord.gg"] {
            var rig = GatewayRig(configuration: .init())
            let stored = StoredGatewaySession(sessionID: "old", sequence: 1, resumeURL: url, userID: nil)
            #expect(rig.feed(.started(stored)) == [.publish(.connecting), .fetchGateway], "\(url)")
            let directives = rig.feed(.gatewayFetched(GatewayBot(url: "wss://gateway.discord.gg")))
            #expect(rig.expectConnect(directives) == "wss://gateway.discord.gg/?v=10&encoding=json")
        }
    }

    @Test("a gateway address that is not Discord's own is refused")
    func foreignGatewayURL() {
        var rig = GatewayRig(configuration: .init())
        rig.feed(.started(nil))
        let directives = rig.feed(.gatewayFetched(GatewayBot(url: "wss://evil.example")))
        #expect(directives.reconnectsAt != nil)
        #expect(!directives.contains { if case .connect = $0 { true } else { false } })
    }

    @Test("after three failed resumes the session is forgotten and the base address identifies")
    func threeResumes() {
        var rig = GatewayRig.live()
        var directives = rig.feed(.closed(code: nil, on: rig.connection))
        for _ in 0..<3 {
            rig.expectConnect(rig.waitForReconnect(directives))
            directives = rig.feed(.connectionFailed(rig.connection, reason: "refused"))
        }
        let last = rig.waitForReconnect(directives)
        #expect(last == [.publish(.connecting), .forgetSession, .fetchGateway])
        #expect(rig.machine.userID == GatewayRig.me, "who we are outlives the session")
    }

    @Test("op 7 resumes at once, also before Hello, and again only with a wait")
    func reconnectRequest() {
        var rig = GatewayRig.live()
        let first = rig.frame(GatewayRig.reconnect)
        #expect(first.closes == [4000])
        #expect(first.reconnectsAt == rig.now)
        rig.expectConnect(rig.waitForReconnect(first))
        _ = rig.connected()
        let beforeHello = rig.frame(GatewayRig.reconnect)
        #expect(beforeHello.closes == [4000])
        #expect(beforeHello.reconnectsAt! > rig.now)
        rig.expectConnect(rig.waitForReconnect(beforeHello))
        _ = rig.connected()
        #expect(rig.frame(GatewayRig.hello).commands == [.resume(sessionID: "s1", sequence: 1)])
    }

    @Test("op 9 waits 1 to 5 s; true resumes, false identifies", arguments: [true, false])
    func invalidSession(mayResume: Bool) {
        for (fraction, expected) in [(0.0, Duration.seconds(1)), (1.0, .seconds(5))] {
            var rig = GatewayRig.live()
            rig.pass(.seconds(10))
            rig.jitter = UnitFraction(fraction)
            let directives = rig.frame(GatewayRig.invalid(mayResume: mayResume))
            #expect(abs((directives.reconnectsAt! - rig.now - expected).wholeMicroseconds) <= 1)
            #expect(directives.contains(.forgetSession) == !mayResume)
            #expect(rig.waitForReconnect(directives).contains(.fetchGateway) == !mayResume)
        }
    }

    @Test("every close code does what the table says")
    func closeCodes() {
        let fatal: [UInt16: GatewayBlock] = [
            4004: .badToken, 4010: .invalidShard, 4011: .shardingRequired, 4012: .invalidVersion, 4013: .invalidIntents,
            4014: .disallowedIntents,
        ]
        let codes: [UInt16?] = [nil, 1000, 1001, 1006, 1011, 3000] + (4000...4020).map { $0 }
        for code in codes {
            var rig = GatewayRig.live()
            let directives = rig.feed(.closed(code: code, on: rig.connection))
            if let block = code.flatMap({ fatal[$0] }) {
                #expect(directives.last == .publish(.blocked(block, retryAt: nil)))
                #expect(directives.reconnectsAt == nil, "a person must act first")
                #expect(rig.feed(.timerFired(.reconnect)).isEmpty)
            } else {
                let identifies = code == 4003 || code == 4007 || code == 4009
                #expect(directives.contains(.forgetSession) == identifies, "\(String(describing: code))")
                if code == 4008 { #expect(directives.reconnectsAt! >= rig.now + .seconds(5)) }
                let next = rig.waitForReconnect(directives)
                #expect(next.contains(.fetchGateway) == identifies)
            }
        }
    }

    @Test("a blocked channel tries again when a person asks")
    func personAsks() {
        var rig = GatewayRig.live()
        rig.feed(.closed(code: 4014, on: rig.connection))
        #expect(rig.feed(.retryRequested).contains(.fetchGateway))
    }

    @Test("a REST 401 closes the connection and blocks the channel")
    func restRejectsToken() {
        var rig = GatewayRig.live()
        let directives = rig.feed(.tokenRejected)
        #expect(directives.closes == [4000])
        #expect(directives.statuses == [.blocked(.badToken, retryAt: nil)])
    }

    @Test("identifies are never run down: the reserve blocks until the reset and then goes on by itself")
    func identifyBudget() {
        var rig = GatewayRig()
        rig.feed(.started(nil))
        let directives = rig.feed(.gatewayFetched(GatewayRig.bot(remaining: 50)))
        guard case .blocked(.identifyBudget(50, 1000), let retryAt?) = directives.statuses.first else {
            Issue.record("not blocked: \(directives)")
            return
        }
        #expect(retryAt >= rig.now + .seconds(3600))
        #expect(rig.waitForReconnect(directives).contains(.fetchGateway))
        rig.expectConnect(rig.feed(.gatewayFetched(GatewayRig.bot(remaining: 51))))
    }

    @Test("two identifies are at least 5 s apart")
    func identifySpacing() {
        var rig = GatewayRig.live()
        rig.jitter = UnitFraction(0)
        let lost = rig.feed(.closed(code: 4009, on: rig.connection))
        #expect(rig.waitForReconnect(lost).contains(.fetchGateway))
        let waits = rig.feed(.gatewayFetched(GatewayRig.bot()))
        #expect(waits.reconnectsAt == .seconds(1005))
    }

    @Test("a gateway that can't be asked is asked again with growing waits, and Retry-After wins")
    func fetchFails() {
        var rig = GatewayRig()
        rig.jitter = UnitFraction(1)
        rig.feed(.started(nil))
        var waits: [Int64] = []
        for _ in 0..<8 {
            let directives = rig.feed(.gatewayFetchFailed(.unusable(reason: "HTTP 502")))
            waits.append((directives.reconnectsAt! - rig.now).wholeMilliseconds + 1)
            rig.feed(rig.waitForReconnect(directives).contains(.fetchGateway) ? .settled(through: 0) : .stopRequested)
        }
        #expect(waits.first! <= 1_001 && waits.last! <= 30_001 && waits.last! > 29_000)
        let limited = rig.feed(.gatewayFetchFailed(.rateLimited(retryAfter: .seconds(90))))
        #expect(limited.reconnectsAt! == rig.now + .seconds(90))
        _ = rig.waitForReconnect(limited)
        #expect(rig.feed(.gatewayFetchFailed(.unauthorised)).statuses == [.blocked(.badToken, retryAt: nil)])
    }

    @Test("late facts of an old connection change nothing")
    func staleFacts() {
        var rig = GatewayRig.live()
        let old = rig.connection
        rig.expectConnect(rig.waitForReconnect(rig.frame(GatewayRig.reconnect)))
        #expect(rig.feed(.closed(code: 4004, on: old)).isEmpty)
        #expect(rig.feed(.frameReceived(GatewayRig.invalid(mayResume: false), on: old)).isEmpty)
        #expect(rig.feed(.connectionFailed(old, reason: "x")).isEmpty)
    }

    @Test("a planned stop stores the sequence and closes with 4000, so that the session lives on")
    func plannedStop() {
        var rig = GatewayRig.live()
        rig.frame(GatewayRig.dispatch("TYPING_START", sequence: 2))
        let directives = rig.feed(.stopRequested)
        #expect(directives.stored.map(\.sequence) == [2])
        #expect(directives.closes == [4000])
        #expect(rig.machine.state == .stopped)
        #expect(rig.feed(.started(nil)).isEmpty)
    }

    @Test("garbage, a READY without a session, and a Hello without an interval are dropped with a reason")
    func garbage() {
        var rig = GatewayRig.live()
        let directives = rig.feed(.frameUnreadable(reason: "a frame that is not JSON", on: rig.connection))
        #expect(directives.closes == [4000])
        #expect(directives.reconnectsAt != nil)

        var second = GatewayRig()
        second.feed(.started(nil))
        second.expectConnect(second.feed(.gatewayFetched(GatewayRig.bot())))
        _ = second.connected()
        #expect(second.frame(GatewayPayload(opcode: 10)).closes == [4000])

        var third = GatewayRig()
        third.feed(.started(nil))
        third.expectConnect(third.feed(.gatewayFetched(GatewayRig.bot())))
        _ = third.connected()
        third.frame(GatewayRig.hello)
        #expect(third.frame(GatewayRig.dispatch("READY", sequence: 1, [:])).closes == [4000])
    }

    @Test("a server that never says Hello, and one that never says READY, are left in time")
    func handshakeTimeouts() {
        var rig = GatewayRig()
        rig.feed(.started(nil))
        rig.expectConnect(rig.feed(.gatewayFetched(GatewayRig.bot())))
        _ = rig.connected()
        rig.pass(.seconds(20))
        #expect(rig.feed(.timerFired(.handshake)).closes == [4000])

        var silent = GatewayRig.live()
        silent.expectConnect(silent.waitForReconnect(silent.frame(GatewayRig.reconnect)))
        _ = silent.connected()
        silent.frame(GatewayRig.hello)
        #expect(silent.feed(.timerFired(.handshake)).closes == [4000])
    }
}
