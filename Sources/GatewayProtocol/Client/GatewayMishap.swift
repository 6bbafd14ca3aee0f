import WakeCore

/// What can go wrong with one try of a call.
public enum GatewayMishap: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody listens there, or the server says over HTTP that it is about to restart.
    case notListening(String)
    /// The connection, the challenge or the answer to `connect` did not come in time.
    case silent(String)
    /// The connection can't be made, for a reason that waiting does not mend.
    case impossible(GatewayError)
    /// The connection ended; 1006 where no close frame came, 1005 where it had no code.
    case closed(GatewayClose)
    /// The gateway answered `connect` with a fault.
    case notLetIn(GatewayFault)
    /// The gateway answered the request with a fault.
    case fault(GatewayFault)

    /// What happened, in words.
    public var description: String {
        switch self {
        case .notListening(let words), .silent(let words): words
        case .impossible(let error): error.description
        case .closed(let close) where close.code == 1006: "the connection ended without a close frame"
        case .closed(let close): "the gateway closed the connection (\(close))"
        case .notLetIn(let fault), .fault(let fault): fault.description
        }
    }

    /// Whether it is what a restart causes, so that a later try may succeed.
    var isOfRestart: Bool {
        switch self {
        case .notListening, .silent: true
        case .impossible: false
        case .closed(let close): close.isOfRestart
        case .notLetIn(let fault), .fault(let fault): fault.isOfRestart
        }
    }

    /// How it reads when nothing else is tried.
    public var error: GatewayError {
        switch self {
        case .notListening, .silent: GatewayError(.unavailable, "the gateway is not there", cause: description)
        case .impossible(let error): error
        case .closed(let close): close.error
        case .notLetIn(let fault): fault.error(isOfConnect: true)
        case .fault(let fault): fault.error(isOfConnect: false)
        }
    }
}

extension GatewayClose {
    /// 1000 and 1005: what servers of old do when their handshake timer fires. 1006: the process died. 4000: it hung.
    var isOfRestart: Bool {
        switch code {
        case 1000, 1001, 1005, 1006, 1012, 1013, 4000: true
        case 1008: reason == Self.handshakeTimeout.reason || reason == Self.slowConsumer.reason
        default: false
        }
    }

    fileprivate var error: GatewayError {
        let words = "the gateway closed the connection (\(self))"
        switch code {
        case 1002: return .mismatch(cause: description)
        case 1008 where reason.hasPrefix("invalid"):
            return GatewayError(.invalidRequest, words, hint: "The gateway may be of another version; compare them.")
        case 1008 where reason.contains("pairing"):
            return GatewayError(.denied, words, hint: "Approve this device on the gateway's machine: reveille pair list")
        case 1008:
            return GatewayError(.denied, words, hint: GatewayError.credentialsHint)
        case 1009: return GatewayError(.invalidRequest, words, hint: "Send less at once.")
        default: return GatewayError(isOfRestart ? .unavailable : .failed, words, hint: "The gateway's own log tells more.")
        }
    }
}

extension GatewayFault {
    /// Whether the same request may succeed soon: the far side says that it has not taken it, and when to come again.
    var isOfRestart: Bool {
        switch code {
        case .invalidRequest, .forbidden, .notPaired: false
        case .unavailable where [Self.startupSidecars, Self.gatewayStarting, Self.gatewayRestarting].contains(reason): true
        default: isRetryable == true && retryAfterMilliseconds != nil
        }
    }

    /// Whether it is the answer to too many requests, whose wait is to be kept as it is told.
    var isRateLimit: Bool { reason == "rate-limited" && retryAfterMilliseconds != nil }

    fileprivate func error(isOfConnect: Bool) -> GatewayError {
        switch code {
        case .invalidRequest where details?["expectedProtocol"] != nil || message.contains("protocol mismatch"):
            return .mismatch(cause: description)
        case .invalidRequest:
            return GatewayError(.invalidRequest, "the gateway refuses the request", cause: message, hint: hint, fault: self)
        case .notPaired:
            return GatewayError(.denied, "this device is not paired with the gateway", cause: message, hint: hint, fault: self)
        case .forbidden:
            return GatewayError(
                .denied, isOfConnect ? "the gateway does not let us in" : "the gateway does not allow this", cause: message,
                hint: hint, fault: self)
        case .unavailable:
            return GatewayError(.unavailable, "the gateway can't do this now", cause: message, hint: hint, fault: self)
        case .agentTimeout:
            return GatewayError(
                .unclear, "the agent did not answer in time; it may still", cause: message, hint: hint, fault: self)
        default: return GatewayError(.failed, "the gateway answered \(code)", cause: message, hint: hint, fault: self)
        }
    }

    private var hint: String? {
        switch (code, details?["code"]?.string) {
        case (.notPaired, _):
            "Approve it on the gateway's machine: reveille pair approve \(details?["requestId"]?.string ?? "REQUEST")"
        case (.forbidden, "MISSING_SCOPE"):
            "Call with credentials that have \(details?["missingScope"]?.string ?? "this scope")."
        case (.forbidden, _): GatewayError.credentialsHint
        case (.invalidRequest, "UNKNOWN_METHOD"): "hello-ok lists the methods that this gateway serves."
        case (.invalidRequest, _): "Mend the request: docs/PROTOCOL.md tells the params of each method."
        default: nil
        }
    }
}

extension GatewayError {
    static let credentialsHint =
        "Check the token (--token-file, REVEILLE_CONTROL_TOKEN), or call over the Unix socket as its owner."

    static func mismatch(cause: String) -> GatewayError {
        let ours = GatewayLimits.versions
        return GatewayError(
            .protocolMismatch,
            "the gateway speaks another version of the protocol than ours (\(ours.lowerBound) to \(ours.upperBound))",
            cause: cause, hint: "Bring the older of the two up to date.")
    }
}
