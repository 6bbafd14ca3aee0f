import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("Bad calls: a typed error that names all that is wrong, and a daemon that lives on")
struct ControlPlaneBadInputTests {
    /// Of every field the wrong type.
    private static let wrong: JSONValue = [
        "id": [], "raw": 1, "baseHash": [], "sessionKey": 1, "text": 1, "note": [], "path": 5, "limit": "x", "channel": 7,
        "to": [],
        "message": ["x": 1], "number": "x", "restartDelayMs": "x", "idempotencyKey": 1, "cursor": "x", "filter": 1, "reason": 1,
        "deliveryContext": 3, "target": 4,
    ]

    @Test("every method that takes params refuses those of wrong types")
    func types() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let before = try await control.stand()
            try await control.connect { connection in
                let methods = Set(connection.hello.methods).subtracting(["health", "status", "config.get", "cron.status"])
                #expect(methods.count >= 30)
                for method in methods.sorted() {
                    let fault = try await ControlStage.refusal(connection, method, Self.wrong)
                    #expect(fault.code == .invalidRequest, "\(method): \(fault)")
                    #expect(fault.details?["issues"]?.array?.isEmpty == false, "\(method): \(fault)")
                }
                let patch = try await ControlStage.refusal(connection, "config.patch", Self.wrong)
                let paths = patch.details?["issues"]?.array?.compactMap { $0["path"]?.string } ?? []
                #expect(
                    Set(paths).isSuperset(of: ["raw", "baseHash", "sessionKey", "note", "restartDelayMs", "deliveryContext"]),
                    "\(paths)")
                for params: JSONValue in [[], "x", 7] {
                    let fault = try await ControlStage.refusal(connection, "wakes.list", params)
                    #expect(fault.code == .invalidRequest)
                }
            }
            #expect(try await control.stand() == before)
            try await control.stage.stop(daemon)
        }
    }

    @Test("what changes the daemon is limited for each caller and method, and says when to come again")
    func limited() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let hash = try await control.hash()
            let params: JSONValue = ["raw": "{ log: { level: 'debug' } }", "baseHash": hash, "dryRun": true]
            try await control.connect { connection in
                for _ in 0..<30 { _ = try await connection.call("config.patch", params) }
                let fault = try await ControlStage.refusal(connection, "config.patch", params)
                #expect(fault.code == .unavailable && fault.isRetryable == true, "\(fault)")
                #expect((1...60_000).contains(fault.retryAfterMilliseconds ?? 0))
                // Another method has a count of its own, and so has another caller.
                _ = try await connection.call("config.log")
            }
            _ = try await control.connectByPort { try await $0.call("config.patch", params) }
            try await control.stage.stop(daemon)
        }
    }

    @Test("a file that its owner has edited meanwhile is a conflict; a broken one is reported, and what was good stays in force")
    func edited() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let own = try String(contentsOfFile: control.stage.configuration, encoding: .utf8)
            let params = try await control.patch("{ log: { level: 'debug' } }")
            try control.stage.write(own + "\n// edited\n", to: control.stage.configuration)
            let conflict = try await control.refusal("config.patch", params)
            #expect(conflict.details?["code"] == "CONFIG_CONFLICT", "\(conflict)")
            let hash = try await control.hash()
            #expect(conflict.details?["currentHash"] == hash)

            try control.stage.write(own + "\n{ broken", to: control.stage.configuration)
            let get = try await control.refusal("config.get")
            #expect(get.code == .unavailable && get.reason == "config-faulty", "\(get)")
            let patch = try await control.refusal("config.patch", ["raw": "{ log: { level: 'debug' } }", "baseHash": hash])
            #expect(patch.message.contains(control.stage.configuration) || patch.message.contains("faulty"), "\(patch)")
            _ = try await control.call("wake", ["text": "still here", "sessionKey": .string(Stage.session)])
            try await daemon.saw("wakeEnded")
            #expect(control.notes("still here") == 1)
            try control.stage.write(own, to: control.stage.configuration)
            #expect(try await control.call("config.patch", params)["changedPaths"] == ["log.level"], "it is what it was")
            try await control.stage.stop(daemon)
        }
    }
}
