import DiscordProtocol
import Logging
import Synchronization
import WakeCore
import WakeService

/// What an account sees over REST alone: where routes lead, whether one can write there, and what was written. Opens no session.
final class DiscordPlaces: Sendable {
    /// How many of each kind are remembered.
    static let maximumCount = 10_000

    /// What was learned of people and places.
    private struct Known {
        /// Us.
        var user: Snowflake?
        /// The conversation with each person; it never changes.
        var conversations: [Snowflake: Snowflake] = [:]
        /// What a place belongs to; it never changes either.
        var surroundings: [Snowflake: Surroundings] = [:]
    }

    /// What a place belongs to.
    struct Surroundings: Sendable {
        /// Its guild; nil for a conversation.
        let guild: Snowflake?
        /// The channel that it is a thread of; nil where it is none.
        let parent: Snowflake?
    }

    let rest: DiscordREST
    let moments: any MomentSource
    private let logger: Logger
    private let presumedUser: @Sendable () async -> Snowflake?
    private let known = Mutex(Known())

    /// Before Discord was asked who we are, it is whom `presumedUser` tells.
    init(
        rest: DiscordREST, moments: any MomentSource, logger: Logger, presumedUser: @escaping @Sendable () async -> Snowflake?
    ) {
        self.rest = rest
        self.moments = moments
        self.logger = logger
        self.presumedUser = presumedUser
    }

    /// The bot's own user: as Discord told it; before that, as it is presumed.
    var userID: Snowflake? {
        get async {
            if let user = known.withLock({ $0.user }) { return user }
            return await presumedUser()
        }
    }

    /// Asks Discord who we are, and remembers it.
    @discardableResult
    func introduce() async -> Result<Snowflake, Refusal> {
        let outcome = await rest.call(.currentUser)
        guard case .answered(let response) = outcome, response.isSuccess else {
            return .failure(Refusal(verdict: .refused(outcome)))
        }
        guard let user = CurrentUser(parsing: response.body) else {
            return .failure(Refusal(verdict: .unknown(reason: "Discord answered with no user", retryAfter: nil)))
        }
        known.withLock { $0.user = user.id }
        return .success(user.id)
    }

    /// The conversation with a person, where it was opened already.
    func conversation(with person: Snowflake) -> Snowflake? { known.withLock { $0.conversations[person] } }

    /// What a place belongs to: one request, the first time.
    func surroundings(of place: Snowflake) async -> Result<Surroundings, Refusal> {
        if let found = known.withLock({ $0.surroundings[place] }) { return .success(found) }
        let channel: ChannelDescription
        switch await describe(place) {
        case .success(let found): channel = found
        case .failure(let refusal): return .failure(refusal)
        }
        let found = Surroundings(guild: channel.guild, parent: channel.isThread ? channel.parent : nil)
        known.withLock { known in
            if known.surroundings.count >= Self.maximumCount { known.surroundings.removeAll() }
            known.surroundings[place] = found
        }
        return .success(found)
    }
}

// MARK: - Routes

extension DiscordPlaces {

    /// Why a destination could not be found.
    struct Refusal: Error {
        let verdict: RouteVerdict

        var outcome: Outcome {
            switch verdict {
            case .ready: .transient(reason: "try again", retryAfter: nil)
            case .blocked(let reason): .unavailable(.route, reason: reason)
            case .gone(let reason): .permanent(reason: reason)
            case .tokenRejected(let reason): .unavailable(.channel, reason: reason)
            // Opening a conversation posts no message, so nothing was accepted.
            case .unknown(let reason, let retryAfter): .transient(reason: reason, retryAfter: retryAfter)
            }
        }
    }

    /// Looks at the place: whether it exists and is visible (one request), and whether the bot's roles let it write there (up to
    /// three more, at the same time). Where the roles can't be read, writing is presumed and the first notice tells.
    func check(_ route: Route) async -> RouteState {
        let verdict: RouteVerdict
        switch await resolve(route) {
        case .failure(let refusal): verdict = refusal.verdict
        case .success where route.kind == .user: verdict = .ready(attachFiles: true, readHistory: true, isPresumed: false)
        case .success(let place): verdict = await look(at: place)
        }
        switch verdict {
        case .ready(let attachFiles, let readHistory, _):
            return .ready(RouteCapabilities(mayAttachFiles: attachFiles, mayReadHistory: readHistory))
        case .blocked(let reason), .tokenRejected(let reason): return .blocked(reason: reason)
        case .gone(let reason): return .gone(reason: reason)
        case .unknown(let reason, _):
            logger.info("a route could not be checked", metadata: [LogKey.place: "\(route)", LogKey.reason: "\(reason)"])
            return .unknown
        }
    }

