public import WakeCore

/// One session of a gateway, as `sessions.list` tells of it. Every field but the key may be missing.
public struct SessionRow: Hashable, Sendable {
    /// The session's key.
    public let key: SessionKey
    /// The id of its present transcript; another after a reset.
    public let sessionID: String?
    /// When something last happened in it, in milliseconds since 1970.
    public let updatedAt: Int64?
    /// Whether an agent is at work in it; nil from gateways that do not tell.
    public let hasActiveRun: Bool?
    /// The runs at work in it.
    public let activeRunIDs: [String]
    /// The name that a person gave it.
    public let label: String?
    /// The name that the gateway shows for it.
    public let displayName: String?
    /// The title that the gateway made of its first words.
    public let derivedTitle: String?
    /// Where its messages last went.
    public let delivery: DeliveryContext

    /// Reads a row; nil where it has no key that can be read, so that one odd row does not hide the others.
    public init?(_ row: JSONValue) {
        guard let text = row["key"]?.word, let key = try? SessionKey(text) else { return nil }
        self.key = key
        sessionID = row["sessionId"]?.word
        updatedAt = row["updatedAt"]?.milliseconds
        hasActiveRun = row["hasActiveRun"]?.bool
        activeRunIDs = row["activeRunIds"]?.words ?? []
        label = row["label"]?.word
        displayName = row["displayName"]?.word
        derivedTitle = row["derivedTitle"]?.word
        delivery = Self.delivery(row)
    }

    /// The rows of a `sessions.list` answer, in its order; rows that can't be read are left out.
    public static func rows(of payload: JSONValue?) -> [SessionRow] {
        (payload?["sessions"]?.array ?? payload?.array ?? []).compactMap(SessionRow.init)
    }

    /// Gateways of different ages tell the place in different fields: the freshest first.
    private static func delivery(_ row: JSONValue) -> DeliveryContext {
        let last = DeliveryContext(
            transport: row["lastChannel"]?.word?.lowercased(), target: row["lastTo"]?.word,
            account: row["lastAccountId"]?.word, thread: row["lastThreadId"]?.identifier)
        let origin = row["origin"]
        let first = DeliveryContext(
            transport: (origin?["provider"] ?? origin?["channel"])?.word?.lowercased(), target: origin?["to"]?.word,
            account: origin?["accountId"]?.word, thread: origin?["threadId"]?.identifier)
        return DeliveryContext(row["deliveryContext"]).completed(by: last).completed(by: first)
    }

    /// Where the session is talked to, as a route on the gateway's own channel.
    ///
    /// What the key itself names comes first: a message that went elsewhere once does not move a channel's session. Sessions
    /// whose key names no place, such as an agent's main one, are where their messages last went.
    ///
    /// - Parameter gateway: the gateway's name in our configuration.
    /// - Returns: nil for a session without a place.
    public func route(gateway: String) -> Route? { place.route(gateway: gateway) }

    /// Key and delivery together: the key's place, with the account that the delivery knows.
    private var place: DeliveryContext {
        let ofKey = DeliveryContext(of: key)
        return ofKey.target == nil ? delivery : ofKey.completed(by: delivery)
    }

    /// Whether an agent is at work in it; nil from gateways that do not tell.
    public var isActive: Bool? { activeRunIDs.isEmpty ? hasActiveRun : true }

    /// What to call it to people: its label, its name, its title, or its key.
    public var title: String { label ?? displayName ?? derivedTitle ?? key.description }

    /// Whether the session is at a place: an id, also written as `channel:<id>`, `<#id>`, `user:<id>` or `<@id>`.
    ///
    /// A session in a thread is at that thread and not at its channel; see ``isWithin(channel:)``.
    public func matches(place text: String) -> Bool {
        guard let id = DeliveryTarget(text.trimmed, transport: place.transport ?? "discord")?.id else { return false }
        return id == place.thread ?? targetID
    }

    /// Whether the session is in that channel or in one of the threads that the gateway counts to it.
    public func isWithin(channel text: String) -> Bool {
        guard let id = DeliveryTarget(text.trimmed, transport: place.transport ?? "discord")?.id else { return false }
        return id == targetID || id == place.thread
    }

    private var targetID: String? {
        place.target.flatMap { DeliveryTarget($0, transport: place.transport ?? "discord")?.id }
    }
}
