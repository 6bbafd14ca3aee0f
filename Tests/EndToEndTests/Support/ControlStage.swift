import DiscordLoopback
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore
import WakeService

/// A stage whose daemon has a control plane: a port, a Unix socket, a token.
struct ControlStage: Sendable {
    static let token = "a-token-of-the-tests-0123456789"

    let stage: Stage
    let port: Int
    let moments: SystemMoments

    var socket: String { stage.folder + "/control.sock" }

    static func play(
        _ options: LoopbackOptions = Stage.swift, _ body: @escaping @Sendable (ControlStage) async throws -> Void
    ) async throws {
        try await Stage.play(options) { stage in
            let control = ControlStage(stage: stage, port: freePort(), moments: try SystemMoments(environment: [:]))
            try stage.write(token, to: stage.folder + "/control.token")
            let document: JSONValue = [
                "ledger": ["directory": .string(stage.ledger)],
                "discord": [
                    "accounts": ["default": ["tokenFile": .string(stage.tokenFile), "apiBase": .string(stage.address.rest)]]
                ],
                "log": ["format": "json"],
                "control": [
                    "port": .integer(Int64(control.port)), "socket": .string(control.socket),
                    "tokenFile": .string(stage.folder + "/control.token"),
                ],
            ]
            try stage.write("// The operator's own file.\n" + document.text, to: stage.configuration)
            try await body(control)
        }
    }

    /// Connects over the Unix socket, as the daemon's own user.
    func connect<Value: Sendable>(
        _ body: @escaping @Sendable (GatewayConnection) async throws -> Value
    ) async throws -> Value {
        try await GatewayConnection.with(.unix(path: socket), .none, moments: moments, body)
    }

    /// Connects to the port, with the token.
    func connectByPort<Value: Sendable>(
        _ body: @escaping @Sendable (GatewayConnection) async throws -> Value
    ) async throws -> Value {
        try await GatewayConnection.with(.web("ws://127.0.0.1:\(port)/gateway"), .token(Self.token), moments: moments, body)
    }

    /// One call, over a connection of its own, through restarts.
    func call(_ method: String, _ params: JSONValue? = nil) async throws -> JSONValue {
        let caller = GatewayCaller(.unix(path: socket), .none, moments: moments, dice: SystemDice())
        return try #require(try await caller.call(method, params))
    }

    /// What a call is refused with.
    func refusal(_ method: String, _ params: JSONValue? = nil) async throws -> GatewayFault {
        try await connect { connection in
            do {
                let payload = try await connection.call(method, params)
                throw Missed(description: "\(method) was answered: \(payload?.text ?? "-")")
            } catch let fault as GatewayFault { return fault }
        }
    }

    /// The hash of the present configuration.
    func hash() async throws -> JSONValue { try #require(try await call("config.get")["hash"]) }

    /// A patch of the present configuration.
    func patch(_ raw: String, _ more: JSONObject = [:]) async throws -> JSONValue {
        var params: JSONObject = ["raw": .string(raw), "baseHash": try await hash()]
        for member in more.members { params[member.key] = member.value }
        return .object(params)
    }
}