    /// The Discord channel that a route leads to; for a person the conversation with them, which is opened if need be.
    func resolve(_ route: Route) async -> Result<Snowflake, Refusal> {
        guard let id = Snowflake(route.destination) else {
            return .failure(
                Refusal(verdict: .gone(reason: "\(route.destination) is not a Discord id (a number of up to 20 digits)")))
        }
        guard route.kind == .user else { return .success(id) }
        if let open = conversation(with: id) { return .success(open) }
        let outcome = await rest.call(.openDirectChannel, body: .init(bytes: DirectChannelRequest(with: id).body))
        guard case .answered(let response) = outcome, response.isSuccess else {
            return .failure(Refusal(verdict: .refused(outcome)))
        }
        guard let conversation = ChannelDescription(parsing: response.body) else {
            return .failure(Refusal(verdict: .unknown(reason: "Discord answered with no channel", retryAfter: nil)))
        }
        known.withLock { known in
            if known.conversations.count >= Self.maximumCount { known.conversations.removeAll() }
            known.conversations[id] = conversation.id
        }
        return .success(conversation.id)
    }

    /// Whether history may be read in a place; `nil` where our roles can't be read.
    func mayReadHistory(in place: Snowflake) async -> Result<Bool?, Refusal> {
        await view(of: place).map { view in
            if view.channel.isDirect { return true }
            guard let overwrites = view.overwrites, let standing = view.standing else { return nil }
            let permissions = standing.permissions(with: overwrites)
            return permissions.contains(.viewChannel) && permissions.contains(.readMessageHistory)
        }
    }

    private func look(at place: Snowflake) async -> RouteVerdict {
        switch await view(of: place) {
        case .success(let view): RouteVerdict(view.channel, overwrites: view.overwrites, standing: view.standing)
        case .failure(let refusal): refusal.verdict
        }
    }

    /// What a place looks like to us.
    private struct View {
        let channel: ChannelDescription
        var overwrites: [PermissionOverwrite]?
        var standing: GuildStanding?
    }

    private func view(of place: Snowflake) async -> Result<View, Refusal> {
        let channel: ChannelDescription
        switch await describe(place) {
        case .success(let found): channel = found
        case .failure(let refusal): return .failure(refusal)
        }
        guard let guild = channel.guild, channel.takesMessages else { return .success(View(channel: channel)) }
        async let standing = standing(in: guild)
        async let overwrites = overwrites(of: channel)
        return await .success(View(channel: channel, overwrites: overwrites, standing: standing))
    }

    private func describe(_ place: Snowflake) async -> Result<ChannelDescription, Refusal> {
        let outcome = await rest.call(.channel(place))
        guard case .answered(let response) = outcome, response.isSuccess else {
            return .failure(Refusal(verdict: .refused(outcome)))
        }
        guard let channel = ChannelDescription(parsing: response.body) else {
            return .failure(Refusal(verdict: .unknown(reason: "Discord answered with no channel", retryAfter: nil)))
        }
        return .success(channel)
    }

    private func standing(in guild: Snowflake) async -> GuildStanding? {
        guard let user = await userID else { return nil }
        async let roles = rest.call(.roles(of: guild))
        async let member = rest.call(.member(user, of: guild))
        guard case .answered(let roleList) = await roles, roleList.isSuccess, case .answered(let us) = await member, us.isSuccess
        else { return nil }
        return GuildStanding(guild: guild, user: user, roles: roleList.body, member: us.body)
    }

    /// Threads have none of their own.
    private func overwrites(of channel: ChannelDescription) async -> [PermissionOverwrite]? {
        guard channel.isThread else { return channel.overwrites }
        guard let parent = channel.parent, case .answered(let response) = await rest.call(.channel(parent)), response.isSuccess
        else { return nil }
        return ChannelDescription(parsing: response.body)?.overwrites
    }
}
