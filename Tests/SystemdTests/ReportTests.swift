import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Channels that others report", .box("reports"))
    struct Reports {
        private func prepare(_ box: Box) async throws {
            try await box.configure(
                """
                channels: { downGrace: "2s", "irc:libera": { reporters: ["uid:0", "bridge.service"] } }
                """)
            try await box.shell("systemctl restart reveille")
        }

        private func state(_ box: Box, is wanted: String) async throws {
            let look = { @Sendable in try await box.exec("reveille", "status", "--json").text }
            try await box.eventually("irc:libera \(wanted)", look) { text in
                let channels = (try? JSONValue.parse(Array(text.utf8)))?["channels"]?.array ?? []
                let channel = channels.first { $0["channel"]?.string == "irc:libera" }
                return channel?["state"]?.string?.hasPrefix(wanted) == true
            }
        }

        /// A client of its own: socket and sendmsg, reports, then stays until its input ends.
        private static let reporter = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.connect("/run/reveille/notify")
            s.sendmsg([("X_REVEILLE_CHANNEL=irc:libera\\nX_REVEILLE_STATE=%s\\nSTATUS=from python" % sys.argv[1]).encode()])
            sys.stdin.read()
            """

        @Test("a unit reports with systemd-notify, and its end makes the channel down")
        func systemdNotify() async throws {
            let box = try Box.own()
            try await prepare(box)
            try await box.unit(
                "bridge.service",
                """
                [Service]
                ExecStart=/bin/sh -c 'NOTIFY_SOCKET=$REVEILLE_NOTIFY_SOCKET systemd-notify X_REVEILLE_CHANNEL=irc:libera \
                X_REVEILLE_STATE=ready && exec tail -f /dev/null'
                """)
            try await box.shell(
                """
                mkdir -p /etc/systemd/system/bridge.service.d
                cp /usr/local/share/reveille/drop-ins/reports-channels.service.d/50-reveille.conf /etc/systemd/system/bridge.service.d/
                systemctl daemon-reload; systemctl start bridge
                """)
            try await state(box, is: "ready")
            // Its claim holds over a restart of ours.
            try await box.shell("systemctl restart reveille")
            try await state(box, is: "ready")
            try await box.shell("systemctl stop bridge")
            try await state(box, is: "down")
        }

        @Test("a process reports by a socket of its own, and its end makes the channel down")
        func python() async throws {
            let box = try Box.own()
            try await prepare(box)
            let reporter = try box.python(Self.reporter, "ready")
            try await state(box, is: "ready")
            reporter.closeInput()
            #expect(try await reporter.ended().code == 0)
            try await state(box, is: "down")
        }

        @Test("garbage, oversize, foreign claims and floods change nothing and are told in one line")
        func floods() async throws {
            let box = try Box.own()
            try await prepare(box)
            try await box.journal("REVEILLE_EVENT=ready")
            let (pid, mark) = (try await box.property("MainPID"), box.journalMark())
            let script = """
                import os, socket
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.connect("/run/reveille/notify")
                def send(data):
                    try: s.send(data)
                    except OSError: pass
                for data in b"\\xff\\xfe", b"=", b"no lines at all", os.urandom(3000), b"A=" + b"x" * 60000, b"X_REVEILLE_CHANNEL=", \\
                        b"X_REVEILLE_CHANNEL=irc:libera", b"X_REVEILLE_CHANNEL=irc:libera\\nX_REVEILLE_STATE=maybe", \\
                        b"X_REVEILLE_CHANNEL=discord:default\\nX_REVEILLE_STATE=down":
                    send(data)
                for _ in range(20000):
                    send(b"X_REVEILLE_CHANNEL=irc:other\\nX_REVEILLE_STATE=ready")
                send(b"X_REVEILLE_CHANNEL=irc:libera\\nX_REVEILLE_STATE=blocked\\nSTATUS=the last word")
                """
            #expect(try await box.python(script).ended().code == 0)
            try await box.journal("REVEILLE_EVENT=claimsRefused", after: mark)
            // Whoever comes after the flood is heard.
            // (With a time of its own, since systemd-notify exits at once and no unit vouches for it here.)
            let report = [
                "NOTIFY_SOCKET=/run/reveille/notify", "systemd-notify", "X_REVEILLE_CHANNEL=irc:libera",
                "X_REVEILLE_TTL_USEC=30000000",
            ]
            let look = { @Sendable in
                _ = try await box.exec(["env"] + report + ["X_REVEILLE_STATE=blocked", "STATUS=heard after the flood"])
                return try await box.exec("reveille", "status").out
            }
            try await box.eventually("a report after the flood", look) { $0.contains("heard after the flood") }
            #expect(try await box.property("MainPID") == pid)
            let lines = try await box.journalText("--since=\(mark)", "-o", "cat", "REVEILLE_EVENT=claimsRefused")
            #expect(lines.split(separator: "\n").count == 1, "\(lines)")
            #expect(try await box.exec("reveille", "status").out.contains("discord:default: ready"))
        }

        @Test("a unit ordered after a channel starts when it is ready, outlives a flap, and is stopped after the grace")
        func ordering() async throws {
            let box = try Box.own()
            try await prepare(box)
            let unit = "reveille-channel@irc:libera.service"
            try await box.unit(
                "gateway.service",
                "[Unit]\nBindsTo=\(unit)\nAfter=\(unit)\n[Service]\nExecStart=/usr/bin/tail -f /dev/null\n")
            // What earlier tests left is down, and after the grace its unit goes.
            try await state(box, is: "down")
            try await box.sees("ActiveState", of: unit) { $0 == "inactive" }
            try await box.shell("systemctl start --no-block gateway")
            try await box.sees("ActiveState", of: unit) { $0 == "activating" }
            #expect(try await box.property("ActiveState", of: "gateway") == "inactive")
            let reporter = try box.python(Self.reporter, "ready")
            try await box.sees("ActiveState", of: "gateway") { $0 == "active" }
            #expect(try await box.property("ActiveState", of: unit) == "active")
            let run = try await box.property("InvocationID", of: "gateway")

            // A flap: down, and ready again at once. And a restart of ours.
            let flap = try box.python(Self.reporter, "down")
            try await state(box, is: "down")
            let again = try box.python(Self.reporter, "ready")
            try await state(box, is: "ready")
            try await box.shell("systemctl restart reveille")
            try await state(box, is: "ready")
            #expect(try await box.property("InvocationID", of: "gateway") == run)

            for tool in [reporter, flap, again] {
                tool.closeInput()
                _ = try await tool.ended()
            }
            try await box.sees("ActiveState", of: unit) { $0 == "inactive" }
            try await box.sees("ActiveState", of: "gateway") { $0 == "inactive" }
        }
    }
}
