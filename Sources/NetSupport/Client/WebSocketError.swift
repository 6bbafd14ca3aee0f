/// Why a WebSocket connection could not be made or went on no longer.
public struct WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// The address is none.
        public static let invalidAddress = Code("invalid-address")
        /// Plain `ws` to another machine.
        public static let insecureAddress = Code("insecure-address")
        /// Nobody listens there, or nobody takes those who wait; nothing of ours was sent.
        public static let notListening = Code("not-listening")
        /// No TCP or TLS connection for any other reason; nothing of ours was sent.
        public static let unreachable = Code("unreachable")
        /// The server answered the upgrade with something else.
        public static let upgradeRefused = Code("upgrade-refused")
        /// The connection ended before the server answered the upgrade.
        public static let ended = Code("ended")
        /// The server was silent for too long while the connection was made.
        public static let timedOut = Code("timed-out")
        /// A frame or message over the limit.
        public static let tooLarge = Code("too-large")
        /// The server broke the WebSocket protocol.
        public static let protocolViolation = Code("protocol-violation")
        /// The connection broke.
        public static let broken = Code("broken")
    }

    /// What kind of failure.
    public let code: Code
    /// What happened.
    public let message: String
    /// What lies beneath, in the words of whoever said it.
    public let cause: String?
    /// What to do next.
    public let hint: String?
    /// The HTTP status with which the server answered the upgrade, where it refused it.
    public let status: UInt?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: String? = nil, hint: String? = nil, status: UInt? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }

    /// Message and cause, without the hint.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
