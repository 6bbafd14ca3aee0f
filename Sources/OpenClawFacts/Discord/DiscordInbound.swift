/// A message as it reaches a gateway from Discord, so far as its gate looks at it.
public struct DiscordInbound: Hashable, Sendable {
    /// Where a message stands.
    public struct Place: Hashable, Sendable {
        /// The server's id.
        public var guild: String
        /// The server's name, where it is known; a configuration may name the server by it.
        public var guildName: String?
        /// The channel's or the thread's id.
        public var channel: String
        /// The channel's name, where it is known.
        public var channelName: String?
        /// The channel that a thread belongs to; nil for a channel.
        public var parent: String?
        /// That channel's name, where it is known.
        public var parentName: String?

        /// Makes a place.
        public init(
            guild: String, guildName: String? = nil, channel: String, channelName: String? = nil, parent: String? = nil,
            parentName: String? = nil
        ) {
            self.guild = guild
            self.guildName = guildName
            self.channel = channel
            self.channelName = channelName
            self.parent = parent
            self.parentName = parentName
        }
    }

    /// Where it stands; nil for a direct message.
    public var place: Place?
    /// Who wrote it, by id.
    public var author: String
    /// The author's roles on that server, by id.
    public var roles: [String]
    /// Whether it mentions the bot, or answers it.
    public var mentionsBot: Bool

    /// A message on a server.
    public init(at place: Place, author: String, roles: [String] = [], mentionsBot: Bool = false) {
        self.place = place
        self.author = author
        self.roles = roles
        self.mentionsBot = mentionsBot
    }

    /// A direct message.
    public init(directFrom author: String) {
        self.author = author
        roles = []
        mentionsBot = false
    }

    /// Whether it is a direct message.
    public var isDirect: Bool { place == nil }
}

/// What a gateway's gate does with a message.
public enum DiscordAdmission: Hashable, Sendable {
    /// The agent gets it.
    case admitted
    /// Nobody gets it, and nobody is told.
    case dropped(DiscordDrop)

    /// Why it is dropped; nil if it is admitted.
    public var drop: DiscordDrop? { if case .dropped(let drop) = self { drop } else { nil } }
}

/// Why a gateway drops messages, and what to change.
public struct DiscordDrop: Hashable, Sendable, CustomStringConvertible {
    /// What stands in the way; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// Discord, or the account, is switched off.
        public static let accountOff = Code("account-off")
        /// Messages on servers are switched off: `groupPolicy: "disabled"`.
        public static let serversOff = Code("servers-off")
        /// The policy is an allowlist, and no server is on it.
        public static let noGuilds = Code("no-guilds")
        /// The account's own `guilds` hide those above it, which would admit the server.
        public static let guildsHidden = Code("guilds-hidden")
        /// The server is not listed.
        public static let guildNotListed = Code("guild-not-listed")
        /// The server lists channels, and this one is not among them.
        public static let channelNotListed = Code("channel-not-listed")
        /// The channel's entry is switched off.
        public static let channelOff = Code("channel-off")
        /// A version with a fault of its own drops what it should admit.
        public static let gatewayFault = Code("gateway-fault")
        /// Neither the author nor one of the author's roles is listed.
        public static let authorNotListed = Code("author-not-listed")
        /// The bot is not mentioned, and must be.
        public static let notMentioned = Code("not-mentioned")
        /// Direct messages are switched off.
        public static let directOff = Code("direct-off")
        /// The author of a direct message has not been paired.
        public static let notPaired = Code("not-paired")
        /// The author of a direct message is not listed.
        public static let directNotListed = Code("direct-not-listed")
        /// Direct messages are open, which takes an `allowFrom` with `"*"`, and there is none.
        public static let openWithoutStar = Code("open-without-star")
    }

    /// What stands in the way.
    public let code: Code
    /// What stands in the way, in words.
    public let reason: String
    /// The key of the configuration to change.
    public let path: String
    /// How to change it.
    public let fix: String

    init(_ code: Code, _ reason: String, path: [String], fix: String) {
        self.code = code
        self.reason = reason
        self.path = DiscordGate.shown(path)
        self.fix = fix
    }

    /// `path: reason`, in one line.
    public var description: String { "\(path): \(reason)" }
}
