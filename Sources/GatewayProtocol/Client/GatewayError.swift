/// Why a call of a gateway did not do what was asked, in words that a person can act on.
public struct GatewayError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// The gateway was not there, or not ready, for as long as the call was tried. Nothing was carried out.
        public static let unavailable = Code("unavailable")
        /// The call was cut off: it may have been carried out.
        public static let unclear = Code("unclear")
        /// No version of the protocol is spoken by both.
        public static let protocolMismatch = Code("protocol-mismatch")
        /// The caller is not let in, or may not do this.
        public static let denied = Code("denied")
        /// The request itself is wrong.
        public static let invalidRequest = Code("invalid-request")
        /// The gateway can't be connected to, and waiting would not help.
        public static let unreachable = Code("unreachable")
        /// The gateway answered that it failed.
        public static let failed = Code("failed")
        /// The key of this device can't be read or made.
        public static let deviceKey = Code("device-key")
    }

    /// What kind of failure.
    public var code: Code
    /// What happened.
    public var message: String
    /// What lies beneath, in the words of whoever said it.
    public var cause: String?
    /// What to do next.
    public var hint: String?
    /// The gateway's own answer, where it gave one.
    public var fault: GatewayFault?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: String? = nil, hint: String? = nil, fault: GatewayFault? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
        self.fault = fault
    }

    /// Message and cause, without the hint.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
