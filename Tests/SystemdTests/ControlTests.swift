import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("The control plane of a service", .box("control"))
    struct ControlPlane {
        private func call(_ box: Box, _ method: String, _ params: JSONValue = [:]) async throws -> JSONValue {
            let reply = try await box.exec(["reveille", "call", method, "--json", "--params", "-"], input: params.text)
            if let json = reply.json { return json }
            let state = try await box.shell(
                "systemctl status reveille --no-pager -n 0 || true; systemctl list-jobs --no-pager; "
                    + "journalctl -u reveille -n 40 --no-pager -o short-precise")
            throw Missed(description: "\(method): \(reply)\n\(state)")
        }

        @Test("a patch that needs a restart is followed by systemd's own restart, and one wake")
        func patch() async throws {
            let box = try Box.own()
            let note = "patched under systemd"
            let before = try await call(box, "status")["instance"]
            let hash = try #require(try await call(box, "config.get")["hash"])
            let reply = try await call(
                box, "config.patch",
                [
                    "raw": "{ wake: { holdFor: '2d' } }", "baseHash": hash, "sessionKey": .string(Box.session),
                    "note": .string(note), "restartDelayMs": 500,
                ])
            #expect(reply["restart"]?["scheduled"]?.bool == true && reply["sentinel"]?["durable"]?.bool == true)
            try await box.isDeliveredOnce(note)
            #expect(try await call(box, "status")["instance"] != before)
            #expect(try await call(box, "config.get")["parsed"]?["wake"]?["holdFor"]?.string == "2d")
            // The person's own file lies where the service can't write.
            #expect(try await box.shell("grep -c holdFor /etc/reveille/reveille.json5 || true") == "0")
            let log = try await box.exec("reveille", "config", "log")
            #expect(log.text.contains("wake.holdFor"), "\(log)")
            #expect(try await box.exec("reveille", "config", "revert", "1").code == 0)
        }

        @Test("calls through 20 restarts by a third party all succeed, over the socket that systemd holds")
        func restarts() async throws {
            let box = try Box.own()
            let restarts = Task { try await box.shell("for i in $(seq 20); do systemctl restart reveille; done") }
            for _ in 0..<20 { _ = try await call(box, "health") }
            _ = try await restarts.value
            _ = try await call(box, "health")
        }

        @Test("another user is refused, and told which key would let it in")
        func otherUser() async throws {
            let box = try Box.own()
            let reply = try await box.exec(
                "setpriv", "--reuid=65534", "--clear-groups", "reveille", "call", "health", "--url",
                "unix:/run/reveille/control.sock")
            #expect(reply.code == 77 && reply.errors.contains("control.peers"), "\(reply)")
        }
    }
}
