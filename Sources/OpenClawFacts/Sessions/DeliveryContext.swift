public import WakeCore

/// Where a gateway would deliver to, in its own words: `deliveryContext {channel, to, accountId, threadId}`.
///
/// A gateway writes such a context into its restart sentinel, its session rows and the requests of its agents. Every part may
/// be missing, and a place that can't be told gives no route.
public struct DeliveryContext: Hashable, Sendable {
    /// The transport, lower-cased: `discord`, `telegram`, …
    public var transport: String?
    /// The target in that transport: `channel:<id>`, `user:<id>`, `<@id>` or a bare id.
    public var target: String?
    /// The account of that transport; without one the gateway means `default`.
    public var account: String?
    /// The thread or topic within the target.
    public var thread: String?

    /// Makes a context.
    public init(transport: String? = nil, target: String? = nil, account: String? = nil, thread: String? = nil) {
        self.transport = transport
        self.target = target
        self.account = account
        self.thread = thread
    }

    /// Reads a `deliveryContext` object; whatever is missing or of another type is nil.
    public init(_ value: JSONValue?) {
        self.init(
            transport: value?["channel"]?.word?.lowercased(), target: value?["to"]?.word,
            account: value?["accountId"]?.word, thread: value?["threadId"]?.identifier)
    }

    /// What a session's key tells of its place; all nil for a session without one, such as an agent's main session.
    public init(of key: SessionKey) {
        switch key.shape {
        case .channel(let transport, let id, let thread):
            self.init(transport: transport, target: "channel:" + id, thread: thread)
        case .group(let transport, let id, let topic): self.init(transport: transport, target: "group:" + id, thread: topic)
        case .direct(let transport?, let account, let peer):
            self.init(transport: transport, target: "user:" + peer, account: account)
        case .legacyDiscord(let account, _, let channel):
            self.init(transport: "discord", target: "channel:" + channel, account: account)
        default: self.init()
        }
    }

    /// The place as a route on the gateway's own channel, such as `gateway:main/discord:default/channel:123`.
    ///
    /// A Discord thread is a channel of its own, so there the thread is the destination. In other transports a thread is no
    /// place by itself: the route names the target, and the thread stays with the context.
    ///
    /// - Parameter gateway: the gateway's name in our configuration.
    /// - Returns: nil without a transport or a target, and where the two can't be written as a route.
    public func route(gateway: String) -> Route? {
        guard let transport, let target, var place = DeliveryTarget(target, transport: transport), !gateway.isEmpty else {
            return nil
        }
        if transport == "discord", place.kind == .channel, let thread { place.id = thread }
        return Route("gateway:\(gateway)/\(transport):\(account ?? "default")/\(place.kind.rawValue):\(place.id)")
    }

    /// This context with what it lacks taken from another, where both mean the same transport.
    ///
    /// A thread belongs to its target: it is taken over only together with the target, or beside the same one.
    public func completed(by other: DeliveryContext) -> DeliveryContext {
        guard let transport else { return other }
        guard other.transport == nil || other.transport == transport else { return self }
        var whole = self
        whole.account = account ?? other.account
        if target == nil || target == other.target {
            whole.target = target ?? other.target
            whole.thread = thread ?? other.thread
        }
        return whole
    }
}

/// A target such as `channel:123`, taken apart.
struct DeliveryTarget {
    var kind: Route.Kind
    var id: String

    /// Takes `channel:<id>`, `group:<id>`, `user:<id>`, `<@id>`, `<#id>` and bare ids, each also after the transport's name.
    init?(_ text: String, transport: String) {
        var rest = text[...]
        if rest.lowercased().hasPrefix(transport + ":") { rest = rest.dropFirst(transport.utf8.count + 1) }
        (kind, rest) = Self.unwrapped(rest)
        guard !rest.isEmpty else { return nil }
        id = String(rest)
    }

    private static func unwrapped(_ text: Substring) -> (Route.Kind, Substring) {
        if text.hasSuffix(">") {
            for (opening, kind) in [("<@!", Route.Kind.user), ("<@", .user), ("<#", .channel)] where text.hasPrefix(opening) {
                return (kind, text.dropFirst(opening.count).dropLast())
            }
        }
        for (word, kind) in [
            ("channel:", Route.Kind.channel), ("group:", .channel), ("user:", .user), ("dm:", .user), ("direct:", .user),
        ]
        where text.lowercased().hasPrefix(word) { return (kind, text.dropFirst(word.count)) }
        return (.channel, text)
    }
}
