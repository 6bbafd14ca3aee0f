import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("Who may call: other users of the machine, paired devices, tokens")
struct ControlPlaneCallerTests {
    private static let ops = "agent:ops:discord:channel:\(Stage.channel)"

    /// What connecting is refused with.
    private static func refusal(_ connect: () async throws -> Void) async throws -> GatewayFault {
        do {
            try await connect()
            throw Missed(description: "it was let in")
        } catch GatewayMishap.notLetIn(let fault) { return fault }
    }

    @Test(
        "another user of the machine is refused over the Unix socket where nothing is set for it",
        .enabled(if: Relay.isPossible, "only root can be somebody else, and perl is needed"))
    func stranger() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let relay = try await Relay.start(control)
            let fault = try await Self.refusal { try await relay.connect { _ in } }
            #expect(fault.code == .forbidden, "\(fault)")
            #expect(fault.message.contains("control.peers") || fault.message.contains("\(Relay.uid)"), "\(fault)")
            try await relay.stop()
            try await control.stage.stop(daemon)
        }
    }

    @Test(
        "a user with scopes and sessions may do just that",
        .enabled(if: Relay.isPossible, "only root can be somebody else, and perl is needed"))
    func peer() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady(
                "control.peers.\(Relay.uid).scopes=write", "control.peers.\(Relay.uid).sessions=agent:ops:*")
            _ = try await control.call("wake", ["text": "for infra", "sessionKey": .string(Stage.session)])
            let relay = try await Relay.start(control)
            let hash = try await control.hash()
            try await relay.connect { connection in
                _ = try await connection.call("wake", ["text": "for ops", "sessionKey": .string(Self.ops)])
                try await Self.notTheirs(connection, hash)
            }
            try await ControlStage.saw(daemon, "wakeEnded", times: 2)
            #expect(control.notes("for ops", in: Stage.channel) == 1)
            try await relay.connect { connection in
                let wakes = try await connection.call("wakes.list", ["filter": "all"])?["wakes"]?.array ?? []
                #expect(wakes.compactMap { $0["session"]?.string ?? $0["sessionKey"]?.string } == [Self.ops], "\(wakes)")
                let sessions = try await connection.call("sessions.list")?["sessions"]?.array ?? []
                #expect(sessions.compactMap { $0["key"]?.string } == [Self.ops])
                let all = try await connection.call("sentinel.list", ["all": true])?["sentinels"]?.array ?? []
                #expect(all.count == 1)
            }
            try await relay.stop()
            try await control.stage.stop(daemon)
        }
    }

    /// What such a caller may not do.
    private static func notTheirs(_ connection: GatewayConnection, _ hash: JSONValue) async throws {
        let foreign = try await ControlStage.refusal(
            connection, "wake", ["text": "for infra", "sessionKey": .string(Stage.session)])
        #expect(foreign.code == .forbidden && foreign.details?["code"] == "SESSION_FORBIDDEN", "\(foreign)")
        let send = try await ControlStage.refusal(
            connection, "send", ["to": .string("channel:\(Stage.thread)"), "message": "x", "idempotencyKey": "k"])
        #expect(send.code == .forbidden && send.details?["code"] == "SESSION_FORBIDDEN", "\(send)")
        let log = try await ControlStage.refusal(connection, "logs.tail", nil)
        #expect(log.details?["code"] == "SESSION_FORBIDDEN", "it tells of every session: \(log)")
        for (method, params) in [
            ("config.patch", ["raw": "{ log: { level: 'debug' } }", "baseHash": hash] as JSONValue), ("config.get", nil),
            ("gateway.restart.request", nil), ("channels.stop", ["channel": "discord"]),
        ] {
            let fault = try await ControlStage.refusal(connection, method, params)
            #expect(fault.code == .forbidden && fault.details?["code"] == "MISSING_SCOPE", "\(method): \(fault)")
            #expect(fault.details?["missingScope"] == "operator.admin")
        }
    }

    @Test(
        "a caller with sessions of its own hears nothing of others'",
        .enabled(if: Relay.isPossible, "only root can be somebody else, and perl is needed"))
    func news() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady(
                "control.peers.\(Relay.uid).scopes=write", "control.peers.\(Relay.uid).sessions=agent:ops:*")
            let relay = try await Relay.start(control)
            let heard = try await relay.connect { connection in
                _ = try await control.call("wake", ["text": "for infra", "sessionKey": .string(Stage.session)])
                try await daemon.saw("wakeEnded")
                _ = try await connection.call("wake", ["text": "for ops", "sessionKey": .string(Self.ops)])
                var heard: Set<String> = []
                for await event in connection.events {
                    guard let session = event.payload?["sessionKey"]?.string else { continue }
                    heard.insert(session)
                    if event.name == "wake.ended", session == Self.ops { break }
                }
                return heard
            }
            #expect(heard == [Self.ops])
            try await relay.stop()
            try await control.stage.stop(daemon)
        }
    }

    @Test("a device asks, is approved, is let in with those scopes and sessions, and is out again once revoked")
    func device() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let identity = DeviceIdentity()
            @Sendable func connect(_ body: @escaping @Sendable (GatewayConnection) async throws -> Void) async throws {
                try await GatewayConnection.with(
                    .web("ws://127.0.0.1:\(control.port)/gateway"), .device(identity), moments: control.moments, body)
            }
            let fault = try await Self.refusal { try await connect { _ in } }
            #expect(fault.code == .notPaired && fault.details?["code"] == "PAIRING_REQUIRED", "\(fault)")
            let request = try #require(fault.details?["requestId"]?.string)
            let again = try await Self.refusal { try await connect { _ in } }
            #expect(again.details?["requestId"]?.string == request, "it is one request, however often it asks")
            let list = try await control.stage.run("pair", "list", "--json")
            #expect(list["requests"]?.array?.compactMap { $0["id"]?.string } == [request], "\(list.errors)")

            let approve = try await control.stage.run(
                "pair", "approve", request, "--scopes", "write", "--sessions", "agent:ops:*", "--json")
            #expect(approve.code == 0 && approve["device"]?.string == identity.id, "\(approve.errors)")
            try await connect { connection in
                _ = try await connection.call("wake", ["text": "for ops", "sessionKey": .string(Self.ops)])
                let foreign = try await ControlStage.refusal(
                    connection, "wake", ["text": "x", "sessionKey": .string(Stage.session)])
                #expect(foreign.details?["code"] == "SESSION_FORBIDDEN")
                let admin = try await ControlStage.refusal(connection, "config.get")
                #expect(admin.details?["code"] == "MISSING_SCOPE")
            }
            let revoke = try await control.stage.run("pair", "revoke", identity.id)
            #expect(revoke.code == 0, "\(revoke.errors)")
            let out = try await Self.refusal { try await connect { _ in } }
            #expect(out.code == .notPaired, "\(out)")
            try await control.stage.stop(daemon)
        }
    }

    @Test("a wrong token and none are told apart, and neither is let in")
    func token() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            for (credentials, code) in [(GatewayCredentials.token("wrong"), "AUTH_TOKEN_MISMATCH"), (.none, nil)] {
                let fault = try await Self.refusal {
                    try await GatewayConnection.with(
                        .web("ws://127.0.0.1:\(control.port)/"), credentials, moments: control.moments
                    ) { _ in }
                }
                #expect(fault.code == .forbidden, "\(fault)")
                if let code { #expect(fault.details?["code"]?.string == code) }
            }
            try await control.stage.stop(daemon)
        }
    }
}
