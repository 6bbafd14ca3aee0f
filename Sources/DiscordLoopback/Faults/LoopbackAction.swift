/// Something that is done to the loopback while it runs: by a test, a script's step, or the admin endpoint.
public enum LoopbackAction: Sendable {
    /// How an outage looks.
    public enum Outage: String, Sendable, CaseIterable {
        /// Connections are refused, open ones are reset.
        case refuse
        /// Every request and handshake gets 503; gateway connections are dropped.
        case unavailable = "503"
    }

    /// Op 7 to every session.
    case reconnect(omitsBody: Bool)
    /// Op 9 to every session.
    case invalidSession(resumable: Bool)
    /// Close every gateway connection with a code; `nil` for a close frame without one.
    case close(code: UInt16?)
    /// Reset every gateway connection.
    case reset
    /// Let nothing through any gateway connection any more.
    case halfOpen
    /// Give no more ACKs on any gateway connection.
    case silence
    /// A message by a person.
    case message(channel: Snowflake, content: String)
    /// Take a message away.
    case deleteMessage(channel: Snowflake, id: Snowflake)
    /// Archive or lock a thread, or undo it; `nil` leaves a property as it is.
    case thread(channel: Snowflake, archived: Bool?, locked: Bool?)
    /// Make a channel.
    case createChannel(LoopbackOptions.ChannelSeed, guild: Snowflake)
    /// Delete a channel.
    case deleteChannel(Snowflake)
    /// Set what the bots' role may and may not do in a channel; both empty takes the rule away.
    case permissions(channel: Snowflake, allow: LoopbackPermissions, deny: LoopbackPermissions)
    /// Make a guild unavailable, or available again.
    case guild(Snowflake, unavailable: Bool)
    /// As if the nonce window had passed for all nonces.
    case expireNonces
    /// As if all sessions without a connection had waited too long.
    case expireSessions
    /// An outage, for some time or until `endOutage`.
    case outage(Outage, lasting: Duration?)
    /// End the outage.
    case endOutage
    /// Make a token invalid: REST answers 401, the gateway closes with 4004.
    case revokeToken(String)
    /// Make a revoked token valid again.
    case restoreToken(String)
    /// End every open TCP connection.
    case dropConnections(reset: Bool)
    /// Add a fault.
    case addFault(LoopbackFault)
    /// Forget all faults.
    case clearFaults

    /// The names that scripts use.
    enum Name: String, CaseIterable {
        case reconnect, close, reset, silence, message, thread, permissions, outage
        case invalidSession = "invalid-session"
        case halfOpen = "half-open"
        case deleteMessage = "delete-message"
        case createChannel = "create-channel"
        case deleteChannel = "delete-channel"
        case guildUnavailable = "guild-unavailable"
        case guildAvailable = "guild-available"
        case expireNonces = "expire-nonces"
        case expireSessions = "expire-sessions"
        case endOutage = "end-outage"
        case revokeToken = "revoke-token"
        case restoreToken = "restore-token"
        case dropConnections = "drop-connections"
        case fault
        case clearFaults = "clear-faults"
    }

    /// Reads an action from JSON, e.g. `{"action":"close","code":4000}`.
    ///
    /// - Throws: ``LoopbackError`` that names what is unknown and lists what is known.
    public init(_ text: String) throws(LoopbackError) {
        try self.init(json: LoopbackScript.parse(text, what: "action"))
    }

    init(json: JSON) throws(LoopbackError) {
        var fields = LoopbackFields(json, what: "action")
        let name = try fields.choice("action", Name.self)
        if name == .fault {
            var rest = json
            rest[key: "action"] = nil
            rest[key: "at_ms"] = nil
            self = .addFault(try LoopbackFault(json: rest))
            return
        }
        _ = try fields.int("at_ms", 0...Int.max)
        self = try Self.read(name, &fields)
        try fields.finish()
    }

    private static func read(_ name: Name, _ fields: inout LoopbackFields) throws(LoopbackError) -> LoopbackAction {
        func channel(_ fields: inout LoopbackFields) throws(LoopbackError) -> Snowflake {
            let id = try fields.id("channel")
            return try fields.needed("channel", id)
        }
        switch name {
        case .reconnect: return .reconnect(omitsBody: try fields.bool("omit_d") ?? false)
        case .invalidSession: return .invalidSession(resumable: try fields.bool("resumable") ?? false)
        case .close:
            let code = try fields.int("code", 0...4_999) ?? 4_000
            return .close(code: code == 0 ? nil : UInt16(code))
        case .reset: return .reset
        case .halfOpen: return .halfOpen
        case .silence: return .silence
        case .message: return .message(channel: try channel(&fields), content: try fields.text("content") ?? "hello")
        case .deleteMessage:
            let id = try fields.id("id")
            return .deleteMessage(channel: try channel(&fields), id: try fields.needed("id", id))
        case .thread:
            return .thread(
                channel: try channel(&fields), archived: try fields.bool("archived"), locked: try fields.bool("locked"))
        case .createChannel: return try readNewChannel(&fields, try channel(&fields))
        case .deleteChannel: return .deleteChannel(try channel(&fields))
        case .permissions:
            return .permissions(
                channel: try channel(&fields), allow: try fields.permissions("allow"), deny: try fields.permissions("deny"))
        case .guildUnavailable, .guildAvailable:
            let id = try fields.id("guild") ?? LoopbackOptions.defaultGuild
            return .guild(id, unavailable: name == .guildUnavailable)
        case .expireNonces: return .expireNonces
        case .expireSessions: return .expireSessions
        case .outage:
            let lasting = try fields.int("for_ms", 1...86_400_000).map { Duration.milliseconds($0) }
            return .outage(try fields.optionalChoice("kind", Outage.self) ?? .refuse, lasting: lasting)
        case .endOutage: return .endOutage
        case .revokeToken: return .revokeToken(try fields.text("token") ?? LoopbackOptions.defaultToken)
        case .restoreToken: return .restoreToken(try fields.text("token") ?? LoopbackOptions.defaultToken)
        case .dropConnections: return .dropConnections(reset: try fields.bool("reset") ?? true)
        case .clearFaults, .fault: return .clearFaults
        }
    }

    private static func readNewChannel(
        _ fields: inout LoopbackFields, _ id: Snowflake
    ) throws(LoopbackError) -> LoopbackAction {
        let number = try fields.int("type", 0...15) ?? 0
        guard let kind = LoopbackOptions.ChannelKind(rawValue: number) else {
            let known = LoopbackOptions.ChannelKind.allCases.map { String($0.rawValue) }.joined(separator: ", ")
            throw LoopbackError(.badScript, "action: \"type\" is \(number)", hint: "Known types: \(known).")
        }
        let seed = LoopbackOptions.ChannelSeed(
            id: id, name: try fields.text("name"), kind: kind, parent: try fields.id("parent"))
        return .createChannel(seed, guild: try fields.id("guild") ?? LoopbackOptions.defaultGuild)
    }
}
