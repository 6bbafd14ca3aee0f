/// One REST request's address, with what rate limits are counted by.
///
/// Limits belong to the pair of bucket and *major parameter* (the channel or guild at the top of the path): the same endpoint in
/// two channels has two allowances. Rule: Discord, topics/rate-limits, "Header Format".
public struct DiscordRoute: Hashable, Sendable, CustomStringConvertible {
    /// `GET` or `POST`.
    public let method: String
    /// The path with its parameters named, which buckets are discovered for.
    public let template: String
    /// The id at the top of the path, or `nil`.
    public let major: Snowflake?
    /// The path under the API base, query included.
    public let path: String

    init(_ method: String, _ template: String, major: Snowflake? = nil, path: String) {
        self.method = method
        self.template = template
        self.major = major
        self.path = path
    }

    /// Where the gateway is, and how many identifies are left.
    public static let gatewayBot = DiscordRoute("GET", "/gateway/bot", path: "/gateway/bot")
    /// Who we are.
    public static let currentUser = DiscordRoute("GET", "/users/@me", path: "/users/@me")
    /// Opens (or finds) the direct conversation with a person.
    public static let openDirectChannel = DiscordRoute("POST", "/users/@me/channels", path: "/users/@me/channels")

    /// One channel, thread or direct conversation.
    public static func channel(_ id: Snowflake) -> DiscordRoute {
        DiscordRoute("GET", "/channels/{channel}", major: id, path: "/channels/\(id)")
    }

    /// Posts a message.
    public static func createMessage(in channel: Snowflake) -> DiscordRoute {
        DiscordRoute("POST", "/channels/{channel}/messages", major: channel, path: "/channels/\(channel)/messages")
    }

    /// Messages of a channel, newest first: the `limit` (1 to 100) oldest after an id, or the newest ones.
    public static func messages(in channel: Snowflake, after: Snowflake?, limit: Int) -> DiscordRoute {
        let query = "?limit=\(min(max(limit, 1), 100))" + (after.map { "&after=\($0)" } ?? "")
        return DiscordRoute("GET", "/channels/{channel}/messages", major: channel, path: "/channels/\(channel)/messages\(query)")
    }

    /// A guild's roles.
    public static func roles(of guild: Snowflake) -> DiscordRoute {
        DiscordRoute("GET", "/guilds/{guild}/roles", major: guild, path: "/guilds/\(guild)/roles")
    }

    /// A member of a guild.
    public static func member(_ user: Snowflake, of guild: Snowflake) -> DiscordRoute {
        DiscordRoute("GET", "/guilds/{guild}/members/{user}", major: guild, path: "/guilds/\(guild)/members/\(user)")
    }

    /// Method and path, for logs.
    public var description: String { "\(method) \(path)" }
}
