/// The intents of Identify, by bit.
enum GatewayIntents {
    static let guilds = 1 << 0
    static let guildMembers = 1 << 1
    static let guildPresences = 1 << 8
    static let guildMessages = 1 << 9
    static let directMessages = 1 << 12
    static let messageContent = 1 << 15

    static let privileged = guildMembers | guildPresences | messageContent
    /// Bits 0 to 16, 20, 21, 24 and 25.
    static let known = (1 << 17 - 1) | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25
}

/// The close codes that the gateway may send.
enum CloseCode {
    static let unknownError: UInt16 = 4000
    static let unknownOpcode: UInt16 = 4001
    static let decodeError: UInt16 = 4002
    static let notAuthenticated: UInt16 = 4003
    static let authenticationFailed: UInt16 = 4004
    static let alreadyAuthenticated: UInt16 = 4005
    static let invalidSequence: UInt16 = 4007
    static let rateLimited: UInt16 = 4008
    static let sessionTimedOut: UInt16 = 4009
    static let invalidShard: UInt16 = 4010
    static let shardingRequired: UInt16 = 4011
    static let invalidVersion: UInt16 = 4012
    static let invalidIntents: UInt16 = 4013
    static let disallowedIntents: UInt16 = 4014

    static let reasons: [UInt16: String] = [
        unknownError: "Unknown error.", unknownOpcode: "Unknown opcode.", decodeError: "Error while decoding payload.",
        notAuthenticated: "Not authenticated.", authenticationFailed: "Authentication failed.",
        alreadyAuthenticated: "Already authenticated.", invalidSequence: "Invalid seq.",
        rateLimited: "Rate limited.", sessionTimedOut: "Session timed out.", invalidShard: "Invalid shard.",
        shardingRequired: "Sharding required.", invalidVersion: "Invalid API version.",
        invalidIntents: "Invalid intent(s).", disallowedIntents: "Disallowed intent(s).",
    ]

    /// Codes after which a session can't be resumed, whoever sends them.
    static func endsSession(_ code: UInt16) -> Bool {
        [notAuthenticated, authenticationFailed, invalidSequence, sessionTimedOut].contains(code)
            || (invalidShard...disallowedIntents).contains(code)
    }
}
