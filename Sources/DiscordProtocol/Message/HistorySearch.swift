import WakeCore

/// Searches a channel's history for a message of ours, page by page, and never says “absent” without proof.
///
/// It reads upwards from a minute before the first unclear attempt (by id, and so by Discord's clock), so that the newest page is
/// read last. Without READ_MESSAGE_HISTORY Discord answers with empty pages instead of an error, so emptiness proves nothing by
/// itself: some message must have been seen, or one is asked for at the end, or the permission is known. Rule: Discord, "Get
/// Channel Messages".
public struct HistorySearch: Hashable, Sendable {
    /// Messages in a page.
    public static let pageLimit = 100
    /// Messages that are read at most; beyond that nobody can tell.
    public static let maximumMessages = 1_000
    /// How long before the first unclear attempt the search begins, for clocks that differ.
    public static let marginMilliseconds: Int64 = 60_000

    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Ask for this page and report the answer with ``received(_:)``.
        case fetch(DiscordRoute)
        /// It is there.
        case found(message: Snowflake)
        /// It is not there: all pages were read, and we may read them.
        case absent
        /// It can't be known, and asking again won't help.
        case cannotTell(reason: String)
    }

    private let channel: Snowflake
    private let author: Snowflake
    private let trailer: String
    private let nonce: String
    private var mayReadHistory: Bool
    private var after: Snowflake
    private var read = 0
    private var isProbing = false

    /// A search for the message of ours that ends with this very line, or still carries this nonce.
    ///
    /// - Parameters:
    ///   - channel: where it would be.
    ///   - author: our own user.
    ///   - trailer: the exact last line.
    ///   - nonce: the nonce of the attempts.
    ///   - sinceUnixMilliseconds: when the first unclear attempt began, by our wall clock.
    ///   - mayReadHistory: whether READ_MESSAGE_HISTORY is proven already.
    public init(
        channel: Snowflake, author: Snowflake, trailer: String, nonce: String, sinceUnixMilliseconds: Int64,
        mayReadHistory: Bool
    ) {
        self.channel = channel
        self.author = author
        self.trailer = trailer
        self.nonce = nonce
        self.mayReadHistory = mayReadHistory
        let start = sinceUnixMilliseconds.subtractingReportingOverflow(Self.marginMilliseconds)
        self.after = Snowflake(earliestAtUnixMilliseconds: start.overflow ? 0 : start.partialValue)
    }

    /// The first page to ask for.
    public var first: Step { .fetch(.messages(in: channel, after: after, limit: Self.pageLimit)) }

    /// Takes the body of a page (status 200) and says what to do next. Never traps.
    public mutating func received(_ body: [UInt8]) -> Step {
        guard let json = try? JSONValue.parse(body, maximumDepth: 64), let elements = json.array else {
            return .cannotTell(reason: "Discord answered with something that is no list of messages")
        }
        let page = elements.compactMap { MessageEcho($0) }
        guard page.count == elements.count, elements.count <= Self.pageLimit else {
            return .cannotTell(reason: "Discord answered with messages that can't be read")
        }
        if let match = page.first(where: matches) { return .found(message: match.id) }
        if !page.isEmpty { mayReadHistory = true }
        if isProbing { return conclude() }
        read += page.count
        if page.count < Self.pageLimit { return mayReadHistory ? .absent : probe() }
        guard read < Self.maximumMessages else {
            return .cannotTell(reason: "there are more than \(Self.maximumMessages) messages since the first attempt")
        }
        guard let newest = page.map(\.id).max(), newest > after else {
            return .cannotTell(reason: "Discord's pages don't follow each other")
        }
        after = newest
        return .fetch(.messages(in: channel, after: after, limit: Self.pageLimit))
    }

    private func matches(_ message: MessageEcho) -> Bool {
        guard message.author == author, message.channel == channel else { return false }
        return message.nonce == nonce || (!trailer.isEmpty && message.lastLine == trailer[...].trimmingSpaces())
    }

    /// The newest message of all: if even that is missing, we may simply not be allowed to see it.
    private mutating func probe() -> Step {
        isProbing = true
        return .fetch(.messages(in: channel, after: nil, limit: 1))
    }

    private func conclude() -> Step {
        mayReadHistory ? .absent : .cannotTell(reason: "the channel's history looks empty; the bot may lack Read Message History")
    }
}
