/// What a person has to mend before a Discord channel can work again, except `identifyBudget`, which mends itself.
public enum GatewayBlock: Hashable, Sendable {
    /// Close code 4004, or REST answered 401: the token is wrong or was reset.
    case badToken
    /// Close code 4010: the shard in Identify does not exist.
    case invalidShard
    /// Close code 4011: the bot is in too many guilds for one connection.
    case shardingRequired
    /// Close code 4012: Discord no longer speaks this API version.
    case invalidVersion
    /// Close code 4013: Identify named an intent that does not exist.
    case invalidIntents
    /// Close code 4014: Identify named an intent that the bot may not use.
    case disallowedIntents
    /// Few identifies are left of the day's allowance; tried again by itself when it resets.
    case identifyBudget(remaining: Int, total: Int)

    /// One line that says what is wrong.
    public var reason: String {
        switch self {
        case .badToken: "Discord rejected the bot token"
        case .invalidShard: "Discord rejected the shard (close code 4010)"
        case .shardingRequired: "the bot is in too many servers for one connection (close code 4011)"
        case .invalidVersion: "Discord no longer accepts gateway version 10 (close code 4012)"
        case .invalidIntents: "Discord does not know one of the intents (close code 4013)"
        case .disallowedIntents: "the bot may not use one of its intents (close code 4014)"
        case .identifyBudget(let remaining, let total):
            "only \(remaining) of \(total) identifies are left; the rest is kept in reserve"
        }
    }

    /// One line that says what to do.
    public var hint: String {
        switch self {
        case .badToken: "copy the token again from the Developer Portal (Bot, Reset Token) and restart the daemon"
        case .invalidShard, .shardingRequired: "use a bot of its own for these wakes; Reveille opens a single shard"
        case .invalidVersion: "update Reveille"
        case .invalidIntents: "remove the intents setting"
        case .disallowedIntents:
            "switch the intents on in the Developer Portal (Bot, Privileged Gateway Intents) or remove them here"
        case .identifyBudget: "look for what makes the bot identify so often; it goes on by itself at the reset"
        }
    }
}

/// What to do after the gateway closed a connection.
public enum GatewayCloseAction: Hashable, Sendable {
    /// Connect again and resume the session.
    case resume
    /// We sent too fast: wait a full backoff step, then resume.
    case resumeLater
    /// The session is gone: forget it and identify anew.
    case identify
    /// Never connect again before a person has acted.
    case block(GatewayBlock)
}

/// The close-code table of the gateway. Rule: Discord, topics/opcodes-and-status-codes, "Gateway Close Event Codes".
public enum GatewayCloseCode {
    /// What a planned stop and a zombie close with: it keeps the session, which 1000 and 1001 would end.
    public static let keepSession: UInt16 = 4000

    /// What to do after this code; `nil` is a drop without a close frame.
    ///
    /// Codes that are not in the table (4006, new ones, everything under 4000) resume: Discord answers op 9 if it can't.
    public static func action(after code: UInt16?) -> GatewayCloseAction {
        switch code {
        case 4003, 4007, 4009: .identify
        case 4004: .block(.badToken)
        case 4008: .resumeLater
        case 4010: .block(.invalidShard)
        case 4011: .block(.shardingRequired)
        case 4012: .block(.invalidVersion)
        case 4013: .block(.invalidIntents)
        case 4014: .block(.disallowedIntents)
        default: .resume
        }
    }

    /// The code in words, for the log and for the channel state.
    public static func meaning(of code: UInt16?) -> String {
        guard let code else { return "the connection dropped without a close code" }
        let words =
            switch code {
            case 1000: "normal closure"
            case 1001: "going away"
            case 1006: "dropped"
            case 1009: "message too big"
            case 1012: "service restart"
            case 4000: "unknown error"
            case 4001: "unknown opcode (our own mistake)"
            case 4002: "our frame could not be decoded (our own mistake)"
            case 4003: "not authenticated"
            case 4004: "authentication failed"
            case 4005: "identified twice (our own mistake)"
            case 4007: "invalid sequence on resume"
            case 4008: "sent too fast"
            case 4009: "session timed out"
            case 4010: "invalid shard"
            case 4011: "sharding required"
            case 4012: "invalid API version"
            case 4013: "invalid intents"
            case 4014: "disallowed intents"
            default: "no meaning known"
            }
        return "the gateway closed with \(code), \(words)"
    }
}
