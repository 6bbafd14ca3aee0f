import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Units that are restarted", .box("units"))
    struct Units {
        /// A unit that runs while a file is there, and ends at once with 3 while it is not.
        private func web(_ box: Box, _ name: String, _ service: String = "", unit: String = "") async throws {
            try await box.unit(
                "\(name).service",
                """
                [Unit]
                \(unit)
                [Service]
                ExecStart=/bin/sh -c 'test -e /run/\(name).good || exit 3; exec tail -f /dev/null'
                \(service)
                """)
            try await box.shell("touch /run/\(name).good; systemctl start \(name)")
        }

        @Test("a unit is restarted when policy allows it, else the note says which rule would")
        func permission() async throws {
            let box = try Box.own()
            try await web(box, "web")
            let first = try await box.property("InvocationID", of: "web")
            let refused = try await box.ask("restart", "web.service", "--delay", "0s", note: "without the rule")
            let text = try await box.message("without the rule")["content"] ?? ""
            #expect(text.contains("The restart of web.service did not happen"))
            #expect(text.contains("reveille install --may-restart web.service"))
            #expect(try await box.property("InvocationID", of: "web") == first)
            #expect(try await state(box, refused) == "notRestarted")

            try await box.allowRestart("web.service")
            try await box.ask("restart", "web.service", "--delay", "0s", note: "with the rule")
            try await box.isDeliveredOnce("with the rule")
            #expect(try await box.message("with the rule")["content"]?.contains("Back after the restart of web.service") == true)
            #expect(try await box.property("InvocationID", of: "web") != first)
        }

        private func state(_ box: Box, _ sentinel: String) async throws -> String? {
            try await box.reveille(["sentinel", "show", sentinel, "--json"]).json?["state"]?.string
        }

        @Test("a unit that can't be restarted is refused before anything is written, in words")
        func refusals() async throws {
            let box = try Box.own()
            try await box.unit("masked.service", "[Service]\nExecStart=/bin/true\n")
            try await box.shell("ln -sf /dev/null /etc/systemd/system/masked.service; systemctl daemon-reload")
            let cases = [
                ("nowhere.service", 66, "there is no unit nowhere.service"), ("getty@.service", 64, "is a template"),
                ("masked.service", 69, "is masked"), ("no good.service", 64, "no good.service"),
            ]
            for (unit, code, words) in cases {
                let reply = try await box.reveille(["restart", unit, "--session", Box.session, "--note", "never"])
                #expect(reply.code == code, "\(reply)")
                #expect(reply.errors.contains(words) && reply.errors.contains("Try: "), "\(reply)")
            }
            #expect(box.count("never") == 0)
            // Our own unit: ending cleanly needs nobody's leave.
            let run = try await box.property("InvocationID")
            try await box.ask("restart", "reveille.service", "--delay", "0s", note: "our own unit")
            try await box.isDeliveredOnce("our own unit")
            #expect(try await box.property("InvocationID") != run)
        }

        @Test("a unit in a crash loop wakes nobody until it has settled")
        func crashLoop() async throws {
            let box = try Box.own()
            try await web(box, "loop", "Restart=always\nRestartSec=200ms", unit: "StartLimitIntervalSec=0")
            try await box.allowRestart("loop.service")
            try await box.shell("rm /run/loop.good")
            let sentinel = try await box.ask("restart", "loop.service", "--delay", "0s", note: "after the loop")
            try await box.sees("NRestarts", of: "loop") { (Int($0) ?? 0) >= 8 }
            #expect(box.count("after the loop") == 0)
            #expect(try await state(box, sentinel) == "restarting")
            try await box.shell("touch /run/loop.good")
            try await box.isDeliveredOnce("after the loop")
            #expect(try await state(box, sentinel) == "fired")
        }

        @Test("a unit that gives up is told honestly, in place of a wake that would not fit")
        func gaveUp() async throws {
            let box = try Box.own()
            try await web(box, "weak", "Restart=always\nRestartSec=100ms", unit: "StartLimitIntervalSec=60\nStartLimitBurst=4")
            try await box.allowRestart("weak.service")
            try await box.shell("rm /run/weak.good")
            let sentinel = try await box.ask("restart", "weak.service", "--delay", "0s", note: "after the weak one")
            let text = try await box.message("after the weak one")["content"] ?? ""
            #expect(text.contains("weak.service failed"), "\(text)")
            #expect(text.contains("Back after") == false)
            try await box.quiet()
            #expect(box.count("after the weak one") == 1)
            #expect(try await state(box, sentinel) == "targetFailed")
        }

        @Test("a watched unit that others restart, or that crashes, wakes the sessions that are named, with the true cause")
        func watched() async throws {
            let box = try Box.own()
            try await web(box, "watched", "Restart=always\nRestartSec=100ms")
            let session = Box.session(3)
            try await box.configure(
                """
                target: { settle: "1s" },
                watch: { "unit:watched.service": { sessions: ["\(session)"], note: "see to it" } }
                """)
            try await box.shell("systemctl restart reveille")
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            // One that we perform: from then on its run is known.
            try await box.allowRestart("watched.service")
            try await box.ask("restart", "watched.service", "--delay", "0s", note: "known from now on")
            try await box.isDeliveredOnce("known from now on")
            try await box.shell("systemctl restart watched")
            try await box.message("watched.service has restarted")
            try await box.quiet()
            try await box.shell("systemctl kill -s KILL watched")
            let text = try await box.message("watched.service crashed and was started again")["content"] ?? ""
            #expect(text.contains("KILL"), "\(text)")
            #expect(text.contains("> see to it"))
            try await box.quiet()
            #expect(box.count("see to it") == 2)
            try await box.configure()
            try await box.shell("systemctl restart reveille")
        }
    }
}

extension Box {
    /// The rule that `reveille install --may-restart` writes.
    func allowRestart(_ unit: String) async throws {
        try await shell(
            """
            sed s/@UNIT@/\(unit)/g /usr/local/share/reveille/may-restart.rules.in \
                >/etc/polkit-1/rules.d/50-reveille-may-restart-\(unit).rules
            """)
    }
}
