public import WakeCore

/// A message in a channel as Discord shows it, as far as it matters to who must answer it. Rule: Discord, resources/message,
/// "Message Object".
public struct PostedMessage: Hashable, Sendable {
    /// The message's id.
    public var id: Snowflake
    /// Who wrote it.
    public var author: Snowflake
    /// The author's name that people see: in the guild where it is told, else everywhere.
    public var authorName: String
    /// Whether a program wrote it.
    public var isByBot: Bool
    /// Whether a webhook wrote it: its author is no member of anything.
    public var isByWebhook: Bool
    /// The author's roles in the guild; `nil` where they are not told, as in answers to `GET`.
    public var roles: [Snowflake]?
    /// The text; empty without the privileged intent for it, but for messages that are to the bot.
    public var content: String
    /// How many files are attached.
    public var attachments: Int
    /// The people that it mentions, those of a reply included; `@everyone` and roles are not among them.
    public var mentions: Set<Snowflake>

    /// Reads a message object; `nil` if it lacks one of the ids.
    public init?(_ json: JSONValue) {
        guard let id = Snowflake(json: json["id"]), let author = Snowflake(json: json["author"]?["id"]) else { return nil }
        self.id = id
        self.author = author
        authorName =
            json["member"]?["nick"]?.string ?? json["author"]?["global_name"]?.string ?? json["author"]?["username"]?.string
            ?? author.description
        isByWebhook = json["webhook_id"]?.string != nil
        isByBot = json["author"]?["bot"]?.bool == true || isByWebhook
        roles = json["member"].flatMap { Self.roles(ofMember: $0) }
        content = json["content"]?.string ?? ""
        attachments = json["attachments"]?.array?.count ?? 0
        mentions = Set((json["mentions"]?.array ?? []).compactMap { Snowflake(json: $0["id"]) })
    }

    /// The messages of one page, in its order; `nil` unless it is a list of messages. Never traps.
    public static func page(parsing body: [UInt8]) -> [PostedMessage]? {
        guard let elements = (try? JSONValue.parse(body, maximumDepth: 64))?.array else { return nil }
        let page = elements.compactMap { PostedMessage($0) }
        return page.count == elements.count ? page : nil
    }

    /// The roles in an answer to `GET /guilds/{id}/members/{user}`; `nil` if it is no member. Never traps.
    public static func roles(ofMember body: [UInt8]) -> [Snowflake]? {
        (try? JSONValue.parse(body, maximumDepth: 32)).flatMap { roles(ofMember: $0) }
    }

    private static func roles(ofMember json: JSONValue) -> [Snowflake]? {
        json["roles"]?.array?.compactMap { Snowflake(json: $0) }
    }
}
