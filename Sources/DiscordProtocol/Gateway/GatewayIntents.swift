/// The kinds of events that Identify asks for. Rule: Discord, events/gateway, "Gateway Intents".
public struct GatewayIntents: OptionSet, Hashable, Sendable {
    /// The bits as sent.
    public let rawValue: Int64

    /// Takes the bits as they are.
    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// Guilds, channels and threads coming, changing and going: tells which guilds are available.
    public static let guilds = GatewayIntents(rawValue: 1 << 0)
    /// Messages in guild channels: without it our own message has no echo there.
    public static let guildMessages = GatewayIntents(rawValue: 1 << 9)
    /// Messages in direct conversations: the same for notices sent to a person.
    public static let directMessages = GatewayIntents(rawValue: 1 << 12)

    /// The smallest set that is of use: availability and the echo of our own messages, which is one of the three receipts.
    ///
    /// None is privileged. MESSAGE_CONTENT is not needed: own messages keep their content without it.
    public static let needed: GatewayIntents = [.guilds, .guildMessages, .directMessages]
}
