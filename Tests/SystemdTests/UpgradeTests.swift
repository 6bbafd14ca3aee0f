import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Upgrades", .box("upgrades"))
    struct Upgrades {
        /// The program as another version: the same, with another number in it.
        private static func otherVersion(_ box: Box) async throws -> String {
            var bytes = try Data(contentsOf: URL(filePath: Box.program))
            let (old, new) = (Data("0.1.0".utf8), Data("0.1.1".utf8))
            var from = bytes.startIndex
            while let place = bytes.range(of: old, in: from..<bytes.endIndex) {
                bytes.replaceSubrange(place, with: new)
                from = place.upperBound
            }
            let path = box.folder + "/reveille-next"
            try bytes.write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            #expect(try await Tool.run(path, ["--version"]).text == "0.1.1")
            #expect(try await Tool.run(Box.program, ["--version"]).text == "0.1.0")
            return path
        }

        private func runningVersion(_ box: Box) async throws -> String {
            try await box.exec(
                "busctl", "get-property", "io.github.reveille.Reveille1", "/io/github/reveille/Reveille1",
                "io.github.reveille.Reveille1", "Version"
            ).text
        }

        private func replace(_ box: Box, by program: String, version: String) async throws {
            try await box.verb("install", "--reveille", program)
            let reply = try await box.exec("reveille", "install")
            #expect(reply.code == 0 && reply.out.contains("the daemon runs another program than the one here"), "\(reply)")
            try await box.eventually("version \(version)", { try await runningVersion(box) }) { $0.contains("\"\(version)\"") }
        }

        @Test("wakes held by one version are delivered once by the next, and by the one before after a downgrade")
        func upgradeAndDowngrade() async throws {
            let box = try Box.own()
            let next = try await Self.otherVersion(box)
            for (program, version, note) in [
                (next, "0.1.1", "held by the older version"), (Box.program, "0.1.0", "held by the newer version"),
            ] {
                try await box.shutDiscord()
                try await box.ask("sentinel", "write", note: note)
                try await box.shell("systemctl restart reveille")
                try await box.sees("StatusText") { $0.contains("holding 1 wake for discord:default") }
                // One more whose restart is the upgrade itself.
                try await box.ask("sentinel", "write", note: "open while \(version) came", session: Box.session(2))
                try await replace(box, by: program, version: version)
                try await box.sees("StatusText") { $0.contains("holding 2 wakes for discord:default") }
                #expect(box.count(note) == 0)
                try box.openDiscord()
                try await box.isDeliveredOnce(note)
                #expect(box.count("open while \(version) came") == 1)
            }
        }

        @Test("a wake held in a ledger of version 1 is delivered once by today's daemon, after a backup of that ledger")
        func migration() async throws {
            let box = try Box.own()
            let note = "held in a ledger of version 1"
            try await box.shutDiscord()
            try await box.ask("sentinel", "write", note: note)
            try await box.shell("systemctl restart reveille")
            try await box.sees("StatusText") { $0.contains("holding 1 wake for discord:default") }
            let sockets = "reveille.socket reveille-tcp.socket reveille-notify.socket"
            try await box.shell("systemctl stop \(sockets) reveille")
            // All that later versions brought is taken away: what is left is what version 1 wrote.
            try await box.asReveille(
                """
                for table in ("daemon_start", "idempotency", "pairing", "pairing_request",
                              "turn", "job", "job_run", "lease", "session"):
                    ledger.execute("DROP TABLE " + table)
                ledger.execute("PRAGMA user_version = 1")
                ledger.execute("UPDATE meta SET value = 1 WHERE key = 'minReader'")
                """)
            try await box.shell("systemctl start reveille")
            try await box.sees("StatusText") { $0.contains("holding 1 wake for discord:default") }
            #expect(try await box.sql("PRAGMA user_version") == "3")
            #expect(try await box.sql("SELECT count(*) FROM daemon_start") == "1")
            #expect(try await box.shell("ls /var/lib/reveille/backups").contains("schema-1.sqlite"))
            try box.openDiscord()
            try await box.isDeliveredOnce(note)
        }

        @Test("two installs at once: the second waits for the first, and both end well")
        func twoInstalls() async throws {
            let box = try Box.own()
            // The first waits for the daemon's start.
            try await box.unit("reveille.service.d/late.conf", "[Service]\nExecStartPre=sleep 5\n")
            try await box.install()
            let reply = try await box.exec(
                "sh", "-c",
                """
                reveille install >/tmp/one 2>&1 & one=$!
                reveille install >/tmp/two 2>&1 & two=$!
                wait $one; a=$?; wait $two; b=$?
                echo "$a $b"; cat /tmp/one /tmp/two
                """)
            #expect(reply.text.hasPrefix("0 0\n"), "\(reply)")
            #expect(
                reply.text.matches(of: /wait another install or uninstall is at work here \(process [0-9]+\)/).count == 1,
                "\(reply)")
            #expect(reply.text.matches(of: /Reveille is up/).count == 2, "\(reply)")
            try await box.withdraw("late.conf")
        }
    }
}

extension Box {
    /// Changes the ledger of a daemon that is down, as its user.
    func asReveille(_ statements: String) async throws {
        let script =
            "import sqlite3\nledger = sqlite3.connect('/var/lib/reveille/ledger.sqlite')\n\(statements)\nledger.commit()\n"
        let reply = try await reveilleUser(["python3", "-c", script])
        guard reply.code == 0 else { throw Missed(description: "\(reply)") }
    }
}
