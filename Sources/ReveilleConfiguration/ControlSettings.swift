extension Configuration {
    /// The control plane: who may reach it, and where.
    public struct Control: Sendable {
        /// Every scope that there is, from the least to the most.
        public static let scopes = ["read", "write", "admin"]

        /// A user of this machine who may use the Unix socket.
        public struct Peer: Sendable, Hashable {
            /// What they may do: some of ``Control/scopes``.
            public let scopes: Set<String>
            /// Patterns of the session keys that they may use; nil: all.
            public let sessions: [String]?

            /// Whether they may use a session.
            public func mayUse(session key: String) -> Bool {
                sessions.map { patterns in patterns.contains { SessionPattern($0).matches(key) } } ?? true
            }
        }

        /// The port to bind on 127.0.0.1 where no service manager handed a socket in; 0: none.
        public let port: Int
        /// The path of the Unix socket; nil: none.
        public let socketPath: String?
        /// Where the token is; nil if there is none. ``ControlToken`` reads it.
        public let tokenLocation: TokenLocation?
        /// The origins of web pages that may connect.
        public let allowedOrigins: [String]
        /// Who may use the Unix socket, by user id.
        public let peers: [UInt32: Peer]

        init(_ resolved: ResolvedSettings) {
            let values = resolved.values
            port = values.integer("control.port")
            socketPath = values.optionalText("control.socket")
            tokenLocation = resolved.controlTokenLocation
            allowedOrigins = values.optionalTexts("control.allowedOrigins")
            peers = resolved.peers
        }
    }
}
