import GatewayClient
import GatewayProtocol
import NetSupport
import Synchronization
import Testing
import WakeCore
import WakeService

@Suite("Calling a gateway that misbehaves")
struct GatewayCallerTests {
    private static let jobs: JSONValue = ["jobs": []]

    /// What came of a call, and the waits that it told of.
    private func call(
        _ address: GatewayAddress, key: String? = nil, budget: Int64 = 60_000, credentials: GatewayCredentials = .token("t"),
        expectsFinal: Bool = false
    ) async throws -> (result: Result<JSONValue?, GatewayError>, waits: [String]) {
        let caller = GatewayCaller(address, credentials, moments: try HurriedMoments(), dice: SystemDice())
        var options = GatewayCaller.Options()
        options.budgetMilliseconds = budget
        options.idempotencyKey = key
        options.expectsFinal = expectsFinal
        let waits = Mutex<[String]>([])
        do {
            let payload = try await caller.call("cron.list", [:], options: options) { words in
                waits.withLock { $0.append(words) }
            }
            return (.success(payload), waits.withLock { $0 })
        } catch let error as GatewayError {
            return (.failure(error), waits.withLock { $0 })
        }
    }

    @Test("cron list right after a restart: two bare closes and a 1013 are waited out")
    func rightAfterRestart() async throws {
        try await ScriptedGateway.play([
            .close(1000), .close(nil), .close(1013, "gateway starting"), .answer([.success(Self.jobs)]),
        ]) { gateway, address in
            let (result, waits) = try await call(address)
            #expect(result == .success(Self.jobs))
            #expect(waits.count == 3 && waits[2].contains("1013 gateway starting"), "\(waits)")
            #expect(gateway.requests.count == 1 && gateway.connections == 4)
        }
    }

    @Test(
        "what a restart does before the request is sent is waited out",
        arguments: [
            ScriptedGateway.Act.reset, .close(1012, "service restart"), .close(1006), .close(1008, "handshake timeout"),
            .refuse(
                GatewayFault(
                    .unavailable, "starting", details: ["reason": "startup-sidecars"], isRetryable: true,
                    retryAfterMilliseconds: 100), 1013, "gateway starting"),
            .leave(instance: "life-1"), .http(503),
        ])
    func waitedOut(act: ScriptedGateway.Act) async throws {
        try await ScriptedGateway.play([act, .answer([.success(Self.jobs)])]) { gateway, address in
            let (result, waits) = try await call(address)
            #expect(result == .success(Self.jobs))
            #expect(waits.count == 1, "\(waits)")
        }
    }

    @Test("a port that answers again is no new server: only another life takes the call")
    func sameLife() async throws {
        try await ScriptedGateway.play([
            .leave(instance: "life-1"), .answer([.success(["old": true])], instance: "life-1"),
            .answer([.success(Self.jobs)], instance: "life-2"),
        ]) { gateway, address in
            let (result, waits) = try await call(address)
            #expect(result == .success(Self.jobs))
            #expect(waits.last == "the gateway has not restarted yet")
            #expect(gateway.requests.count == 2)
        }
    }

