import WakeCore

/// A channel object, as far as it decides whether one can write there. Rule: Discord, resources/channel.
public struct ChannelDescription: Hashable, Sendable {
    /// The channel's or thread's id.
    public var id: Snowflake
    /// Discord's number for the kind of channel.
    public var type: Int64
    /// Its guild; `nil` for direct conversations.
    public var guild: Snowflake?
    /// The channel that a thread is in, or a channel's category.
    public var parent: Snowflake?
    /// A thread that is closed; writing to it opens it again.
    public var isArchived: Bool
    /// A thread that only moderators can open again.
    public var isLocked: Bool
    /// Its own changes of permissions; `nil` if one of them can't be read, or there are none (threads use those of their parent).
    public var overwrites: [PermissionOverwrite]?

    /// Reads the answer to `GET /channels/{id}` or a new direct channel; `nil` if it is not a channel. Never traps.
    public init?(parsing body: [UInt8]) {
        guard let json = try? JSONValue.parse(body, maximumDepth: 64), let id = Snowflake(json: json["id"]),
            let type = json["type"]?.integer
        else { return nil }
        self.id = id
        self.type = type
        guild = Snowflake(json: json["guild_id"])
        parent = Snowflake(json: json["parent_id"])
        isArchived = json["thread_metadata"]?["archived"]?.bool ?? false
        isLocked = json["thread_metadata"]?["locked"]?.bool ?? false
        let listed = json["permission_overwrites"]?.array
        let readable = listed?.compactMap { PermissionOverwrite($0) }
        overwrites = readable?.count == listed?.count ? readable : nil
    }

    /// Whether it is a thread (types 10, 11 and 12).
    public var isThread: Bool { (10...12).contains(type) }

    /// Whether it is a conversation with people instead of a place in a guild (types 1 and 3).
    public var isDirect: Bool { type == 1 || type == 3 }

    /// Whether messages can be posted into such a channel: text, news, voice, stage, threads, direct. A forum takes only threads.
    public var takesMessages: Bool { [0, 1, 2, 3, 5, 10, 11, 12, 13].contains(type) }
}

/// Whether a place can be written to.
public enum RouteVerdict: Hashable, Sendable {
    /// It can, or nothing speaks against it.
    ///
    /// `attachFiles` and `readHistory` are true only where they are known. Where our roles could not be read, writing is
    /// *presumed*: the first POST tells, and a refusal there blocks the route without charging the delivery.
    case ready(attachFiles: Bool, readHistory: Bool, isPresumed: Bool)
    /// Somebody must change something first.
    case blocked(reason: String)
    /// It is not there, or never takes messages.
    case gone(reason: String)
    /// Discord rejected the token.
    case tokenRejected(reason: String)
    /// The look itself failed and is worth repeating.
    case unknown(reason: String, retryAfter: Duration?)

    /// Judges an answer to `GET /channels/{id}` that is no success. 403 means that the bot can't see it.
    public static func refused(_ outcome: RESTOutcome) -> RouteVerdict {
        guard case .answered(let response) = outcome else {
            if case .notSent(let reason) = outcome { return .unknown(reason: reason, retryAfter: nil) }
            if case .unanswered(let reason) = outcome { return .unknown(reason: reason, retryAfter: nil) }
            return .unknown(reason: "no answer", retryAfter: nil)
        }
        let said = response.error.map { "\($0)" } ?? "HTTP \(response.status)"
        switch (response.status, response.error?.code) {
        case (401, _): return .tokenRejected(reason: "Discord rejected the bot token (\(said))")
        case (404, 10003?), (404, 10013?): return .gone(reason: "Discord knows no such place: \(said)")
        case (400, 50035?): return .gone(reason: "Discord does not take this id: \(said)")
        case (_, 50007?), (_, 50278?): return .blocked(reason: "the person takes no messages from the bot: \(said)")
        case (403, .some): return .blocked(reason: "the bot can't see the channel: \(said)")
        default: return .unknown(reason: said, retryAfter: RateLimitHeaders(response).retryAfter)
        }
    }

    /// Judges a channel.
    ///
    /// - Parameters:
    ///   - channel: the place itself.
    ///   - overwrites: the overwrites that hold there: of the channel, of a thread those of its parent; `nil` if not known.
    ///   - standing: our roles in the guild; `nil` if not known.
    public init(_ channel: ChannelDescription, overwrites: [PermissionOverwrite]?, standing: GuildStanding?) {
        guard channel.takesMessages else {
            self = .gone(reason: "a channel of type \(channel.type) takes no messages")
            return
        }
        if channel.isDirect {
            self = .ready(attachFiles: true, readHistory: true, isPresumed: false)
            return
        }
        let permissions = overwrites.flatMap { changes in standing.map { $0.permissions(with: changes) } }
        if channel.isArchived, channel.isLocked, permissions?.contains(.manageThreads) != true {
            self = .blocked(reason: "the thread is archived and locked; a moderator must unlock it")
            return
        }
        guard let permissions else {
            self = .ready(attachFiles: false, readHistory: false, isPresumed: true)
            return
        }
        let needed: Permissions = channel.isThread ? .sendMessagesInThreads : .sendMessages
        if !permissions.contains(.viewChannel) {
            self = .blocked(reason: "the bot lacks the permission View Channel there")
        } else if !permissions.contains(needed) {
            let name = channel.isThread ? "Send Messages in Threads" : "Send Messages"
            self = .blocked(reason: "the bot lacks the permission \(name) there")
        } else {
            self = .ready(
                attachFiles: permissions.contains(.attachFiles), readHistory: permissions.contains(.readMessageHistory),
                isPresumed: false)
        }
    }
}
