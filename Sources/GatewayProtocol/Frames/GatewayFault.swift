public import WakeCore

/// Why a request failed, as the far side hears it.
public struct GatewayFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name that goes over the wire.
        public let description: String

        /// Makes a code.
        public init(_ name: String) { description = name }

        /// The request itself is wrong; asking again helps nothing.
        public static let invalidRequest = Code("INVALID_REQUEST")
        /// It can't be done now. ``GatewayFault/reason`` says why, ``GatewayFault/isRetryable`` whether waiting helps.
        public static let unavailable = Code("UNAVAILABLE")
        /// The caller may not do this.
        public static let forbidden = Code("FORBIDDEN")
        /// The caller's device is not paired.
        public static let notPaired = Code("NOT_PAIRED")
        /// The channel is not linked to an account.
        public static let notLinked = Code("NOT_LINKED")
        /// The agent gave no answer in time.
        public static let agentTimeout = Code("AGENT_TIMEOUT")
    }

    /// The kind.
    public var code: Code
    /// In words, for people.
    public var message: String
    /// For programs; an object.
    public var details: JSONObject?
    /// Whether the same request may succeed later; nil where the far side did not say.
    public var isRetryable: Bool?
    /// After how many milliseconds it is worth asking again.
    public var retryAfterMilliseconds: Int64?

    /// Makes a fault.
    public init(
        _ code: Code, _ message: String, details: JSONObject? = nil, isRetryable: Bool? = nil,
        retryAfterMilliseconds: Int64? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.isRetryable = isRetryable
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// `details.reason`: why something is unavailable.
    public var reason: String? { details?["reason"]?.string }

    /// Code and message.
    public var description: String { "\(code): \(message)" }

    // MARK: Unavailable, and why

    /// `details.reason` while a gateway starts: its control plane is up, what stands beside it is not.
    public static let startupSidecars = "startup-sidecars"
    /// `details.reason` while a gateway starts.
    public static let gatewayStarting = "gateway-starting"
    /// `details.reason` while a gateway ends its work before a restart.
    public static let gatewayRestarting = "gateway-restarting"

    /// The fault of a server that is about to restart and takes no more work.
    public static func restarting(retryAfterMilliseconds: Int64 = 500) -> GatewayFault {
        GatewayFault(
            .unavailable, "the gateway restarts", details: ["reason": .string(gatewayRestarting)], isRetryable: true,
            retryAfterMilliseconds: retryAfterMilliseconds)
    }
}
