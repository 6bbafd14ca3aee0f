/// Discord's numbers, as this imitation enforces them.
///
/// They are written down here a second time on purpose: a client that shares a table with its judge proves nothing.
/// Sources: the API documentation's pages Gateway, Rate Limits, Message and Opcodes.
enum LoopbackLimits {
    // Messages
    static let contentCharacters = 2_000
    static let nonceCharacters = 25
    static let embeds = 10
    static let embedCharacters = 6_000
    static let files = 10
    static let requestBytes = 25 << 20
    static let allowedMentionIDs = 100
    static let stickers = 3
    static let messagePage = 1...100
    static let messagePageDefault = 50

    // Gateway
    static let gatewayPayloadBytes = 4_096
    static let gatewayFrames = 120
    static let gatewayFrameWindowSeconds = 60
    static let identifyWindowSeconds = 5
    static let largeThreshold = 50...250
    static let apiVersions = 9...10

    // REST
    static let globalRequestsPerSecond = 50
    static let invalidRequests = 10_000
    static let invalidRequestWindowSeconds = 600

    // Of this imitation alone: bounds on what a client can make it hold
    static let jsonDepth = 64
    static let dispatchesKeptPerSession = 2_000
    static let sessions = 1_000
    static let messagesPerChannel = 100_000
    static let nonces = 100_000
    static let rateLimitBuckets = 100_000
    static let logLinesKept = 20_000
    static let framesQueuedPerConnection = 20_000
    static let loggedAttachmentBytes = 64 << 10
}
