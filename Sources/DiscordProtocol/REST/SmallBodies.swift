import WakeCore

/// The answer to `GET /users/@me`, as far as it matters. Rule: Discord, resources/user.
public struct CurrentUser: Hashable, Sendable {
    /// The bot's own user.
    public let id: Snowflake

    /// Reads the answer; `nil` if it is not a user. Never traps.
    public init?(parsing body: [UInt8]) {
        guard let json = try? JSONValue.parse(body, maximumDepth: 16), let id = Snowflake(json: json["id"]) else { return nil }
        self.id = id
    }
}

/// The body of `POST /users/@me/channels`. Rule: Discord, resources/user, "Create DM".
public struct DirectChannelRequest: Hashable, Sendable {
    /// The JSON text.
    public let body: [UInt8]

    /// For the conversation with one person.
    public init(with user: Snowflake) {
        let json: JSONValue = ["recipient_id": .string(user.description)]
        body = json.bytes
    }
}
