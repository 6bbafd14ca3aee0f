import WakeCore

/// What a request came to on the way.
public enum RESTOutcome: Hashable, Sendable {
    /// It was answered.
    case answered(RESTResponse)
    /// It failed before a byte of it was written: no connection, no name, no TLS.
    case notSent(reason: String)
    /// Nobody can say: it was (perhaps) written and no whole answer came.
    case unanswered(reason: String)
}

/// What one POST of a message came to.
public enum SendVerdict: Hashable, Sendable {
    /// The message is there.
    case accepted(message: Snowflake)
    /// It was there and somebody deleted it: the nonce is known, the message is not (10008 on a POST with a nonce).
    case deletedAfterDelivery
    /// Discord provably did not take it, and may later.
    case transient(reason: String, retryAfter: Duration?)
    /// Discord takes nothing from this bot now.
    case channelUnavailable(reason: String, tokenRejected: Bool)
    /// Discord takes nothing in this place until somebody changes something there.
    case routeUnavailable(reason: String)
    /// The message itself is faulty, or its destination is gone.
    case permanent(reason: String)
    /// Nobody can say.
    case ambiguous(reason: String)

    /// Judges what became of a POST with a nonce.
    ///
    /// The rule behind the table: `transient`, `unavailable` and `permanent` only where Discord *said* that it refused. A status
    /// of 500 or more proves nothing: the proxy may have given up on a request that went through.
    public init(_ outcome: RESTOutcome) {
        switch outcome {
        case .notSent(let reason): self = .transient(reason: "Discord could not be reached: \(reason)", retryAfter: nil)
        case .unanswered(let reason): self = .ambiguous(reason: "no answer from Discord: \(reason)")
        case .answered(let response): self = Self.judge(response)
        }
    }

    private static func judge(_ response: RESTResponse) -> SendVerdict {
        let said = response.error.map { "\($0)" } ?? "HTTP \(response.status)"
        switch response.status {
        case 200..<300:
            guard let json = response.json, let id = Snowflake(json: json["id"]), json["channel_id"] != nil else {
                return .ambiguous(reason: "HTTP \(response.status) without a message object")
            }
            return .accepted(message: id)
        case 429:
            let limits = RateLimitHeaders(response)
            return .transient(reason: "rate limited: \(said)", retryAfter: limits.retryAfter)
        case 401:
            return .channelUnavailable(reason: "Discord rejected the bot token (\(said))", tokenRejected: true)
        case 408:
            return .ambiguous(reason: said)
        case 400..<500:
            guard let error = response.error else {
                // Not Discord's words but a proxy's or a block page: it got no further, and the message may be sound.
                return .transient(reason: "HTTP \(response.status) that is not from Discord's API", retryAfter: .seconds(60))
            }
            return judge(error, status: response.status)
        default:
            return .ambiguous(reason: said)
        }
    }

    /// The JSON error codes that matter to sending. Rule: Discord, topics/opcodes-and-status-codes, "JSON Error Codes".
    private static func judge(_ error: DiscordError, status: Int) -> SendVerdict {
        switch error.code {
        case 10008:
            .deletedAfterDelivery
        case 10003, 10004, 10013:
            .permanent(reason: "the destination is gone: \(error)")
        case 40058, 50003, 50008, 50024:
            .permanent(reason: "the destination takes no messages: \(error)")
        case 40001, 50014:
            .channelUnavailable(reason: "Discord rejected the bot token (\(error))", tokenRejected: true)
        case 40002, 40333:
            // The account or our address is refused while the gateway lives on: looked at again every few minutes, place by place.
            .routeUnavailable(reason: "\(error)")
        case 20016, 20028, 20029, 40003, 40004, 40006, 40062, 110001, 130000:
            .transient(reason: "\(error)", retryAfter: .seconds(60))
        case 50001:
            .routeUnavailable(reason: "the bot can't see the channel: \(error)")
        case 50013, 160002:
            .routeUnavailable(reason: "the bot may not write there: \(error)")
        case 50007, 50278:
            .routeUnavailable(reason: "the person takes no messages from the bot: \(error)")
        case 50083, 160005:
            .routeUnavailable(reason: "the thread is archived or locked: \(error)")
        default:
            status == 403
                ? .routeUnavailable(reason: "forbidden: \(error)") : .permanent(reason: "Discord refused the message: \(error)")
        }
    }
}
