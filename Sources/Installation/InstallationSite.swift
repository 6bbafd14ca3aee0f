/// Where an installation lies: for the whole machine, or for one user's own service manager.
public struct InstallationSite: Hashable, Sendable {
    /// Whose service manager.
    public enum Scope: String, Hashable, Sendable, Codable {
        /// PID 1.
        case system
        /// That of a user.
        case user
    }

    /// Whose.
    public let scope: Scope
    /// Where the units go.
    public let unitFolder: String
    /// Where the manifest lies: what was written, so that it can be told from what a person changed.
    ///
    /// In system mode not in the daemon's own folder: the daemon must not be able to name files that root then removes.
    public let manifest: String
    /// The program, as an absolute path.
    public let program: String
    /// Whether the service manager finds the program under its bare name.
    public let isProgramInPath: Bool

    /// Where a service manager looks for a program without a path (systemd.exec(5), `ExecSearchPath=`).
    public static let programFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// The machine's own.
    public static func system(program: String, isProgramInPath: Bool) -> InstallationSite {
        InstallationSite(
            scope: .system, unitFolder: "/etc/systemd/system", manifest: "/var/lib/reveille-install/manifest.json",
            program: program, isProgramInPath: isProgramInPath)
    }

    /// A user's own; the folders are those of the XDG base directory specification.
    public static func user(
        configurationHome: String, stateHome: String, program: String, isProgramInPath: Bool
    ) -> InstallationSite {
        InstallationSite(
            scope: .user, unitFolder: configurationHome + "/systemd/user",
            manifest: stateHome + "/reveille-install/manifest.json", program: program, isProgramInPath: isProgramInPath)
    }

    /// Why a system service can't run the program from where it is; nil if it can. The sandbox of the unit hides homes and
    /// has a `/tmp` of its own.
    public var programObstacle: String? {
        guard scope == .system else { return nil }
        let hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"]
        guard let folder = hidden.first(where: { program.hasPrefix($0) }) else { return nil }
        return "the service does not see \(folder.dropLast()), where this program is (\(program))"
    }
}
