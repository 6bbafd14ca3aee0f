import DiscordLoopback
import DiscordProtocol
import Logging
import Testing
import WakeCore
import WakeService

@testable import DiscordTransport

@Suite("What the doctor says of a bot account")
struct DiscordJudgementTests {
    static let judgement = DiscordJudgement(channel: .discord(), tokenOrigin: "the token file /t")
    static let route = Route(channel: .discord(), kind: .channel, destination: "1234")

    private func findings(starts: GatewayBot? = nil, _ state: RouteState? = nil) -> [Finding] {
        let places = state.map { [DiscordFacts.Place(Self.route, $0)] } ?? []
        return Self.judgement.findings(DiscordFacts(witness: .works(account: "900"), starts: starts, places: places))
    }

    @Test("a token that Discord takes is in order, one that it rejects is an error that names where it comes from")
    func token() throws {
        #expect(findings().map(\.code) == ["discord-ok"])
        let rejected = try #require(Self.judgement.findings(.init(witness: .refused(reason: "401: Unauthorized"))).first)
        #expect(rejected.code == "discord-token-rejected" && rejected.severity == .error)
        #expect(rejected.fix?.contains("the token file /t") == true)
        let missing = Self.judgement.tokenMissing(reason: "there is no such token file", fix: "create it")
        #expect(missing.code == "discord-token-missing" && missing.severity == .error && missing.fix == "create it")
    }

    @Test("a Discord that can't be asked is unknown, not wrong")
    func unreachable() {
        let findings = Self.judgement.findings(.init(witness: .unknown(reason: "connection refused")))
        #expect(findings.map(\.code) == ["discord-unreachable"] && findings.map(\.severity) == [.unknown])
    }

    @Test(
        "few identifies are a warning, none to spend an error, enough nothing",
        arguments: [
            (1_000, Finding.Severity?.none), (100, nil), (99, .warning), (51, .warning), (50, .error), (0, .error),
        ])
    func identifies(remaining: Int, severity: Finding.Severity?) {
        let found = findings(starts: GatewayBot(url: "wss://gateway", total: 1_000, remaining: remaining))
        #expect(found.first { $0.code == "discord-identifies-low" }?.severity == severity)
    }

    @Test("a place that can't be written to, is gone, or could not be seen is told, with its name")
    func places() {
        let blocked = findings(.blocked(reason: "the bot lacks the permission Send Messages there"))
        #expect(blocked.map(\.code) == ["discord-no-permission"] && blocked.first?.severity == .error)
        #expect(blocked.first?.subject == "discord:default/channel:1234")
        #expect(findings(.gone(reason: "unknown channel")).map(\.code) == ["discord-place-gone"])
        #expect(findings(.unknown).map(\.severity) == [.unknown])
        let open = RouteState.ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true))
        #expect(findings(open).map(\.code) == ["discord-ok"])
        let mute = RouteState.ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: false))
        #expect(findings(mute).map(\.code) == ["discord-ok", "discord-no-history"])
    }

    // MARK: Looking

    private static func look(_ options: LoopbackOptions, token: String, at routes: [Route] = []) async throws -> DiscordFacts {
        let server = try DiscordLoopbackServer(options: options)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let settings = try DiscordSettings(
                token: try #require(BotToken(token)), channel: .discord(), apiBase: try await server.address().rest)
            let reader = DiscordReader(
                settings: settings, moments: try SystemMoments(environment: [:]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            group.addTask { await reader.run() }
            let facts = await reader.look(at: routes)
            // It looked, and neither connected nor wrote.
            #expect(server.world.log.events.allSatisfy { !["hello", "identify", "message"].contains($0.name) })
            return facts
        }
    }

    @Test("a look asks who the bot is, what is left of its identifies, and each place; people are left out")
    func look() async throws {
        var options = LoopbackOptions()
        options.sessionStartRemaining = 7
        let channel = Route(channel: .discord(), kind: .channel, destination: "\(LoopbackOptions.defaultThread)")
        let gone = Route(channel: .discord(), kind: .channel, destination: "77")
        let person = Route(channel: .discord(), kind: .user, destination: "5")
        let facts = try await Self.look(options, token: LoopbackOptions.defaultToken, at: [channel, gone, person])
        guard case .works = facts.witness else {
            Issue.record("\(facts.witness)")
            return
        }
        #expect(facts.starts?.remaining == 7 && facts.places.map(\.route) == [channel, gone])
        #expect(facts.places[0].state.isReady && facts.places[0].guild == "\(LoopbackOptions.defaultGuild)")
        #expect(facts.places[0].parent == "\(LoopbackOptions.defaultChannel)")
        #expect(facts.places[1].guild == nil && !facts.places[1].state.isReady)
        #expect(Self.judgement.findings(facts).map(\.code) == ["discord-identifies-low", "discord-place-gone"])
    }

    @Test("a token that is no bot's is seen to be rejected")
    func lookRejected() async throws {
        let facts = try await Self.look(LoopbackOptions(), token: "bm90aGluZw.not.one")
        #expect(Self.judgement.findings(facts).map(\.code) == ["discord-token-rejected"])
        #expect(facts.places.isEmpty && facts.starts == nil)
    }
}
