/// What a gateway session can ask Discord to hear about; the bits are those of Discord's gateway documentation.
public enum DiscordIntent: String, CaseIterable, Sendable {
    /// Guilds, their channels and threads: what may be written to.
    case guilds
    /// Messages in guild channels: the echo of our own is a receipt.
    case guildMessages
    /// The same in direct messages.
    case directMessages
    /// What others' messages say. Privileged: it must be allowed on the bot's page.
    case messageContent

    /// The bit in an Identify payload.
    public var bit: Int {
        switch self {
        case .guilds: 1 << 0
        case .guildMessages: 1 << 9
        case .directMessages: 1 << 12
        case .messageContent: 1 << 15
        }
    }
}
