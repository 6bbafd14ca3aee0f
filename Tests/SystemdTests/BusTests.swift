import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Without the bus", .box("bus"))
    struct WithoutBus {
        @Test("a bus that dies under us is one line in the journal, and watched units are seen again when it is back")
        func dies() async throws {
            let box = try Box.own()
            try await box.unit("tail.service", "[Service]\nExecStart=/usr/bin/tail -f /dev/null\n")
            try await box.shell("systemctl start tail")
            try await box.configure(
                """
                target: { settle: "1s" },
                watch: { "unit:tail.service": { sessions: ["\(Box.session(1))"], note: "seen again" } }
                """)
            try await box.shell("systemctl restart reveille")
            // One that we perform: from then on its run is known.
            try await box.allowRestart("tail.service")
            try await box.ask("restart", "tail.service", "--delay", "0s", note: "known from now on")
            try await box.isDeliveredOnce("known from now on")
            let (mark, pid) = (box.journalMark(), try await box.property("MainPID"))
            try await box.shell("systemctl kill -s KILL dbus.service; systemctl start dbus.service")
            try await box.journal("REVEILLE_EVENT=busAbsent", after: mark)
            // It is back when our name is.
            try await box.eventually("our name on the new bus", { try await box.exec("busctl", "list", "--no-legend").out }) {
                $0.contains("io.github.reveille.Reveille1")
            }
            let seen = box.journalMark()
            try await box.shell("systemctl restart tail")
            try await box.journal("REVEILLE_EVENT=wakeOpened", after: seen)
            try await box.isDeliveredOnce("seen again")
            #expect(try await box.property("MainPID") == pid)
            let lines = try await box.journalText("--since=\(mark)", "-o", "cat", "REVEILLE_EVENT=busAbsent")
            #expect(lines.split(separator: "\n").count == 1, "\(lines)")
        }

        @Test("a bus that takes connections and answers nothing holds up no start, no wake and no stop")
        func frozen() async throws {
            let box = try Box.own()
            try await box.configure()
            try await box.shell("systemctl restart reveille")
            let mark = box.journalMark()
            try await box.shell("systemctl kill -s STOP dbus.service")
            // The first stop is of one that was connected, the others of such as were never greeted.
            try await box.shell("for i in 1 2 3; do systemctl restart reveille; done")
            try await box.ask("sentinel", "write", note: "the bus is deaf")
            try await box.shell("systemctl restart reveille")
            try await box.isDeliveredOnce("the bus is deaf")
            let heldUp = try await box.journalText("--since=\(mark)", "-o", "cat", "REVEILLE_EVENT=stopHeldUp")
            #expect(heldUp.isEmpty, "\(heldUp)")
            try await box.shell("systemctl kill -s CONT dbus.service")
            try await box.eventually("our name on the bus", { try await box.exec("busctl", "list", "--no-legend").out }) {
                $0.contains("io.github.reveille.Reveille1")
            }
        }

        @Test("a start without a bus is one line in the journal, and wakes are delivered")
        func absent() async throws {
            let box = try Box.own()
            try await box.configure()
            let units = "dbus.service dbus.socket"
            try await box.shell("systemctl --quiet mask --runtime \(units); systemctl stop \(units)")
            let mark = box.journalMark()
            try await box.ask("sentinel", "write", note: "no bus at all")
            try await box.shell("systemctl restart reveille")
            try await box.journal("REVEILLE_EVENT=busAbsent", after: mark)
            try await box.isDeliveredOnce("no bus at all")
            #expect(try await box.property("ActiveState") == "active")
            let refused = try await box.reveille(["restart", "tail.service", "--session", Box.session, "--note", "never"])
            #expect(refused.code == 69 && refused.errors.contains("Try: "), "\(refused)")
            try await box.shell("systemctl --quiet unmask --runtime \(units); systemctl start \(units)")
            try await box.eventually("our name on the bus", { try await box.exec("busctl", "list", "--no-legend").out }) {
                $0.contains("io.github.reveille.Reveille1")
            }
        }

        @Test("a service manager's socket that leads nowhere changes nothing")
        func deadNotifySocket() async throws {
            let box = try Box.own()
            let script = """
                export NOTIFY_SOCKET=/run/leads/nowhere WATCHDOG_USEC=2000000 REVEILLE_DISCORD_TOKEN=\(LoopbackOptions.defaultToken)
                exec 3< <(exec reveille daemon --ledger /tmp/by-hand 2>&1)
                timeout 60 grep -m1 'ready: ledger open' <&3; code=$?
                kill $!; exit $code
                """
            let reply = try await box.exec("bash", "-c", script)
            #expect(reply.code == 0, "\(reply)")
        }
    }
}
