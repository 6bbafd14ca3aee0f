import GatewayClient
import GatewayProtocol
import Synchronization
import Testing
import WakeCore
import WakeService

@Suite("A connection to a gateway")
struct ConnectionTests {
    private static func with<T: Sendable>(
        _ address: GatewayAddress, _ credentials: GatewayCredentials = .none,
        _ configuration: GatewayConnection.Configuration = .init(),
        _ body: @escaping @Sendable (GatewayConnection) async throws -> T
    ) async throws -> T {
        try await GatewayConnection.with(address, credentials, configuration, moments: try HurriedMoments(), body)
    }

    @Test("says hello as a client of both versions, and says goodbye with a reason")
    func hello() async throws {
        try await ScriptedGateway.play([.answer([.success(["ok": true])])]) { gateway, address in
            try await Self.with(address, .token("secret")) { connection in
                #expect(connection.hello.serverVersion == "scripted" && connection.closed == nil)
                let answer = try await connection.call("health")
                #expect(answer == ["ok": true])
            }
            let connect = gateway.connects.first
            #expect(connect?.minProtocol == 3 && connect?.maxProtocol == 4 && connect?.secret == "secret")
            #expect(connect?.client.id == "gateway-client" && connect?.client.mode == "backend")
            await gateway.next { $0.closes == [1000] }
        }
    }

    @Test("many calls at once each get their own answer")
    func concurrent() async throws {
        try await ScriptedGateway.play([.echo]) { gateway, address in
            let answers = try await Self.with(address) { connection in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in Int64(0)..<200 {
                        group.addTask { try await connection.call("echo", ["n": .integer(number)]) == ["n": .integer(number)] }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(answers.count == 200 && answers.allSatisfy(\.self))
        }
    }

    @Test("a fault is thrown as the gateway sent it")
    func fault() async throws {
        let fault = GatewayFault(.unavailable, "later", details: ["reason": "x"], isRetryable: true, retryAfterMilliseconds: 7)
        try await ScriptedGateway.play([.answer([.failure(fault)])]) { _, address in
            try await Self.with(address) { connection in
                _ = await #expect(throws: fault) { try await connection.call("health") }
            }
        }
    }

    @Test("a gateway that is silent for two ticks is left with 4000; whoever waits hears it")
    func ticks() async throws {
        try await ScriptedGateway.play([.hang(tickMilliseconds: 100)]) { gateway, address in
            try await Self.with(address) { connection in
                await #expect(throws: GatewayClosed(.tickTimeout, mayBeAccepted: true)) { try await connection.call("health") }
                #expect(connection.closed == .tickTimeout)
                await #expect(throws: GatewayClosed(.tickTimeout, mayBeAccepted: false)) { try await connection.call("health") }
            }
            await gateway.next { $0.closes == [4000] }
        }
    }

    @Test("who waits no longer says so")
    func cancelled() async throws {
        try await ScriptedGateway.play([.hang(tickMilliseconds: 60_000)]) { gateway, address in
            try await Self.with(address) { connection in
                let call = Task { try await connection.call("slow") }
                await gateway.next { $0.requests.count == 1 }
                call.cancel()
                await #expect(throws: CancellationError.self) { try await call.value }
                await gateway.next { $0.cancelled == gateway.requests.map(\.id) }
            }
        }
    }

    @Test("a close is kept with its reason, and ends the news")
    func closed() async throws {
        try await ScriptedGateway.play([.cutOff(1012, "service restart")]) { _, address in
            try await Self.with(address) { connection in
                await #expect(throws: GatewayClosed(.serviceRestart, mayBeAccepted: true)) { try await connection.call("health") }
                #expect(connection.closed == .serviceRestart)
                for await _ in connection.events {}
            }
        }
    }

    @Test("an announced end is told among the news")
    func shutdown() async throws {
        try await ScriptedGateway.play([.leave(instance: "one")]) { _, address in
            try await Self.with(address) { connection in
                _ = try? await connection.call("health")
                var events = connection.events.makeAsyncIterator()
                #expect(await events.next()?.name == "shutdown")
                #expect(connection.shutdown?.payload?["reason"] == "restart")
            }
        }
    }

    @Test("a gateway that begins but never lets us in is silent, not hung up on")
    func handshake() async throws {
        try await ScriptedGateway.play([.silence]) { gateway, address in
            var bounds = GatewayConnection.Configuration()
            bounds.helloTimeout = .milliseconds(200)
            await #expect(throws: GatewayMishap.silent("the gateway sent no challenge in time")) {
                try await Self.with(address, .none, bounds) { _ in }
            }
            await gateway.next { $0.closes == [1008] }
        }
    }

    @Test(
        "what is no address of a gateway, or would show the token to the network, is refused before anything is sent",
        arguments: ["http://127.0.0.1", "ws://192.0.2.1:18789", "ws://", "wss://user@host"])
    func addresses(text: String) async throws {
        do {
            try await Self.with(.web(text)) { _ in }
            Issue.record("let pass")
        } catch GatewayMishap.impossible(let error) {
            #expect(error.code == .invalidRequest && error.hint != nil)
        }
    }
}
