/// Which files hold the configuration.
public struct ConfigurationFiles: Sendable, Hashable {
    /// Whose configuration is read.
    public enum Scope: String, Sendable, CaseIterable {
        /// That of the machine, in /etc/reveille.
        case system
        /// That of a person, in ~/.config/reveille.
        case user
    }

    /// The largest number of entries that a directory of drop-ins may have.
    public static let dropInMaximumCount = 256

    /// Whose configuration it is.
    public let scope: Scope
    /// The main file.
    public let main: String
    /// Whether the main file was named by somebody and so must be there.
    public let isNamed: Bool
    /// The directory of drop-ins: `reveille.d` beside the main file.
    public let dropInDirectory: String

    /// Finds the files; nothing is read yet.
    ///
    /// - Parameters:
    ///   - file: what `--config` names; relative to the working directory.
    ///   - scope: whose; nil decides by the user id: below 1000 is the system.
    ///   - surroundings: `$CONFIGURATION_DIRECTORY` (systemd) goes first, then /etc/reveille for the system, and
    ///     `$XDG_CONFIG_HOME/reveille` or `~/.config/reveille` for a person.
    /// - Throws: ``ConfigurationProblem`` if there is no home directory to look in.
    public init(file: String? = nil, scope: Scope? = nil, in surroundings: Surroundings) throws(ConfigurationProblem) {
        self.scope = scope ?? (surroundings.isSystemUser ? .system : .user)
        isNamed = file != nil
        if let file {
            main = file.hasPrefix("/") ? file : Self.join(surroundings.workingDirectory, file)
        } else if let directory = surroundings.firstPath("CONFIGURATION_DIRECTORY"), scope == nil {
            main = Self.join(directory, "reveille.json5")
        } else if self.scope == .system {
            main = "/etc/reveille/reveille.json5"
        } else if let base = surroundings.absolute("XDG_CONFIG_HOME") {
            main = base + "/reveille/reveille.json5"
        } else if let home = surroundings.home {
            main = home + "/.config/reveille/reveille.json5"
        } else {
            throw ConfigurationProblem(
                .fileMissing, origin: .environment("HOME"),
                message: "it is not set, so there is no place to look for a configuration",
                hint: "set HOME, or name the file with --config")
        }
        let slash = main.lastIndex(of: "/") ?? main.startIndex
        dropInDirectory = main[..<slash] + "/reveille.d"
    }

    static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }
}
