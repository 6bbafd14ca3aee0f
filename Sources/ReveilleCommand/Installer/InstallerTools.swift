import Foundation
import Installation
import Subprocess

/// Runs the tools of systemd: by their names, with arguments, never through a shell.
struct InstallerTools {
    /// What came of a run.
    struct Result {
        let status: Int32
        let output: String
        let complaint: String

        var isGood: Bool { status == 0 }
    }

    let scope: InstallationSite.Scope
    /// What a user's service manager needs to be found, where the login did not set it.
    private let additions: [Environment.Key: String?]

    init(scope: InstallationSite.Scope) {
        self.scope = scope
        let variables = ProcessInfo.processInfo.environment
        let runtime = "/run/user/\(getuid())"
        let isMissing = scope == .user && variables["XDG_RUNTIME_DIR"] == nil && access(runtime, X_OK) == 0
        additions = isMissing ? ["XDG_RUNTIME_DIR": runtime] : [:]
    }

    /// Runs a tool and collects what it says.
    func run(_ tool: String, _ arguments: [String]) async throws -> Result {
        var environment = additions
        environment["SYSTEMD_PAGER"] = ""
        environment["SYSTEMD_COLORS"] = "0"
        do {
            let result = try await Subprocess.run(
                .name(tool), arguments: Arguments(arguments), environment: .inherit.updating(environment), input: .none,
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
            let status: Int32 =
                switch result.terminationStatus {
                case .exited(let code): code
                case .signaled(let number): 128 + number
                }
            return Result(
                status: status, output: Self.trimmed(result.standardOutput), complaint: Self.trimmed(result.standardError))
        } catch {
            return Result(status: 127, output: "", complaint: "\(tool) could not be run: \(error)")
        }
    }

    /// Runs a tool, says so, and complains if it fails.
    func perform(_ tool: String, _ arguments: [String], hint: String? = nil) async throws {
        Printing.line("run  " + ([tool] + arguments).joined(separator: " "))
        let result = try await run(tool, arguments)
        guard !result.isGood else { return }
        let reason = result.complaint.isEmpty ? "exit status \(result.status)" : result.complaint
        throw Complaint(.software, "\(tool) failed: \(reason)", hint: hint ?? "Mend that, then run the same command again.")
    }

    /// As `perform`, but a failure is only told.
    func attempt(_ tool: String, _ arguments: [String], otherwise: String) async throws {
        Printing.line("run  " + ([tool] + arguments).joined(separator: " "))
        let result = try await run(tool, arguments)
        if !result.isGood { Printing.line("     \(Printing.oneLine(result.complaint, maximumCharacters: 200)); \(otherwise)") }
    }

    /// The arguments of systemctl for this service manager.
    func manager(_ arguments: [String]) -> [String] { (scope == .user ? ["--user"] : []) + arguments }

    func systemctl(_ arguments: String...) async throws -> Result { try await run("systemctl", manager(arguments)) }

    /// A property of a unit; empty if there is none.
    func property(_ name: String, of unit: String) async throws -> String {
        try await systemctl("show", "--property=\(name)", "--value", unit).output
    }

    func isActive(_ unit: String) async throws -> Bool {
        ["active", "reloading"].contains(try await property("ActiveState", of: unit))
    }

    /// The last lines that a unit wrote into the journal.
    func journal(of unit: String, lines: Int) async throws -> [Substring] {
        let selection = scope == .user ? ["--user", "--user-unit=\(unit)"] : ["--unit=\(unit)"]
        let result = try await run(
            "journalctl", selection + ["--lines=\(lines)", "--no-pager", "--quiet", "--output=cat", "--boot"])
        return result.output.split(separator: "\n")
    }

    /// How systemctl is called by hand.
    var systemctlWords: String { scope == .user ? "systemctl --user" : "systemctl" }

    private static func trimmed(_ text: String?) -> String { (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines) }
}
