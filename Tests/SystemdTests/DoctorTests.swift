import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("The doctor looks at units", .box("doctor"))
    struct Doctor {
        /// What it says, by code, of a gateway that runs as that unit.
        private func findings(_ box: Box, _ unit: String, about subject: String? = nil) async throws -> [String: JSONValue] {
            let reply = try await box.reveille(
                [
                    "doctor", "--json", "--set", "gateways.main.unit=\(unit)", "--set",
                    "gateways.main.stateDirectory=/run/openclaw",
                ])
            let list = try #require(reply.json?["findings"]?.array, "\(reply)")
            let mine = list.filter { $0["subject"]?.string == subject ?? unit }
            return Dictionary(mine.map { ($0["code"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        }

        private func unit(_ box: Box, _ name: String, unit: String = "", _ service: String) async throws {
            try await box.unit(name, "[Unit]\n\(unit)\n[Service]\n\(service)\n")
        }

        @Test("a unit that systemd would strand, kill too early and kill whole is told so, with each figure")
        func weak() async throws {
            let box = try Box.own()
            try await unit(
                box, "weak.service",
                """
                ExecStart=/usr/bin/tail -f /dev/null
                Restart=on-failure
                TimeoutStopSec=30
                KillMode=control-group
                Environment=OPENCLAW_SERVICE_VERSION=2026.3.2
                """)
            try await box.shell("systemctl start weak")
            let found = try await findings(box, "weak.service")
            #expect(
                Set(found.keys) == ["unit-stop-too-short", "unit-kill-mode", "unit-no-restart", "unit-start-limit"], "\(found)")
            #expect(found["unit-stop-too-short"]?["fix"]?.string?.contains("TimeoutStopSec=105") == true)
        }

        @Test("a unit as the newest gateways install it is in order, and so is our own")
        func good() async throws {
            let box = try Box.own()
            try await unit(
                box, "good.service",
                "ExecStart=/usr/bin/tail -f /dev/null\nRestart=always\nRestartSec=5\nTimeoutStopSec=330\nKillMode=mixed")
            try await box.shell("systemctl start good")
            #expect(try await findings(box, "good.service").map(\.key) == ["unit-ok"])
            #expect(try await findings(box, "good.service", about: "reveille.service").map(\.key) == ["unit-ok"])
            #expect(try await findings(box, "nowhere.service").map(\.key) == ["unit-missing"])
        }

        @Test("a unit in a loop of restarts, and one that was given up on, are errors")
        func loop() async throws {
            let box = try Box.own()
            try await unit(
                box, "loop.service", unit: "StartLimitIntervalSec=0",
                "ExecStart=/bin/false\nRestart=always\nRestartSec=100ms\nTimeoutStopSec=330\nKillMode=mixed")
            try await unit(
                box, "stranded.service", unit: "StartLimitBurst=2\nStartLimitIntervalSec=60",
                "ExecStart=/bin/false\nRestart=always\nRestartSec=100ms\nTimeoutStopSec=330\nKillMode=mixed")
            try await box.shell(
                """
                systemctl start loop stranded || true
                until [ $(systemctl show -P NRestarts loop) -ge 3 ]; do :; done
                until [ $(systemctl show -P ActiveState stranded) = failed ]; do :; done
                """)
            #expect(try await findings(box, "loop.service")["unit-restart-loop"]?["severity"]?.string == "error")
            #expect(try await findings(box, "stranded.service")["unit-stranded"]?["severity"]?.string == "error")
            try await box.shell("systemctl stop loop")
        }
    }
}
