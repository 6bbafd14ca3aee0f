/// Where a configuration value comes from.
public enum ConfigurationOrigin: Sendable, Hashable, CustomStringConvertible {
    /// Built in.
    case standard
    /// A file, and the place in it where the value stands.
    case file(path: String, position: SourcePosition?)
    /// An environment variable, by name.
    case environment(String)
    /// A flag of the command line, by name.
    case flag(String)
    /// A patch that was accepted over the control plane or by `reveille config revert`, by its number in `reveille config log`.
    case acceptedPatch(Int)
    /// A credential that systemd handed in, by its path.
    case credential(String)

    /// `default`, `FILE:LINE:COLUMN`, `accepted patch N`, `environment NAME`, `flag --NAME` or `credential PATH`.
    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let path, let position): Self.shown(path) + (position.map { ":\($0)" } ?? "")
        case .environment(let name): "environment \(Self.shown(name))"
        case .flag(let name): "flag \(Self.shown(name))"
        case .acceptedPatch(let number): "accepted patch \(number)"
        case .credential(let name): "credential \(Self.shown(name))"
        }
    }

    private static func shown(_ text: String) -> String {
        ShownText.printable(text, maximumCharacters: ShownText.pathMaximumCharacters)
    }
}
