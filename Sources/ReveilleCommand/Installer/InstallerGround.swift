import ArgumentParser
import Foundation
import Installation

/// What `install` and `uninstall` take both.
struct InstallerOptions: ParsableArguments {
    @Flag(name: .long, help: "For your own service manager (systemctl --user), not for the whole machine.")
    var user = false

    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.")
    var dryRun = false
}

/// Where an installation takes place, and whether it can.
struct InstallerGround {
    let site: InstallationSite
    let tools: InstallerTools
    /// Where the user's state lies; nil in system mode.
    let stateHome: String?

    init(_ options: InstallerOptions) throws {
        let program = try Self.program()
        let isInPath = Self.isFound(program)
        if options.user {
            guard let home = Self.home else {
                throw Complaint(.configuration, "HOME is not set", hint: "Log in as the user whose service it shall be.")
            }
            let configuration = Self.folder("XDG_CONFIG_HOME") ?? home + "/.config"
            let state = Self.folder("XDG_STATE_HOME") ?? home + "/.local/state"
            site = .user(configurationHome: configuration, stateHome: state, program: program, isProgramInPath: isInPath)
            stateHome = state
        } else {
            site = .system(program: program, isProgramInPath: isInPath)
            stateHome = nil
        }
        tools = InstallerTools(scope: site.scope)
    }

    /// The folder of the ledger.
    var ledgerFolder: String { (stateHome ?? "/var/lib") + "/reveille" }

    /// What keeps two installs apart.
    var lock: String { site.manifest + ".lock" }

    /// Complains where nothing can be changed; `verb` is what was typed, without `sudo`.
    func check(verb: String) async throws {
        guard access("/run/systemd/system", F_OK) == 0 else {
            throw Complaint(
                .unavailable, "systemd does not run here (there is no /run/systemd/system)",
                hint: "Run 'reveille daemon' under the supervisor that you have; it must start it again whenever it ends.")
        }
        if site.scope == .system {
            guard geteuid() == 0 else {
                throw Complaint(
                    .permission, "only root may \(verb.split(separator: " ")[0]) a system service",
                    hint: "sudo \(site.program) \(verb)\nOr, as a service of your own: reveille \(verb) --user")
            }
            return
        }
        guard getuid() >= 1000 else {
            throw Complaint(
                .usage, "--user is for people, and this is user \(getuid())",
                hint: "Run it as the user whose service it shall be, without sudo; or without --user for the whole machine.")
        }
        let answer = try await tools.systemctl("show-environment")
        guard answer.isGood else {
            throw Complaint(
                .unavailable, "your service manager can't be reached: \(answer.complaint)",
                hint: "Log in as yourself (not by su), or let it run without a login: loginctl enable-linger \(NSUserName())")
        }
    }

    /// What was written last.
    func manifest() throws -> Manifest {
        switch InstallerDisk.look(site.manifest) {
        case .absent: return Manifest()
        case .other(let words): throw Complaint(.data, "\(site.manifest): \(words)")
        case .file(let data):
            do { return try Manifest(data) } catch {
                throw Complaint(
                    .data, "\(site.manifest) is damaged: \(error)",
                    hint: "Move it away; then every file that is there counts as yours, and is not written over unasked.")
            }
        }
    }

    func save(_ manifest: Manifest) throws { _ = try InstallerDisk.write(manifest.encoded(), to: site.manifest) }

    private static var home: String? { folder("HOME") }

    private static func folder(_ variable: String) -> String? {
        guard let value = ProcessInfo.processInfo.environment[variable], value.hasPrefix("/") else { return nil }
        return value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value
    }

    /// This program, without links.
    private static func program() throws -> String {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"), access(path, X_OK) == 0
        else {
            throw Complaint(.unavailable, "this program can't find itself", hint: "Is /proc there, and was it not replaced?")
        }
        return path
    }

    /// Whether a service manager that looks for `reveille` finds this very file first.
    private static func isFound(_ program: String) -> Bool {
        var ours = stat()
        guard stat(program, &ours) == 0 else { return false }
        for folder in InstallationSite.programFolders {
            var found = stat()
            guard access("\(folder)/reveille", X_OK) == 0, stat("\(folder)/reveille", &found) == 0 else { continue }
            return found.st_dev == ours.st_dev && found.st_ino == ours.st_ino
        }
        return false
    }
}
