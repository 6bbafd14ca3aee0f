/// What a caller may do.
public enum Scope: String, Sendable, CaseIterable, Hashable {
    /// Look.
    case read = "operator.read"
    /// Send, wake, restart.
    case write = "operator.write"
    /// Everything, the configuration and pairings included.
    case admin = "operator.admin"
    /// Pair devices.
    case pairing = "operator.pairing"

    /// Whether whoever has these may do what needs this one: `admin` holds all, `write` holds `read`.
    public func isGranted(by scopes: Set<Scope>) -> Bool {
        scopes.contains(self) || scopes.contains(.admin) || (self == .read && scopes.contains(.write))
    }
}
