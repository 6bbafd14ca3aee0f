import Foundation
import Installation

/// Starts what was installed, and says whether it is up.
struct InstallerService {
    private static let daemon = "reveille.service"
    private static let port = "reveille-tcp.socket"

    let tools: InstallerTools
    let site: InstallationSite

    /// Enables and starts; restarts only what runs from other files than those that are there now.
    ///
    /// - Parameters:
    ///   - steps: what was written.
    ///   - unread: units whose files were not read before.
    /// - Throws: a `Complaint` with the journal's last lines where the daemon does not start.
    func start(after steps: [FileStep], unread: [String]) async throws {
        if try await tools.systemctl("is-enabled", Self.daemon).output != "enabled" {
            try await tools.perform("systemctl", tools.manager(["enable", "--quiet", Self.daemon]))
        }
        let changed = steps.filter(\.isChange).map(\.path) + unread.map { "\(site.unitFolder)/\($0)" }
        let wasActive = try await tools.isActive(Self.daemon)
        let isOtherProgram = wasActive ? try await runsAnotherProgram() : false
        if changed.contains(where: { $0.hasSuffix(".socket") }) {
            // A socket can't be changed while the service holds it.
            try await tools.perform("systemctl", tools.manager(["stop"] + WantedFiles.startedUnits.reversed()))
        } else if wasActive, isOtherProgram || changed.contains(where: { $0.contains("/\(Self.daemon)") }) {
            Printing.line(
                isOtherProgram ? "the daemon runs another program than the one here" : "the daemon's unit is another now")
            try await startDaemon("restart")
        }
        try await startSockets()
        if try await !tools.isActive(Self.daemon) { try await startDaemon("start") }
        try await sayThatItIsUp(asBefore: wasActive && changed.isEmpty && !isOtherProgram)
    }

    /// The port may belong to somebody else, or be switched off: all the rest works without it.
    private func startSockets() async throws {
        for unit in WantedFiles.startedUnits where unit.hasSuffix(".socket") {
            guard try await !tools.isActive(unit) else { continue }
            if unit == Self.port {
                guard try await tools.systemctl("is-enabled", unit).isGood else { continue }
                try await tools.attempt(
                    "systemctl", tools.manager(["start", unit]),
                    otherwise:
                        "who has the port says ss -ltnp; all else works. Another port: \(tools.systemctlWords) edit \(unit)")
            } else {
                try await tools.perform("systemctl", tools.manager(["start", unit]))
            }
        }
    }

    private func startDaemon(_ verb: String) async throws {
        Printing.line("run  \(tools.systemctlWords) \(verb) \(Self.daemon)")
        let result = try await tools.systemctl(verb, Self.daemon)
        guard !result.isGood else { return }
        let lines = try await tools.journal(of: Self.daemon, lines: 10).map {
            "  " + Printing.oneLine(String($0), maximumCharacters: 400)
        }
        let status = try await tools.property("StatusText", of: Self.daemon)
        var text = "\(Self.daemon) did not start: \(result.complaint.split(separator: "\n").first ?? "?")"
        if !status.isEmpty { text += "\nIts last words: \(Printing.oneLine(status, maximumCharacters: 400))" }
        if !lines.isEmpty { text += "\nThe journal's last lines:\n" + lines.joined(separator: "\n") }
        let journal = site.scope == .user ? "journalctl --user-unit" : "journalctl --unit"
        throw Complaint(
            .unavailable, text,
            hint: """
                Mend that, then run the same command again; systemd goes on trying meanwhile.
                More: \(journal)=\(Self.daemon) --boot --catalog
                To have it stay down: \(tools.systemctlWords) stop \(WantedFiles.startedUnits.joined(separator: " "))
                """)
    }

    private func sayThatItIsUp(asBefore: Bool) async throws {
        let status = try await tools.property("StatusText", of: Self.daemon)
        let words = status.isEmpty ? "" : ": \(Printing.oneLine(status, maximumCharacters: 300))"
        Printing.line("\nReveille is up\(asBefore ? ", as before" : "")\(words)")
    }

    /// Whether the running daemon is not this file: it was replaced, or is elsewhere.
    private func runsAnotherProgram() async throws -> Bool {
        let pid = try await tools.property("MainPID", of: Self.daemon)
        var ours = stat()
        var running = stat()
        guard let number = Int(pid), number > 0, stat("/proc/\(number)/exe", &running) == 0, stat(site.program, &ours) == 0
        else { return false }
        return ours.st_dev != running.st_dev || ours.st_ino != running.st_ino
    }
}