    @Test(
        "what waiting does not mend is told at once, with what to do",
        arguments: [
            (
                ScriptedGateway.Act.refuse(
                    GatewayFault(.notPaired, "pairing required", details: ["code": "PAIRING_REQUIRED", "requestId": "r-7"]), 1008,
                    "pairing required"), GatewayError.Code.denied, "reveille pair approve r-7"
            ),
            (
                .refuse(
                    GatewayFault(.invalidRequest, "protocol mismatch", details: ["expectedProtocol": 9]), 1002,
                    "protocol mismatch"), .protocolMismatch, "up to date"
            ),
            (.close(1002, "protocol mismatch"), .protocolMismatch, "up to date"),
            (.close(1008, "unauthorized: token"), .denied, "token"), (.http(404), .unreachable, "Check the address"),
            (
                .refuse(GatewayFault(.forbidden, "the token is wrong"), 1008, "unauthorized"), .denied, "--token-file"
            ),
            (.answer([.failure(GatewayFault(.invalidRequest, "limit is no number"))]), .invalidRequest, ""),
        ])
    func atOnce(act: ScriptedGateway.Act, code: GatewayError.Code, hint: String) async throws {
        try await ScriptedGateway.play([act]) { gateway, address in
            let (result, waits) = try await call(address)
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.code == code, "\(error)")
            #expect(hint.isEmpty || error.hint?.contains(hint) == true, "\(error.hint ?? "")")
            #expect(waits.isEmpty && gateway.connections == 1)
        }
    }

    @Test(
        "a request that was cut off is not repeated without an idempotency key",
        arguments: [ScriptedGateway.Act.cutOff(1012, "service restart"), .cutOff(nil), .drop])
    func cutOff(act: ScriptedGateway.Act) async throws {
        try await ScriptedGateway.play([act, .answer([.success(Self.jobs)])]) { gateway, address in
            let (result, _) = try await call(address)
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.code == .unclear && error.message.contains("may have been carried out"))
            #expect(gateway.requests.count == 1)
        }
    }

    @Test(
        "with a key it is repeated, with the same one",
        arguments: [ScriptedGateway.Act.cutOff(1012, "service restart"), .cutOff(nil), .drop])
    func repeated(act: ScriptedGateway.Act) async throws {
        try await ScriptedGateway.play([act, .answer([.success(Self.jobs)])]) { gateway, address in
            let (result, _) = try await call(address, key: "k-1")
            #expect(result == .success(Self.jobs))
            #expect(gateway.requests.map { $0.params?["idempotencyKey"]?.string } == ["k-1", "k-1"])
        }
    }

    @Test("a gateway that never says a word is given up after the budget; nothing was sent")
    func silence() async throws {
        try await ScriptedGateway.play([.silence]) { gateway, address in
            let (result, _) = try await call(address, budget: 1_000)
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.code == .unavailable && error.message == "the gateway was not available for 1 s", "\(error)")
            #expect(gateway.requests.isEmpty)
        }
    }

    @Test("where nobody listens, the call says after its budget that nobody came")
    func nobody() async throws {
        let (result, _) = try await call(.unix(path: "/nonexistent/control.sock"), budget: 10_000)
        guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
        #expect(error.code == .unavailable && error.cause?.contains("nobody listens on /nonexistent/control.sock") == true)
    }

    @Test("a port where nobody listens is waited for, until somebody does")
    func refused() async throws {
        try await ScriptedGateway.play([.answer([.success(Self.jobs)])]) { gateway, address in
            gateway.server.stopListening()
            let caller = GatewayCaller(address, .token("t"), moments: try HurriedMoments(), dice: SystemDice())
            var options = GatewayCaller.Options()
            options.budgetMilliseconds = 60_000
            let waits = Mutex<[String]>([])
            let answer = try await caller.call("cron.list", nil, options: options) { reason in
                waits.withLock { $0.append(reason) }
                gateway.server.startListening()
            }
            #expect(answer == Self.jobs)
            // Who came while the listener closed was cut off; nobody was refused for any other reason.
            let told = waits.withLock { $0 }
            #expect(told.allSatisfy { $0.contains("nobody listens") || $0.contains("ended") }, "\(told)")
        }
    }

    @Test("the first of two answers counts")
    func twoAnswers() async throws {
        try await ScriptedGateway.play([.answer([.success(["status": "accepted"]), .success(["status": "done"])])]) {
            _, address in
            let (result, _) = try await call(address)
            #expect(result == .success(["status": "accepted"]))
        }
    }

    @Test("who expects the final answer gets what came of it; a fault after the promise is not asked again")
    func finalAnswer() async throws {
        let promise: Result<JSONValue?, GatewayFault> = .success(["status": "accepted"])
        try await ScriptedGateway.play([.answer([promise, .success(["status": "done"])])]) { gateway, address in
            let (result, _) = try await call(address, expectsFinal: true)
            #expect(result == .success(["status": "done"]) && gateway.requests.count == 1)
        }
        try await ScriptedGateway.play([.answer([promise, .failure(.restarting())])]) { gateway, address in
            let (result, waits) = try await call(address, key: "k", expectsFinal: true)
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            #expect(error.code == .unclear && waits.isEmpty && gateway.requests.count == 1)
        }
    }
}
