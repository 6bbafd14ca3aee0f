/// Where a token is.
public enum TokenLocation: Sendable, Hashable {
    /// In an environment variable, by name.
    case environment(String)
    /// In a file that the configuration names.
    case file(String)
    /// In a credential that systemd handed in, by its path.
    case credential(String)

    var origin: ConfigurationOrigin {
        switch self {
        case .environment(let name): .environment(name)
        case .file(let path): .file(path: path, position: nil)
        case .credential(let path): .credential(path)
        }
    }
}
