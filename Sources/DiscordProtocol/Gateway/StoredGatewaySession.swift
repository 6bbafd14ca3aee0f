import WakeCore

/// What a later process needs to resume a gateway session instead of identifying.
///
/// The sequence never runs ahead of what its events have caused: a crash replays too much, never too little.
/// It holds no token; a session of another bot ends in op 9 and a fresh Identify.
public struct StoredGatewaySession: Hashable, Sendable {
    /// How many guilds' availability is kept. A bot in more than 2,500 guilds must shard anyway.
    public static let maximumGuilds = 2_500

    /// Discord's id of the session.
    public var sessionID: String
    /// The last sequence whose effects are done.
    public var sequence: Int64
    /// Where to resume, as Discord wrote it; checked again before use.
    public var resumeURL: String?
    /// The bot's own user id, which receipts are matched by; a resume does not bring it again.
    public var userID: Snowflake?
    /// Which guilds there are, and whether each is available; a resume brings no guild events.
    public var guilds: [Snowflake: Bool]

    /// Makes a session.
    public init(
        sessionID: String, sequence: Int64, resumeURL: String?, userID: Snowflake?, guilds: [Snowflake: Bool] = [:]
    ) {
        self.sessionID = sessionID
        self.sequence = sequence
        self.resumeURL = resumeURL
        self.userID = userID
        self.guilds = guilds
    }

    /// The session as a JSON document, for whoever stores it.
    public var encoded: [UInt8] {
        var object: JSONObject = ["version": 1, "session_id": .string(sessionID), "seq": .integer(sequence)]
        object["resume_url"] = resumeURL.map { .string($0) }
        object["user_id"] = userID.map { .string($0.description) }
        let ordered = guilds.sorted { $0.key < $1.key }
        object["guilds"] = .object(JSONObject(ordered.map { .init(key: $0.key.description, value: .bool($0.value)) }))
        return JSONValue.object(object).bytes
    }

    /// Reads what ``encoded`` wrote; `nil` for anything else, which costs an Identify and nothing more. Never traps.
    public init?(decoding bytes: some Collection<UInt8>) {
        guard bytes.count <= 1 << 20, let json = try? JSONValue.parse(bytes, maximumDepth: 8),
            json["version"]?.integer == 1, let sessionID = json["session_id"]?.string, !sessionID.isEmpty,
            sessionID.utf8.count <= 256, let sequence = json["seq"]?.integer, sequence >= 0
        else { return nil }
        var guilds: [Snowflake: Bool] = [:]
        for member in json["guilds"]?.object?.members.prefix(Self.maximumGuilds) ?? [] {
            if let id = Snowflake(member.key), let available = member.value.bool { guilds[id] = available }
        }
        self.init(
            sessionID: sessionID, sequence: sequence, resumeURL: json["resume_url"]?.string,
            userID: Snowflake(json: json["user_id"]), guilds: guilds)
    }
}
