import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    /// In a box of its own: the machine's epoch must not be known from an earlier boot.
    @Suite("Reboots that nobody announced", .box("absence"))
    struct Absences {
        @Test(
            "a reboot that nobody announced wakes those who watch the machine, with how long it was away",
            arguments: [("reboot", "the machine was away for "), ("crash", "the machine was away for at most ")])
        func unannounced(_ end: String, _ words: String) async throws {
            let box = try Box.own()
            let note = "after an unannounced \(end)"
            try await box.configure("watch: { host: { sessions: [\"\(Box.session(6))\"], note: \"\(note)\" } }")
            // Where nobody disciplines the machine's clock, as here, it is believed once there is nobody to ask.
            let clock = "nobody tells whether the clock is set"
            let mark = box.journalMark()
            try await box.shell("systemctl --quiet mask --now systemd-timedated; systemctl restart reveille")
            try await box.journal("_SYSTEMD_UNIT=reveille.service", after: mark, words: clock)
            try await box.eventually("a sign of life by a clock that is set", { try await box.lastAlive() }) {
                $0.contains("\"clockSynchronised\":true")
            }
            try await box.quiet()
            // Boxes are back at once, which would not be worth a word.
            try await box.write("/etc/systemd/system/reveille.service.d/late.conf", "[Service]\nExecStartPre=sleep 2\n")
            try await box.shutDiscord()
            try await box.verb(end)
            try await box.journal("_SYSTEMD_UNIT=reveille.service", words: clock)
            try box.openDiscord()
            let text = try await box.message(note)["content"] ?? ""
            #expect(text.contains("The machine was rebooted") && text.contains(words), "\(text)")
            #expect(end == "crash" || !text.contains("at most"), "\(text)")
            try await box.isDeliveredOnce(note)
            try await box.configure()
            try await box.shell(
                """
                rm /etc/systemd/system/reveille.service.d/late.conf; systemctl daemon-reload
                systemctl --quiet unmask systemd-timedated; systemctl restart reveille
                """)
        }
    }
}

extension Box {
    /// When the ledger knows the daemon to have lived last.
    func lastAlive() async throws -> String { try await sql("SELECT alive FROM daemon_start ORDER BY number DESC LIMIT 1") }

    /// What the ledger says, the first value of the first row.
    func sql(_ query: String) async throws -> String {
        let script = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"
        return try await exec("python3", "-c", script, "/var/lib/reveille/ledger.sqlite", query).text
    }
}
