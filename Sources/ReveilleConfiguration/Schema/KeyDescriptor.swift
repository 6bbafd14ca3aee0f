/// Everything there is to know about one configuration key: what it takes, what it means, what a change of it needs.
///
/// ``KeyTable`` holds one of these for every key; checking, defaults, `config show` and docs/CONFIGURATION.md all come from it.
public struct KeyDescriptor: Sendable {
    /// What must happen before a changed value takes effect.
    public enum ChangeEffect: String, Sendable {
        /// Nothing; the command line reads it anew each time.
        case nothing
        /// The daemon reads its configuration again (SIGHUP).
        case reload
        /// The channel is closed and opened again.
        case channelRestart = "channel restart"
        /// The daemon is restarted.
        case daemonRestart = "daemon restart"
    }

    /// What the value is where nobody sets it.
    public enum DefaultValue: Sendable {
        /// A value, written as in a configuration file, without quotes.
        case text(String)
        /// Found out when the configuration is read, in the way that the words say.
        case found(String)
        /// There is none: what the key switches on stays off.
        case none
    }

    /// The keys from the outermost to the innermost; `<name>` and others like it stand for what the operator chooses.
    public let path: ConfigurationPath
    /// The type of the value, with its range or the values allowed.
    public let kind: ValueKind
    /// What it is where nobody sets it.
    public let fallback: DefaultValue
    /// What a change needs.
    public let change: ChangeEffect
    /// Whether the value must never be shown.
    public var isSecret: Bool { if case .secret = kind { true } else { false } }
    /// Whether its elements are shown without what they are set to.
    var hidesValues: Bool { if case .list(.variables) = kind { true } else { false } }
    /// What it means, in one line.
    public let meaning: String

    init(_ path: String, _ kind: ValueKind, default fallback: DefaultValue, change: ChangeEffect, _ meaning: String) {
        self.path = ConfigurationPath(path.split(separator: ".").map(String.init))
        self.kind = kind
        self.fallback = fallback
        self.change = change
        self.meaning = meaning
    }

    /// The environment variable that sets it, with `<NAME>` for an account; nil for keys that the environment can't name.
    public var environmentName: String? {
        guard !path.components.contains(where: { $0.hasPrefix("<") && $0 != KeyTable.nameLabel }) else { return nil }
        if isSecret, path.components.contains(KeyTable.nameLabel) { return "\(EnvironmentNames.token)_<NAME>" }
        return EnvironmentNames.prefix + path.components.map(EnvironmentNames.word).joined(separator: "_")
    }
}
