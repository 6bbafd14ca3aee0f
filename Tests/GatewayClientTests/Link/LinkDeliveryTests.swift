import GatewayProtocol
import Synchronization
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import GatewayClient

@Suite("Notices and turns through a gateway", .timeLimit(.minutes(1)))
struct LinkDeliveryTests {
    @Test("a notice goes by send and a turn by agent, each to its place and under its own key")
    func requests() async throws {
        try await LinkRig.play([
            LinkRig.gateway { request in
                switch request.method {
                case "send": .success(["messageId": "m1"])
                case "agent": .success(["runId": "r1", "status": "accepted"])
                default: nil
                }
            }
        ]) { rig in
            await rig.ready()
            #expect(await rig.link.send(try rig.order(.notice)) == .accepted(Receipt(id: "m1", source: .reply)))
            #expect(await rig.link.start(try rig.order(.turn)) == .accepted(Receipt(kind: .run, id: "r1", source: .reply)))
            let send = try #require(rig.gateway.requests("send").first?.params)
            #expect(send["to"] == "channel:900" && send["channel"] == "discord" && send["accountId"] == "default")
            #expect(send["idempotencyKey"] == "nonce-7" && send["message"]?.string?.hasSuffix("-# reveille 7") == true)
            let agent = try #require(rig.gateway.requests("agent").first?.params)
            #expect(agent["sessionKey"] == .string(LinkRig.session) && agent["idempotencyKey"] == "nonce-7")
            #expect(agent["message"] == "go on\n\n-# reveille 7" && agent["deliver"] == true)
        }
    }

