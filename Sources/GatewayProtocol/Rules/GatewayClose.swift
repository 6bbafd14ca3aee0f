/// How a connection ends: the code and the reason of a WebSocket's close frame (RFC 6455, section 7.4). Never one without the other.
public struct GatewayClose: Hashable, Sendable, CustomStringConvertible {
    /// The longest reason that goes into a close frame, in bytes (a control frame holds 125, the code takes 2).
    public static let reasonMaximumBytes = 123

    /// The code.
    public let code: UInt16
    /// The reason, in words.
    public let reason: String

    /// Makes a close.
    ///
    /// - Parameters:
    ///   - code: the code.
    ///   - reason: why; cut at ``reasonMaximumBytes``.
    public init(_ code: UInt16, _ reason: String) {
        self.code = code
        var reason = reason
        while reason.utf8.count > Self.reasonMaximumBytes { reason.removeLast() }
        self.reason = reason
    }

    /// The client said goodbye, and so do we.
    public static let normal = GatewayClose(1000, "goodbye")
    /// No version of the protocol is spoken by both.
    public static let protocolMismatch = GatewayClose(1002, "protocol mismatch")
    /// A binary frame; frames are text.
    public static let notText = GatewayClose(1003, "frames must be text")
    /// A text frame that is not UTF-8.
    public static let notUTF8 = GatewayClose(1007, "frames must be UTF-8")
    /// The first frame was no `connect`, or none came in time.
    public static let handshakeTimeout = GatewayClose(1008, "handshake timeout")
    /// The server's challenge did not come in time, so that the client leaves.
    public static let challengeTimeout = GatewayClose(1008, "connect challenge timeout")
    /// Wrong or missing credentials.
    public static func unauthorized(_ why: String) -> GatewayClose { GatewayClose(1008, "unauthorized: \(why)") }
    /// A device that nobody has paired.
    public static let pairingRequired = GatewayClose(1008, "pairing required")
    /// What can't be understood.
    public static func invalid(_ why: String) -> GatewayClose { GatewayClose(1008, "invalid frame: \(why)") }
    /// The client reads too slowly for what it is sent.
    public static let slowConsumer = GatewayClose(1008, "slow consumer")
    /// A frame over the limit.
    public static func tooLarge(_ limitBytes: Int) -> GatewayClose {
        GatewayClose(1009, "a frame is over the limit of \(limitBytes) bytes")
    }
    /// A planned stop.
    public static let serviceRestart = GatewayClose(1012, "service restart")
    /// Not up yet.
    public static let gatewayStarting = GatewayClose(1013, "gateway starting")
    /// Too many at once.
    public static let tooManyConnections = GatewayClose(1013, "too many connections")
    /// The client has heard no tick for twice the interval that it was promised.
    public static let tickTimeout = GatewayClose(4000, "tick timeout")

    /// Code and reason.
    public var description: String { "\(code) \(reason.isEmpty ? "no reason given" : reason)" }
}
