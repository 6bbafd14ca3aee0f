import GatewayProtocol
import Synchronization
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import GatewayClient

@Suite("A link to a gateway", .timeLimit(.minutes(1)))
struct LinkLifeTests {
    @Test("a connection that comes back to the same process is the same life; another process is another")
    func lives() async throws {
        let epochs = Mutex<[Epoch]>([])
        let store = InMemorySessionStore()
        for (uptime, areEqual) in [(60_000 as Int64, true), (60_000, true), (0, false)] {
            let before = epochs.withLock(\.self)
            try await LinkRig.play([LinkRig.gateway(uptime: uptime)], store: store) { rig in
                await rig.ready()
                epochs.withLock { $0 += rig.epochs(rig.events.value) }
            }
            let all = epochs.withLock(\.self)
            guard let first = before.first else { continue }
            #expect(all.count == before.count + 1 && all.last?.differs(from: first) == !areEqual)
        }
    }

    @Test(
        "what a person must mend blocks its channels with words that say what",
        arguments: [
            (
                ScriptedGateway.Act.refuse(
                    GatewayFault(.invalidRequest, "protocol mismatch", details: ["expectedProtocol": 5]), 1002,
                    "protocol mismatch"),
                "another version of the protocol"
            ),
            (.refuse(GatewayFault(.invalidRequest, "unauthorized: gateway token mismatch"), 1008, "unauthorized"), "token"),
            (.http(404), "404"),
        ])
    func blocked(act: ScriptedGateway.Act, words: String) async throws {
        let store = InMemorySessionStore()
        // It is known from an earlier life of ours which channels there are.
        try await LinkRig.play([LinkRig.gateway()], store: store) { rig in await rig.ready() }
        try await LinkRig.play([act], store: store) { rig in
            await rig.readiness.wait { reports in
                reports.contains { report in
                    if case .channel(_, .blocked(let reason)) = report { reason.contains(words) } else { false }
                }
            }
        }
    }

    @Test("a gateway that starts is asked again; a scope that is missing for its channels is named")
    func channelFaults() async throws {
        let faults = Mutex([
            GatewayFault(.unavailable, "starting", isRetryable: true),
            GatewayFault(.forbidden, "no", details: ["missingScope": "operator.read"]),
        ])
        let store = InMemorySessionStore()
        try await LinkRig.play([LinkRig.gateway()], store: store) { rig in await rig.ready() }
        try await LinkRig.play(
            [
                LinkRig.gateway { request in
                    guard request.method == "channels.status" else { return nil }
                    return .failure(faults.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] })
                }
            ], store: store
        ) { rig in
            await rig.readiness.wait { reports in
                reports.contains { report in
                    if case .channel(_, .blocked(let reason)) = report {
                        reason.contains("lack the scope operator.read")
                    } else {
                        false
                    }
                }
            }
        }
    }

    @Test("what is remembered and can't be read costs nothing", arguments: ["", "{", "[]", #"{"lives":5}"#])
    func memory(text: String) async throws {
        let store = InMemorySessionStore()
        await store.storeSession(text, of: try #require(ChannelName("gateway:main/link:memory")))
        try await LinkRig.play([LinkRig.gateway()], store: store) { rig in await rig.ready() }
    }

    @Test("a session in the middle of a turn is taken up in the next life, within its bounds", arguments: [true, false])
    func interrupted(isWished: Bool) async throws {
        let store = InMemorySessionStore()
        let row: JSONValue = [
            "key": .string(LinkRig.session), "hasActiveRun": true, "lastChannel": "discord", "lastTo": "channel:900",
        ]
        let rows: JSONValue = [
            row, ["key": "agent:infra:cron:nightly", "hasActiveRun": true], ["key": "agent:infra:main", "hasActiveRun": false],
        ]
        try await LinkRig.play(
            [LinkRig.gateway { $0.method == "sessions.list" ? .success(["sessions": rows]) : nil }], store: store
        ) { rig in
            await rig.ready()
            await rig.gateway.next { _ in rig.link.state.withLock { !$0.memory.runs.isEmpty } }
        }
        try await LinkRig.play([LinkRig.gateway(uptime: 0)], store: store, change: { $0.resumes = { _ in isWished } }) { rig in
            await rig.ready()
            let asked = rig.events.value.compactMap { if case .requested(let request, _) = $0 { request } else { nil } }
            guard isWished else {
                #expect(asked.isEmpty)
                return
            }
            let request = try #require(asked.first)
            #expect(asked.count == 1 && request.origin == .interrupted && request.owes == [.turn])
            #expect(request.session.description == LinkRig.session && request.route == LinkRig.route)
            let order = rig.events.value.map { if case .requested = $0 { "requested" } else { "other" } }
            #expect(order.first == "requested", "before the new life counts")
        }
    }
}
