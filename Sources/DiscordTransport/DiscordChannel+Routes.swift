import DiscordProtocol
import Logging
import Synchronization
public import WakeCore
public import WakeService

extension DiscordChannel: RouteCheck {
    /// What was learned of people and guilds.
    struct Places {
        /// How many of each are remembered.
        static let maximumCount = 10_000

        /// Us.
        var user: Snowflake?
        /// The conversation with each person; it never changes.
        var conversations: [Snowflake: Snowflake] = [:]
    }

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
    public func check(_ route: Route) async -> RouteState {
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
        if let known = places.withLock({ $0.conversations[id] }) { return .success(known) }
        let outcome = await rest.call(.openDirectChannel, body: .init(bytes: DirectChannelRequest(with: id).body))
        guard case .answered(let response) = outcome, response.isSuccess else {
            return .failure(Refusal(verdict: .refused(outcome)))
        }
        guard let conversation = ChannelDescription(parsing: response.body) else {
            return .failure(Refusal(verdict: .unknown(reason: "Discord answered with no channel", retryAfter: nil)))
        }
        places.withLock { places in
            if places.conversations.count >= Places.maximumCount { places.conversations.removeAll() }
            places.conversations[id] = conversation.id
        }
        return .success(conversation.id)
    }

    private func look(at place: Snowflake) async -> RouteVerdict {
        let outcome = await rest.call(.channel(place))
        guard case .answered(let response) = outcome, response.isSuccess else { return .refused(outcome) }
        guard let channel = ChannelDescription(parsing: response.body) else {
            return .unknown(reason: "Discord answered with no channel", retryAfter: nil)
        }
        guard let guild = channel.guild, channel.takesMessages else {
            return RouteVerdict(channel, overwrites: nil, standing: nil)
        }
        async let standing = standing(in: guild)
        async let overwrites = overwrites(of: channel)
        return await RouteVerdict(channel, overwrites: overwrites, standing: standing)
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
