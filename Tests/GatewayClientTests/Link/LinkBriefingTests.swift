import GatewayProtocol
import Synchronization
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import GatewayClient

@Suite("The look before a first attempt", .timeLimit(.minutes(1)))
struct LinkBriefingTests {
    /// A channel of which this is read.
    private struct Channel: ChannelReader {
        var messages: [ChannelMessage] = []

        func reads(_ channel: ChannelName) -> Bool { channel == LinkRig.route.channel }
        func witness(_ channel: ChannelName) async -> ChannelWitness { .works(account: "bot") }
        func check(_ route: Route) async -> RouteState { .ready(RouteCapabilities()) }
        func search(_ order: SearchOrder) async -> ReceiptSearch { .absent }

        func messages(in route: Route, since: Int64, limit: Int) async throws(WakeError) -> [ChannelMessage] {
            Array(messages.filter { $0.at >= since }.suffix(limit))
        }
    }

    private static func said(_ text: String, by id: String, bot: Bool = false, secondsAgo: Int64 = 30) throws -> ChannelMessage {
        let author = ChannelMessage.Author(id: id, name: id, isBot: bot, isOurselves: bot)
        let now = try HurriedMoments().now().wallMilliseconds
        return ChannelMessage(id: "m-\(id)", author: author, guild: "1", text: text, at: now - secondsAgo * 1_000)
    }

    private static func look(
        _ kind: DeliveryKind, _ origin: Sentinel.Origin, _ act: ScriptedGateway.Act, _ messages: [ChannelMessage] = [],
        store: InMemorySessionStore = InMemorySessionStore(), _ check: @escaping @Sendable (Briefing) -> Void
    ) async throws {
        try await LinkRig.play([act], store: store, reader: Channel(messages: messages)) { rig in
            await rig.ready()
            check(await rig.link.brief(try rig.briefing(kind, origin, openSince: rig.moments.now())))
        }
    }

    @Test("what was asked of us is needed at once", arguments: DeliveryKind.allCases)
    func requested(kind: DeliveryKind) async throws {
        let ping = try Self.said("look at the logs", by: "bot", bot: true)
        try await Self.look(kind, .requested, LinkRig.gateway(uptime: 0, version: "2026.5.1"), [ping]) {
            #expect($0 == .needed(missed: []))
        }
    }

    @Test(
        "a gateway's own ping gets its chance: once after its start, or for as long as its version tries",
        arguments: [
            ("2026.3.2", 0 as Int64), ("2026.5.1", 60_000), ("who knows", 60_000),
        ])
    func chance(version: String, uptime: Int64) async throws {
        try await Self.look(.notice, .adopted, LinkRig.gateway(uptime: uptime, version: version)) { briefing in
            guard case .notYet(_, let after) = briefing else {
                Issue.record("\(briefing)")
                return
            }
            #expect(after > .zero && after <= .seconds(5))
        }
    }

    @Test(
        "a notice is done where its ping is in the channel, in whichever words; a person who says the same proves nothing",
        arguments: [
            ("look at the logs", true, true), ("GatewayRestart:\n{}", true, true), ("Gateway restart restart ok", true, true),
            ("look at the logs", false, false), ("something else", true, false),
        ])
    func ping(text: String, bot: Bool, isDone: Bool) async throws {
        let message = try Self.said(text, by: "someone", bot: bot)
        try await Self.look(.notice, .adopted, LinkRig.gateway(), [message]) {
            #expect($0 == (isDone ? .done(Receipt(id: "m-someone", source: .history)) : .needed(missed: [])))
        }
    }

    @Test("a ping of an earlier life proves nothing")
    func oldPing() async throws {
        let message = try Self.said("look at the logs", by: "bot", bot: true, secondsAgo: 90)
        try await Self.look(.notice, .adopted, LinkRig.gateway(), [message]) { #expect($0 == .needed(missed: [])) }
    }

    @Test(
        "a turn is done where the session is at work or the agent has spoken; its own ping in the transcript is no word of the agent",
        arguments: ["running", "spoke", "pinged", "silent"])
    func turn(case name: String) async throws {
        let now = try HurriedMoments().now().wallMilliseconds
        let act = LinkRig.gateway { request in
            switch (request.method, name) {
            case ("sessions.list", "running"):
                .success(["sessions": [["key": .string(LinkRig.session), "hasActiveRun": true, "activeRunIds": ["r9"]]]])
            case ("chat.history", "spoke"), ("chat.history", "pinged"):
                .success([
                    "messages": [
                        [
                            "role": "assistant", "timestamp": .integer(now - 1_000),
                            "content": .string(name == "spoke" ? "I go on." : "look at the logs"),
                        ]
                    ]
                ])
            default: nil
            }
        }
        try await Self.look(.turn, .adopted, act) { briefing in
            switch name {
            case "running": #expect(briefing == .done(Receipt(kind: .run, id: "r9", source: .history)))
            case "spoke": #expect(briefing == .done(Receipt(kind: .run, id: "transcript", source: .history)))
            default: #expect(briefing == .needed(missed: []))
            }
        }
    }

    @Test(
        "what people wrote meanwhile goes with the turn, of whom the gateway would have heard; whom it can't know, of nobody",
        arguments: [true, false])
    func missed(mayAsk: Bool) async throws {
        let store = InMemorySessionStore()
        var memory = GatewayMemory()
        memory.heardPeopleUntil[LinkRig.route.channel] = try HurriedMoments().now().wallMilliseconds - 60_000
        await store.storeSession(memory.text, of: try #require(ChannelName("gateway:main/link:memory")))
        let act = LinkRig.gateway(uptime: 0) { request in
            guard request.method == "config.get" else { return nil }
            guard mayAsk else { return .failure(GatewayFault(.forbidden, "no", details: ["missingScope": "operator.admin"])) }
            let discord: JSONValue = [
                "groupPolicy": "allowlist",
                "guilds": ["1": ["requireMention": false, "users": ["ann"], "channels": ["900": ["enabled": true]]]],
            ]
            return .success(["config": ["channels": ["discord": discord]]])
        }
        let messages = [
            try Self.said("stop!", by: "ann", secondsAgo: 30), try Self.said("rm -rf", by: "mallory", secondsAgo: 30),
            try Self.said("beep", by: "robot", bot: true, secondsAgo: 30),
            try Self.said("long ago", by: "ann", secondsAgo: 9_000),
        ]
        try await LinkRig.play([act], store: store, reader: Channel(messages: messages)) { rig in
            await rig.ready()
            guard
                case .needed(let missed) = await rig.link.brief(try rig.briefing(.turn, .requested, openSince: rig.moments.now()))
            else {
                Issue.record("not needed")
                return
            }
            #expect(missed.map(\.text) == (mayAsk ? ["stop!"] : []), "\(missed)")
        }
    }
}
