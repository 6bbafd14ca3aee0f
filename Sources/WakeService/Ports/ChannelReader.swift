public import WakeCore

/// Reads a channel whose session somebody else holds, by another way than theirs: the second witness of what they say.
///
/// Promises: it writes nothing and opens no session. Every call returns, at the latest after the bounds of its own requests.
public protocol ChannelReader: Sendable {
    /// Whether it reads this channel.
    func reads(_ channel: ChannelName) -> Bool

    /// Asks who the account is: the least that an account which works must answer.
    func witness(_ channel: ChannelName) async -> ChannelWitness

    /// Looks at a place, as ``RouteCheck/check(_:)``.
    func check(_ route: Route) async -> RouteState

    /// Searches for the receipt of a notice, as ``ReceiptLookup/search(_:)``.
    func search(_ order: SearchOrder) async -> ReceiptSearch

    /// What was written in a place since then.
    ///
    /// - Parameters:
    ///   - route: the place.
    ///   - since: milliseconds since 1970 by the wall clock; messages from then on count.
    ///   - limit: at most as many, the newest ones.
    /// - Returns: the messages, oldest first.
    /// - Throws: ``WakeError`` with ``WakeError/Code/unavailable`` where they can't be read now, in words that tell why.
    func messages(in route: Route, since: Int64, limit: Int) async throws(WakeError) -> [ChannelMessage]
}

/// What an account answers when it is asked who it is.
public enum ChannelWitness: Hashable, Sendable {
    /// It works, and has that id.
    case works(account: String)
    /// Its token is refused: a person must mend it.
    case refused(reason: String)
    /// It could not be asked.
    case unknown(reason: String)
}

/// One message in a channel, as far as it matters to a wake.
public struct ChannelMessage: Hashable, Sendable {
    /// Who wrote it.
    public struct Author: Hashable, Sendable {
        /// The id in the transport.
        public var id: String
        /// The name that people see.
        public var name: String
        /// Whether it is a program.
        public var isBot: Bool
        /// Whether it is the account that reads.
        public var isOurselves: Bool
        /// The ids of the author's roles in the guild, where they are told.
        public var roles: [String]

        /// Makes an author.
        public init(id: String, name: String, isBot: Bool = false, isOurselves: Bool = false, roles: [String] = []) {
            self.id = id
            self.name = name
            self.isBot = isBot
            self.isOurselves = isOurselves
            self.roles = roles
        }
    }

    /// The id in the transport.
    public var id: String
    /// Who wrote it.
    public var author: Author
    /// The guild that the place belongs to; nil for direct messages, and where it is not told.
    public var guild: String?
    /// The channel that the place is a thread of; nil where it is none.
    public var parent: String?
    /// What it says.
    public var text: String
    /// How many files are attached.
    public var attachments: Int
    /// Whether it mentions the account that reads.
    public var mentionsUs: Bool
    /// When, in milliseconds since 1970 by the transport's clock.
    public var at: Int64

    /// Makes a message; see the properties.
    public init(
        id: String, author: Author, guild: String? = nil, parent: String? = nil, text: String, attachments: Int = 0,
        mentionsUs: Bool = false, at: Int64
    ) {
        self.id = id
        self.author = author
        self.guild = guild
        self.parent = parent
        self.text = text
        self.attachments = attachments
        self.mentionsUs = mentionsUs
        self.at = at
    }
}
