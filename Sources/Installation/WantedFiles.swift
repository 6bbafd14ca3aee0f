/// What somebody must be told after a file was written or removed.
public enum Reader: String, CaseIterable, Hashable, Sendable {
    /// systemd-sysusers(8).
    case users
    /// systemd-tmpfiles(8).
    case folders
    /// The journal's catalog.
    case catalog
    /// The service manager.
    case manager
    /// The message bus.
    case bus
    /// polkit, which notices by itself.
    case polkit
}

/// A file that an installation has.
public struct WantedFile: Hashable, Sendable {
    /// Where it goes.
    public let path: String
    /// Its text.
    public let text: String
    /// Where a package may have put the same; the first one that is there counts.
    public var packagePaths: [String] = []
    /// Who reads it.
    public let reader: Reader
    /// Whether all else works without it, so that a place that can't be written is no failure.
    public var isOptional = false
}

/// What an installation consists of.
public enum WantedFiles {
    /// The sockets, the daemon and its channels, in both modes.
    public static let unitNames = [
        "reveille.service", "reveille.socket", "reveille-tcp.socket", "reveille-notify.socket", "reveille-channel@.service",
    ]

    /// What only the system's service manager has: a template of turns. A user's is given each turn as a unit of its own making.
    public static let systemUnitNames = ["reveille-turn@.service"]

    /// How the names of units begin that are started and stopped by the daemon as it needs them.
    public static let instancePrefixes = ["reveille-channel@", "reveille-turn@"]

    /// What is stopped and started: the sockets first.
    public static let startedUnits = ["reveille.socket", "reveille-tcp.socket", "reveille-notify.socket", "reveille.service"]

    /// All files.
    ///
    /// - Parameters:
    ///   - site: where.
    ///   - restartable: names of units that the daemon may restart; checked by the caller. System mode only.
    ///   - mayReboot: whether it may reboot the machine. System mode only.
    /// - Returns: the files, in the order in which they are written.
    public static func all(at site: InstallationSite, restartable: [String] = [], mayReboot: Bool = false) -> [WantedFile] {
        var files = units(at: site) + programDropIns(at: site)
        guard site.scope == .system else { return files }
        files += [
            WantedFile(
                path: "/etc/sysusers.d/reveille.conf", text: UnitFiles.text("sysusers.d/reveille.conf"),
                packagePaths: library("sysusers.d/reveille.conf"), reader: .users),
            WantedFile(
                path: "/etc/tmpfiles.d/reveille.conf", text: UnitFiles.text("tmpfiles.d/reveille.conf"),
                packagePaths: library("tmpfiles.d/reveille.conf"), reader: .folders),
            WantedFile(
                path: "/etc/dbus-1/system.d/\(busPolicy)", text: UnitFiles.text("dbus-1/\(busPolicy)"),
                packagePaths: ["/usr/share/dbus-1/system.d/\(busPolicy)"], reader: .bus),
            WantedFile(
                path: "\(PermissionRules.folder)/10-reveille.rules", text: UnitFiles.text("polkit-1/10-reveille.rules"),
                packagePaths: ["/usr/share/polkit-1/rules.d/10-reveille.rules"], reader: .polkit),
            // The journal reads catalogs from /usr alone, which may be read-only.
            WantedFile(
                path: "/usr/local/lib/systemd/catalog/reveille.catalog", text: UnitFiles.text("reveille.catalog"),
                packagePaths: ["/usr/lib/systemd/catalog/reveille.catalog"], reader: .catalog, isOptional: true),
        ]
        files += restartable.map { PermissionRules.mayRestart($0) }
        if mayReboot { files.append(PermissionRules.mayReboot) }
        return files
    }

    private static let busPolicy = "io.github.reveille.Reveille1.conf"

    private static func library(_ path: String) -> [String] { ["/usr/local/lib/\(path)", "/usr/lib/\(path)"] }

    private static func units(at site: InstallationSite) -> [WantedFile] {
        let isUser = site.scope == .user
        return (isUser ? unitNames : unitNames + systemUnitNames).map { name in
            let packaged = library("systemd/\(site.scope.rawValue)/\(name)")
            return WantedFile(
                path: "\(site.unitFolder)/\(name)", text: UnitFiles.text((isUser ? "user/" : "") + name),
                packagePaths: isUser ? ["/etc/systemd/user/\(name)"] + packaged : packaged, reader: .manager)
        }
    }

    /// Where the service manager would not find the program by its name, its path is said by drop-ins.
    private static func programDropIns(at site: InstallationSite) -> [WantedFile] {
        guard !site.isProgramInPath else { return [] }
        let verbs = [("reveille.service", "daemon"), ("reveille-channel@.service", "wait %I")]
        let turns = site.scope == .system ? [("reveille-turn@.service", "turn-exec %i")] : []
        return (verbs + turns).map { unit, verb in
            WantedFile(
                path: "\(site.unitFolder)/\(unit).d/10-program.conf",
                text: """
                    # By `reveille install`: the program is not where the service manager looks.
                    [Service]
                    ExecStart=
                    ExecStart=\(quoted(site.program)) \(verb)

                    """,
                reader: .manager)
        }
    }

    /// A path as `ExecStart=` wants it (systemd.service(5), "Command lines").
    static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "/._-+".utf8.contains(byte)
        }
        guard !isPlain else { return path }
        var text = ""
        for character in path {
            switch character {
            case "\\", "\"": text += "\\\(character)"
            case "%": text += "%%"
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
        return "\"\(text)\""
    }
}

/// What polkit is told that the daemon may do.
public enum PermissionRules {
    /// Where rules of the administrator lie.
    public static let folder = "/etc/polkit-1/rules.d"
    /// How the names of those begin that are given one by one. They stay until they are removed.
    public static let givenPrefix = "50-reveille-may-"

    /// The rule that lets the daemon restart one unit, and do nothing else with it.
    ///
    /// - Parameter unit: its name, which holds nothing but what a unit's name may hold.
    /// - Returns: the file for polkit.
    public static func mayRestart(_ unit: String) -> WantedFile {
        // In the script the name stands in quotes, where a backslash (`\x2d`) would be the beginning of another character.
        let quoted = "\"" + unit.replacing("\\", with: "\\\\") + "\""
        return WantedFile(
            path: "\(folder)/\(givenPrefix)restart-\(unit).rules",
            text: UnitFiles.text("polkit-1/may-restart.rules.in").replacing("\"@UNIT@\"", with: quoted)
                .replacing("@UNIT@", with: unit), reader: .polkit)
    }

    /// The rule that lets the daemon reboot the machine.
    public static var mayReboot: WantedFile {
        WantedFile(
            path: "\(folder)/\(givenPrefix)reboot.rules", text: UnitFiles.text("polkit-1/may-reboot.rules"), reader: .polkit)
    }
}
