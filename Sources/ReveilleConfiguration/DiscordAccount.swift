public import WakeCore

/// One Discord bot account of ours: the channel `discord:NAME`.
public struct DiscordAccount: Sendable {
    /// The name that is meant where nobody names an account.
    public static let defaultName = "default"
    /// The longest name, in characters.
    public static let nameMaximumCharacters = 32

    /// What a notice may ping.
    public enum Mention: String, Sendable, CaseIterable {
        /// People.
        case users
        /// Roles.
        case roles
        /// `@everyone` and `@here`.
        case everyone
    }

    /// The name: 1 to 32 of `a-z 0-9 - _`, beginning with a letter or digit.
    public let name: String
    /// The channel that it is.
    public var channel: ChannelName { .discord(name) }
    /// The REST address; default `https://discord.com/api/v10`.
    public let apiBase: ServiceAddress
    /// What a notice may ping; default nothing.
    public let allowedMentions: [Mention]
    /// Where its token is; nil if there is none. ``DiscordToken`` reads it.
    public let tokenLocation: DiscordToken.Location?

    static func fault(ofName name: String) -> ValueFault? {
        let isGood =
            (1...nameMaximumCharacters).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            } && !name.hasPrefix("-") && !name.hasPrefix("_")
        return isGood
            ? nil
            : ValueFault(
                "is no name for an account",
                hint:
                    "use 1 to \(nameMaximumCharacters) lower-case letters, digits, '-' and '_', beginning with a letter or digit")
    }
}