    @Test(
        "what a refusal means: only what provably was not taken may be tried again",
        arguments: [
            (GatewayFault(.unavailable, "starting", isRetryable: true, retryAfterMilliseconds: 500), "transient"),
            (GatewayFault(.unavailable, "starting", retryAfterMilliseconds: 500), "transient"),
            (GatewayFault(.unavailable, "discord failed"), "ambiguous"), (GatewayFault(.agentTimeout, "too long"), "ambiguous"),
            (GatewayFault(.init("SOMETHING_NEW"), "who knows"), "ambiguous"), (GatewayFault(.invalidRequest, "no"), "permanent"),
            (GatewayFault(.forbidden, "no", details: ["missingScope": "operator.write"]), "unavailable"),
            (GatewayFault(.notPaired, "no"), "unavailable"),
        ])
    func faults(fault: GatewayFault, expected: String) async throws {
        try await LinkRig.play([LinkRig.gateway { ["send", "agent"].contains($0.method) ? .failure(fault) : nil }]) { rig in
            await rig.ready()
            for outcome in [await rig.link.send(try rig.order(.notice)), await rig.link.start(try rig.order(.turn))] {
                switch outcome {
                case .transient(let reason, let wait):
                    #expect(expected == "transient" && reason == "starting" && wait == .milliseconds(500))
                case .ambiguous: #expect(expected == "ambiguous")
                case .permanent: #expect(expected == "permanent")
                case .unavailable(.channel, let reason):
                    #expect(expected == "unavailable")
                    if fault.details != nil { #expect(reason.contains("lack the scope operator.write")) }
                default: Issue.record("\(outcome)")
                }
            }
        }
    }

    @Test("an answer that names nothing, or none in time, is unclear")
    func unclear() async throws {
        try await LinkRig.play(
            [
                LinkRig.gateway { request in
                    switch request.method {
                    case "send": .some(nil)
                    default: nil
                    }
                }
            ], change: { $0.attemptTimeout = .milliseconds(500) }
        ) { rig in
            await rig.ready()
            guard case .ambiguous(let late) = await rig.link.send(try rig.order(.notice)) else {
                Issue.record("not unclear")
                return
            }
            #expect(late.contains("no answer of the gateway within"))
        }
        // With all the time that it wants: a busy machine must not turn the one into the other.
        let answering = LinkRig.gateway { $0.method == "agent" ? .success(["status": "accepted"]) : nil }
        try await LinkRig.play([answering]) { rig in
            await rig.ready()
            let order = try rig.order(.turn)
            #expect(await rig.link.start(order) == .ambiguous(reason: "the gateway's answer names no run"))
        }
    }

    @Test("a connection that ends under a request leaves it unclear; without one nothing is sent, and no permit given")
    func cutOff() async throws {
        try await LinkRig.play([.cutOff(nil), .silence]) { rig in
            // The first request that comes, whichever it is, ends the connection; the second one never begins.
            await rig.gateway.next { $0.connections == 2 }
            let id = try rig.order(.notice).delivery
            #expect(!rig.link.takePermit(id, over: LinkRig.route))
            let outcome = await rig.link.send(try rig.order(.notice))
            #expect(outcome == .transient(reason: "there is no connection to the gateway", retryAfter: nil))
        }
    }

    @Test("a repeat that only an earlier life would know is refused unsent", arguments: DeliveryKind.allCases)
    func otherLife(kind: DeliveryKind) async throws {
        try await LinkRig.play([LinkRig.gateway()]) { rig in
            await rig.ready()
            let other = try rig.order(kind, life: .startedAt(boot: rig.moments.now().boot, microseconds: 1))
            let outcome = kind == .notice ? await rig.link.send(other) : await rig.link.start(other)
            #expect(outcome == .transient(reason: "the gateway that would know this repeat has restarted", retryAfter: nil))
            #expect(rig.gateway.requests("send").isEmpty && rig.gateway.requests("agent").isEmpty)
            let life = try #require(rig.epochs(rig.events.value).first)
            let same = try rig.order(kind, life: life)
            _ = kind == .notice ? await rig.link.send(same) : await rig.link.start(same)
            #expect(rig.gateway.requests(kind == .notice ? "send" : "agent").count == 1)
        }
    }

    @Test("without a token to read with, a notice's fate can't be told")
    func noReader() async throws {
        try await LinkRig.play([LinkRig.gateway()]) { rig in
            await rig.ready()
            guard case .cannotTell(let reason) = await rig.link.search(try rig.search(.notice, since: rig.moments.now())) else {
                Issue.record("told")
                return
            }
            #expect(reason.contains("gateways.main.discordTokenFile"))
        }
    }

    @Test("a turn is looked for in the transcript: its last line proves it; its absence only in a life that has ended")
    func transcript() async throws {
        let history = Mutex<Result<JSONValue?, GatewayFault>>(.success(["messages": []]))
        try await LinkRig.play([LinkRig.gateway { $0.method == "chat.history" ? history.withLock(\.self) : nil }]) { rig in
            await rig.ready()
            let now = rig.moments.now()
            let (inThisLife, before) = (now, now.advanced(by: .seconds(-3_600)))
            #expect(
                await rig.link.search(try rig.search(.turn, since: inThisLife))
                    == .cannotTell(reason: "the gateway may have it in hand"))
            #expect(await rig.link.search(try rig.search(.turn, since: before)) == .absent)
            let told: JSONValue = ["role": "user", "content": [["type": "text", "text": "go on\n\n-# reveille 7"]]]
            history.withLock { $0 = .success(["messages": [told]]) }
            for since in [inThisLife, before] {
                let found = await rig.link.search(try rig.search(.turn, since: since))
                #expect(found == .found(Receipt(kind: .run, id: "nonce-7", source: .history)))
            }
            let full = JSONValue.array(
                (0..<200).map { _ in ["role": "user", "content": "x", "timestamp": .integer(now.wallMilliseconds)] })
            history.withLock { $0 = .success(["messages": full]) }
            #expect(
                await rig.link.search(try rig.search(.turn, since: before))
                    == .cannotTell(reason: "the transcript does not reach back to the attempt"))
            history.withLock { $0 = .failure(GatewayFault(.unavailable, "starting")) }
            #expect(
                await rig.link.search(try rig.search(.turn, since: before))
                    == .tryAgain(reason: "the gateway gave no transcript", retryAfter: nil))
            history.withLock { $0 = .failure(GatewayFault(.forbidden, "no")) }
            #expect(await rig.link.search(try rig.search(.turn, since: before)) == .cannotTell(reason: "chat.history: no"))
        }
    }
}
