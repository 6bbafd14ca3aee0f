import Foundation
import GatewayProtocol
import Testing
import WakeCore

@Suite("reveille call, and a gateway that restarts")
struct CallThroughRestartTests {
    struct Reply: Sendable {
        let end: Program.End
        let out: String
        let errors: String
    }

    /// Runs the command line to its end.
    private static func call(_ address: String, _ arguments: String...) async throws -> Reply {
        let program = try Program(
            Program.path, ["call"] + arguments + ["--url", address],
            environment: ["PATH": "/usr/bin:/bin", "REVEILLE_CONTROL_TOKEN": "t"],
            directory: FileManager.default.temporaryDirectory.path)
        program.feed()
        let end = try await program.ended()
        return Reply(end: end, out: await program.out.text(), errors: await program.errors.text())
    }

    @Test("cron list right after a restart: a bare 1000 twice, then a 1013, then the answer")
    func rightAfterRestart() async throws {
        try await BareGateway.play([.close(1000), .close(1000), .close(1013, "gateway starting")]) { gateway, address in
            let reply = try await Self.call(address, "cron.list")
            #expect(reply.end == .clean && reply.out == "{\"jobs\":[]}", "\(reply)")
            // Who reads a pipe is no person at a terminal.
            #expect(reply.errors.isEmpty && gateway.connections == 4 && gateway.requests.map(\.method) == ["cron.list"])
        }
    }

    @Test(
        "what waiting does not mend ends at once, with its exit code and what to do",
        arguments: [
            (.close(1002, "protocol mismatch"), 76), (.close(1008, "unauthorized: token"), 77),
            (.refuse(GatewayFault(.notPaired, "pairing required"), 1008, "pairing required"), 77),
            (.refuse(GatewayFault(.invalidRequest, "role"), 1008, "invalid frame: role"), 64),
        ] as [(BareGateway.Act, Int32)])
    func told(act: BareGateway.Act, code: Int32) async throws {
        try await BareGateway.play([act]) { gateway, address in
            let reply = try await Self.call(address, "health")
            #expect(reply.end == .exit(code) && reply.out.isEmpty, "\(reply)")
            #expect(reply.errors.hasPrefix("Error: ") && reply.errors.contains("\nTry: "), "\(reply.errors)")
            #expect(gateway.connections == 1 && gateway.requests.isEmpty)
        }
    }

    @Test("what was cut off is unclear and not repeated; with --once it is repeated, with the same key")
    func cutOff() async throws {
        let restart = BareGateway.Act.cutOff(1012, "service restart")
        try await BareGateway.play([restart]) { gateway, address in
            let reply = try await Self.call(address, "wake")
            #expect(reply.end == .exit(75) && reply.errors.contains("it may have been carried out"), "\(reply)")
            #expect(gateway.requests.count == 1)
        }
        try await BareGateway.play([restart]) { gateway, address in
            let reply = try await Self.call(address, "wake", "--once", "--params", "{text: 'x'}")
            #expect(reply.end == .clean, "\(reply)")
            let keys = gateway.requests.map { $0.params?["idempotencyKey"]?.string ?? "" }
            #expect(keys.count == 2 && keys[0] == keys[1] && keys[0].hasPrefix("once-"), "\(keys)")
            #expect(gateway.requests.allSatisfy { $0.params?["text"] == "x" })
        }
    }

    @Test("of two answers the first one counts, with --expect-final the last one")
    func twoAnswers() async throws {
        try await BareGateway.play([.promise, .promise]) { _, address in
            let first = try await Self.call(address, "agent")
            let last = try await Self.call(address, "agent", "--expect-final")
            #expect(first.out == "{\"status\":\"accepted\"}" && last.out == "{\"jobs\":[]}")
        }
    }

    @Test("a gateway that stays away is given up after --wait, with exit code 69")
    func away() async throws {
        try await BareGateway.play(Array(repeating: .close(1013, "gateway starting"), count: 100)) { gateway, address in
            let reply = try await Self.call(address, "health", "--wait", "600ms")
            #expect(reply.end == .exit(69) && reply.errors.contains("--wait"), "\(reply)")
            #expect(gateway.connections >= 2 && gateway.requests.isEmpty)
        }
    }
}
