import DiscordProtocol
public import WakeCore
public import WakeService

extension DiscordReader {
    /// How many messages are read at most.
    public static let maximumMessages = 50
    /// How many authors' roles are asked for at most, the latest authors first.
    static let maximumAuthors = 10
    /// A clock that differs by less counts as the same: Discord tells the time to the second.
    static let toleratedSkewMilliseconds: Int64 = 2_000
    /// How long a limit may be for it to be waited for.
    static let longestWait = Duration.seconds(5)

    /// Reads the newest messages of a place: one page, what the place belongs to (once), and the roles of up to ten authors.
    ///
    /// An empty page is believed only where history may be read: Discord shows one to whoever may not.
    /// - Throws: ``WakeError`` with ``WakeError/Code/unavailable``, which names the permission that is missing.
    public func messages(in route: Route, since: Int64, limit: Int) async throws(WakeError) -> [ChannelMessage] {
        rest.open()
        guard limit > 0 else { return [] }
        let place: Snowflake
        switch await places.resolve(route) {
        case .success(let found): place = found
        case .failure(let refusal): throw Self.unreadable(route, refusal)
        }
        var surroundings = DiscordPlaces.Surroundings(guild: nil, parent: nil)
        if route.kind != .user {
            switch await places.surroundings(of: place) {
            case .success(let found): surroundings = found
            case .failure(let refusal): throw Self.unreadable(route, refusal)
            }
        }
        let page = try await page(of: place, route, limit: min(limit, Self.maximumMessages))
        if page.isEmpty, route.kind != .user { try await proveHistory(of: place, route) }
        let first = Snowflake(earliestAtUnixMilliseconds: discordTime(ofWallMilliseconds: since))
        let wanted = page.filter { $0.id >= first }.sorted { $0.id < $1.id }
        let us = await places.userID
        let roles = await roles(of: wanted, in: surroundings.guild, except: us)
        return wanted.map { ChannelMessage($0, surroundings, roles: $0.roles ?? roles[$0.author] ?? [], us: us) }
    }

    /// The newest page, in any order. A limit that ends soon is waited for once.
    private func page(of place: Snowflake, _ route: Route, limit: Int) async throws(WakeError) -> [PostedMessage] {
        let request = DiscordRoute.messages(in: place, after: nil, limit: limit)
        var outcome = await rest.call(request)
        if case .answered(let response) = outcome, response.status == 429,
            let wait = RateLimitHeaders(response).retryAfter, wait <= Self.longestWait
        {
            outcome = await rest.call(request)
        }
        guard case .answered(let response) = outcome, response.isSuccess else {
            throw Self.unreadable(route, DiscordPlaces.Refusal(verdict: .refused(outcome)))
        }
        guard let page = PostedMessage.page(parsing: response.body) else {
            throw WakeError(
                .unavailable, "the messages in \(route) can't be read", cause: "Discord answered with no list of messages")
        }
        return page
    }

    private func proveHistory(of place: Snowflake, _ route: Route) async throws(WakeError) {
        let cause: String
        switch await places.mayReadHistory(in: place) {
        case .success(true?): return
        case .success(false?): cause = "the bot lacks the permission Read Message History there"
        case .success(nil):
            cause = "the history looks empty, and it can't be seen whether the bot has the permission Read Message History"
        case .failure(let refusal): throw Self.unreadable(route, refusal)
        }
        throw WakeError(
            .unavailable, "the messages in \(route) can't be read", cause: cause,
            hint: "Allow the bot Read Message History in that channel.")
    }

    /// The roles of those whose messages don't tell them. Where Discord refuses, nobody else is asked for: refusals are counted.
    private func roles(
        of messages: [PostedMessage], in guild: Snowflake?, except us: Snowflake?
    ) async -> [Snowflake: [Snowflake]] {
        guard let guild else { return [:] }
        var authors: [Snowflake] = []
        for message in messages.reversed() where message.roles == nil && !message.isByWebhook && message.author != us {
            if !authors.contains(message.author) { authors.append(message.author) }
        }
        var roles: [Snowflake: [Snowflake]] = [:]
        for author in authors.prefix(Self.maximumAuthors) {
            guard case .answered(let response) = await rest.call(.member(author, of: guild)) else { return roles }
            // Who has left the guild has none.
            if response.status == 404 { continue }
            guard response.isSuccess else { return roles }
            roles[author] = PostedMessage.roles(ofMember: response.body)
        }
        return roles
    }

    private func discordTime(ofWallMilliseconds time: Int64) -> Int64 {
        let skew = rest.clockSkewMilliseconds ?? 0
        guard abs(skew) > Self.toleratedSkewMilliseconds else { return time }
        let (sum, overflow) = time.addingReportingOverflow(skew)
        return overflow ? time : sum
    }

    private static func unreadable(_ route: Route, _ refusal: DiscordPlaces.Refusal) -> WakeError {
        WakeError(
            .unavailable, "the messages in \(route) can't be read", cause: refusal.words, hint: hint(for: refusal.verdict))
    }

    private static func hint(for verdict: RouteVerdict) -> String? {
        switch verdict {
        case .blocked: "Allow the bot View Channel and Read Message History in that channel."
        case .gone: "The place may have been deleted, or its id is wrong."
        case .tokenRejected: "Give it the token that the bot has now."
        case .ready, .unknown: nil
        }
    }
}

extension DiscordPlaces.Refusal {
    /// Why, in words.
    var words: String {
        switch verdict {
        case .ready: "try again"
        case .blocked(let reason), .gone(let reason), .tokenRejected(let reason): reason
        case .unknown(let reason, let wait):
            wait.map { "\(reason); Discord asks to wait \($0.components.seconds) s" } ?? reason
        }
    }
}

extension ChannelMessage {
    fileprivate init(_ message: PostedMessage, _ place: DiscordPlaces.Surroundings, roles: [Snowflake], us: Snowflake?) {
        self.init(
            id: message.id.description,
            author: Author(
                id: message.author.description, name: message.authorName, isBot: message.isByBot,
                isOurselves: message.author == us, roles: roles.map(\.description)),
            guild: place.guild?.description, parent: place.parent?.description, text: message.content,
            attachments: message.attachments, mentionsUs: us.map { message.mentions.contains($0) } ?? false,
            at: message.id.unixMilliseconds)
    }
}
