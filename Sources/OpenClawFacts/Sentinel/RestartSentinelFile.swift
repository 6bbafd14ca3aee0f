public import WakeCore

/// What a gateway wrote into `restart-sentinel.json` before it restarted.
///
/// Gateways up to mid-2026 leave this file in their state folder and delete it at the next start, before they deliver anything:
/// a send that fails, or a crash just then, loses it. Whoever reads it earlier can still keep the promise.
///
/// The form is `{"version": 1, "payload": {…}}`. Missing fields, extra fields, and fields of another type than expected are no
/// fault, except the session's key.
public struct RestartSentinelFile: Hashable, Sendable {
    /// What wrote it. An open set: a gateway may know more.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        /// The kind as written.
        public let description: String
        /// Takes a kind as written.
        public init(_ text: String) { description = text }

        /// The whole configuration was replaced.
        public static let configApply = Kind("config-apply")
        /// The configuration was patched.
        public static let configPatch = Kind("config-patch")
        /// The gateway went back to a configuration that worked.
        public static let configAutoRecovery = Kind("config-auto-recovery")
        /// The gateway was updated.
        public static let update = Kind("update")
        /// A restart was asked for.
        public static let restart = Kind("restart")
    }

    /// The largest file that is read: 1 MiB. A gateway cuts the logs in it to 8,000 characters a step.
    public static let maximumBytes = 1 << 20

    /// What wrote it; `restart` where the file does not say.
    public let kind: Kind
    /// `ok`, `error` or `skipped`; nil where the file does not say.
    public let status: String?
    /// When it was written, in milliseconds since 1970.
    public let at: Int64?
    /// The session that asked; nil for restarts without one.
    public let sessionKey: SessionKey?
    /// Where the gateway would deliver, as captured when it was written; the thread included.
    public let delivery: DeliveryContext
    /// The note of whoever asked.
    public let message: String?
    /// What the agent is to do afterwards (gateways from 2026.4 on).
    public let continuation: Continuation?
    /// The advice that the gateway gives with it.
    public let doctorHint: String?
    /// How it was done, such as `config.patch`, `gateway.restart` or `npm`.
    public let mode: String?
    /// Why, in the gateway's words.
    public let reason: String?
    /// True if the change is still waiting for a restart.
    public let requiresRestart: Bool
    /// True if the file holds statistics; the gateway's ping then begins with a summary.
    public let hasStatistics: Bool

    /// What the agent is to do after the restart.
    public enum Continuation: Hashable, Sendable {
        /// A line in the session's next turn.
        case systemEvent(String)
        /// A turn of its own.
        case agentTurn(String)

        /// The text, of either kind.
        public var text: String {
            switch self {
            case .systemEvent(let text), .agentTurn(let text): text
            }
        }

        init?(_ value: JSONValue?) {
            if value?["kind"] == "systemEvent", let text = value?["text"]?.word {
                self = .systemEvent(text)
            } else if value?["kind"] == "agentTurn", let text = value?["message"]?.word {
                self = .agentTurn(text)
            } else {
                return nil
            }
        }
    }

    /// Reads the file's bytes.
    ///
    /// - Throws: ``RestartSentinelFileError``. After ``RestartSentinelFileError/Code/halfWritten`` the file should be read once
    ///   more a moment later: gateways write it in place.
    public init(_ bytes: [UInt8]) throws(RestartSentinelFileError) {
        self = try Self(payload: RestartSentinelEnvelope.payload(of: bytes))
    }

    private init(payload: JSONValue) throws(RestartSentinelFileError) {
        let statistics = payload["stats"]
        kind = payload["kind"]?.word.map(Kind.init) ?? .restart
        status = payload["status"]?.word
        at = payload["ts"]?.milliseconds
        sessionKey = try RestartSentinelEnvelope.sessionKey(payload["sessionKey"])
        var delivery = DeliveryContext(payload["deliveryContext"])
        delivery.thread = payload["threadId"]?.identifier ?? delivery.thread
        self.delivery = delivery
        message = payload["message"]?.word
        continuation = Continuation(payload["continuation"])
        doctorHint = payload["doctorHint"]?.word
        mode = statistics?["mode"]?.word
        reason = statistics?["reason"]?.word
        requiresRestart = statistics?["requiresRestart"]?.bool ?? false
        hasStatistics = statistics?.object != nil
    }

    /// Where the gateway delivers, as a route on its own channel; see ``DeliveryContext/route(gateway:)``.
    ///
    /// The captured delivery context counts, and the thread with it; what it lacks is taken from the session's key.
    ///
    /// - Parameter gateway: the gateway's name in our configuration.
    /// - Returns: nil where neither names a place.
    public func route(gateway: String) -> Route? {
        let ofKey = sessionKey.map(DeliveryContext.init(of:)) ?? DeliveryContext()
        return delivery.completed(by: ofKey).route(gateway: gateway) ?? ofKey.route(gateway: gateway)
    }

    /// A stable text of what makes this sentinel itself: kind, time, session and message. The same file gives the same text.
    public var fingerprint: String {
        JSONValue.array([
            .string(kind.description), at.map { .integer($0) } ?? .null, sessionKey.map { .string($0.description) } ?? .null,
            message.map { .string($0) } ?? .null,
        ]).text
    }

    /// The line that the gateway puts over its ping, such as `Gateway restart config-patch ok (config.patch)`.
    public var summary: String {
        let suffix = mode.map { " (\($0))" } ?? ""
        if kind == .configAutoRecovery { return "Gateway auto-recovery" }
        if requiresRestart { return "Gateway restart required" + suffix }
        return ["Gateway restart", kind.description, status].compactMap { $0 }.joined(separator: " ") + suffix
    }

    /// The texts by which the gateway's own ping can be recognised among what it posted since its start.
    ///
    /// Newer gateways post the message alone, or a summary line with the message below; the oldest post `GatewayRestart:` and
    /// the payload. The wording of the summary changed more than once, so that only its beginning counts.
    public var pingTexts: [PingText] {
        var texts = [PingText.beginning("Gateway restart"), .beginning("GatewayRestart:")]
        if kind == .configAutoRecovery { texts.append(.beginning("Gateway auto-recovery")) }
        if let message { texts.insert(.whole(message), at: 0) }
        return texts
    }

    /// True if a text that the gateway posted can be the ping of this sentinel.
    public func isOwnPing(_ text: String) -> Bool { pingTexts.contains { $0.matches(text) } }
}
