public import WakeCore

/// What the gateway told us that matters to wakes. Every other dispatch only moves the sequence.
///
/// An event may arrive never, once or often; whoever takes it must not mind. Rule: Discord, reference, "Consistency".
public enum GatewayEvent: Hashable, Sendable {
    /// A message of our own was made: a receipt, whoever wrote it and whenever.
    case ownMessage(MessageEcho)
    /// A person wrote there: no bot, and no webhook.
    case personWrote(channel: Snowflake)
    /// A channel or thread changed or went: its route is worth another look.
    case channelChanged(channel: Snowflake)
    /// A guild became available, unavailable, or (`nil`) we left it: the routes in it are worth another look.
    case guildChanged(guild: Snowflake, isAvailable: Bool?)
}

/// The part of a message object that a receipt is made of.
public struct MessageEcho: Hashable, Sendable {
    /// The message's id: the receipt.
    public var id: Snowflake
    /// Where it is.
    public var channel: Snowflake
    /// Who wrote it.
    public var author: Snowflake
    /// The nonce of the request that made it, where Discord still tells it; a number is given as its digits.
    public var nonce: String?
    /// The text; may be empty.
    public var content: String

    /// Makes an echo, for tests.
    public init(id: Snowflake, channel: Snowflake, author: Snowflake, nonce: String?, content: String) {
        self.id = id
        self.channel = channel
        self.author = author
        self.nonce = nonce
        self.content = content
    }

    /// Reads a message object; `nil` if it lacks one of the ids. Rule: Discord, resources/message, "Message Object".
    public init?(_ json: JSONValue) {
        guard let id = Snowflake(json: json["id"]), let channel = Snowflake(json: json["channel_id"]),
            let author = Snowflake(json: json["author"]?["id"])
        else { return nil }
        let nonce =
            switch json["nonce"] {
            case .string(let text): text
            case .integer(let number): String(number)
            default: String?.none
            }
        self.init(id: id, channel: channel, author: author, nonce: nonce, content: json["content"]?.string ?? "")
    }

    /// The last line that is not blank, without white space at its ends (Discord trims messages).
    public var lastLine: Substring? {
        content.split(whereSeparator: \.isNewline).map { $0.trimmingSpaces() }.last { !$0.isEmpty }
    }
}

extension Substring {
    /// Without white space at both ends.
    func trimmingSpaces() -> Substring {
        let front = drop { $0.isWhitespace }
        guard let last = front.lastIndex(where: { !$0.isWhitespace }) else { return front }
        return front[...last]
    }
}
