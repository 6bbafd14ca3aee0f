import GatewayProtocol

/// Who is let in.
public struct ControlAccess: Sendable {
    /// The token; nil: nobody is let in by one.
    public var token: String?
    /// The user that the daemon runs as: it and root may do everything over a Unix socket.
    public var owner: UInt32
    /// What other users may do over a Unix socket.
    public var peers: [UInt32: Pairing]
    /// The web pages that may speak to us, as browsers name them in `Origin`.
    public var allowedOrigins: Set<String>

    /// Makes an access list.
    public init(token: String? = nil, owner: UInt32, peers: [UInt32: Pairing] = [:], allowedOrigins: Set<String> = []) {
        self.token = token
        self.owner = owner
        self.peers = peers
        self.allowedOrigins = allowedOrigins
    }

    /// Whether a page may speak to us; what comes from no page may.
    func allows(origin: String?) -> Bool { origin.map { allowedOrigins.contains($0) } ?? true }
}
