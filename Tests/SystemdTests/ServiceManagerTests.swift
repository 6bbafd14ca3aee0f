import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("What the service manager is told, and keeps", .box("manager"))
    struct Manager {
        @Test("a reload reads the configuration again, names what needs a restart, and a faulty file changes nothing")
        func reload() async throws {
            let box = try Box.own()
            let pid = try await box.property("MainPID")
            for (lines, words) in [
                ("log: { level: \"debug\" }", "all of it is in force"), ("channels: { downGrace: \"5s\" }", "channels.downGrace"),
                ("channels: { downGrace: 5 }", "faulty"),
            ] {
                try await box.configure(lines)
                let mark = box.journalMark()
                try await box.shell("systemctl reload reveille")
                try await box.journal("_SYSTEMD_UNIT=reveille.service", after: mark, words: words)
                try await box.sees("ActiveState") { $0 == "active" }
            }
            #expect(try await box.property("MainPID") == pid)
            try await box.configure()
        }

        @Test("a notify socket that the daemon opened itself outlives its restart in the service manager's store")
        func store() async throws {
            let box = try Box.own()
            try await box.unit(
                "by-hand.service",
                """
                [Service]
                Type=notify
                FileDescriptorStoreMax=4
                Environment=REVEILLE_DISCORD_TOKEN=OTAwMDAwMDAwMDAwMDAxMDAw.loop.back
                ExecStart=reveille daemon --ledger /var/lib/by-hand --set notify.socket=/run/by-hand.sock
                """)
            try await box.shell("systemctl start by-hand")
            #expect(try await box.property("NFileDescriptorStore", of: "by-hand.service") == "1")
            let socket = try await box.shell("stat -c %i /run/by-hand.sock")
            try await box.shell("systemctl restart by-hand")
            // Bound anew it would be another file.
            #expect(try await box.shell("stat -c %i /run/by-hand.sock") == socket)
            #expect(try await box.property("NFileDescriptorStore", of: "by-hand.service") == "1")
            try await box.shell("systemctl stop by-hand")
        }

        @Test("a channel's changes are signals on the bus")
        func signals() async throws {
            let box = try Box.own()
            let path = "/io/github/reveille/Reveille1/channel"
            try await box.unit(
                "monitor.service",
                """
                [Service]
                ExecStart=busctl monitor --match type='signal',interface='org.freedesktop.DBus.Properties',path_namespace='\(path)'
                """)
            try await box.shell("systemctl start monitor")
            let heard = { @Sendable in try await box.exec("journalctl", "-q", "-o", "cat", "-u", "monitor").out }
            try await box.eventually("the monitor", heard) { $0.contains("Monitoring") }
            try await box.shutDiscord()
            try await box.eventually("the loss of the channel", heard) { $0.contains("STRING \"down\"") }
            try box.openDiscord()
            try await box.eventually("its return", heard) { $0.contains("STRING \"ready\"") }
            try await box.shell("systemctl stop monitor")
        }
    }
}
