/// A person or a bot.
struct User: Sendable {
    var id: Snowflake
    var name: String
    var isBot: Bool

    var json: JSON {
        [
            "id": JSON(id: id), "username": .string(name), "discriminator": isBot ? "0001" : "0", "global_name": nil,
            "avatar": nil, "bot": .bool(isBot), "public_flags": 0,
        ]
    }
}

/// An account that logs in with a token.
struct Bot: Sendable {
    var user: User
    var token: String
    var applicationID: Snowflake
    var revoked = false
}

struct Role: Sendable {
    var id: Snowflake
    var name: String
    var permissions: LoopbackPermissions
    var position: Int

    var json: JSON {
        [
            "id": JSON(id: id), "name": .string(name), "description": nil, "color": 0,
            "colors": ["primary_color": 0, "secondary_color": nil, "tertiary_color": nil], "hoist": false, "icon": nil,
            "unicode_emoji": nil, "position": JSON(position), "permissions": JSON(id: permissions.rawValue), "managed": false,
            "mentionable": false, "flags": 0,
        ]
    }
}

struct Guild: Sendable {
    var id: Snowflake
    var name: String
    var ownerID: Snowflake
    var roles: [Role]
    /// The roles of each member, without `@everyone`, which all have.
    var memberRoles: [Snowflake: [Snowflake]]
    var unavailable = false
}

struct ThreadState: Sendable {
    var ownerID: Snowflake
    var archived = false
    var locked = false
    var changedAt: String
    var messageCount = 0
}

struct Channel: Sendable {
    var id: Snowflake
    var kind: LoopbackOptions.ChannelKind
    var name: String
    var guildID: Snowflake?
    var parentID: Snowflake?
    var position = 0
    var overwrites: [PermissionOverwrite] = []
    /// The person at the other end of a direct message, and the bot at this one.
    var recipientID: Snowflake?
    var botID: Snowflake?
    var thread: ThreadState?
    var lastMessageID: Snowflake?
    /// Slow mode, in seconds; 0 for none.
    var slowmodeSeconds = 0

    var isThread: Bool { thread != nil }
    var isDirect: Bool { recipientID != nil }
}

struct Attachment: Sendable {
    var id: Snowflake
    var filename: String
    var contentType: String
    var bytes: [UInt8]
}

struct Message: Sendable {
    var id: Snowflake
    var channelID: Snowflake
    var authorID: Snowflake
    var content: String
    var nonce: JSON?
    var timestamp: String
    var tts = false
    var flags = 0
    var embeds: JSON = []
    var components: JSON = []
    var attachments: [Attachment] = []
    var mentions = Mentions()
    var reference: JSON?

    /// Replies are type 19, all else that can be sent here is type 0.
    var type: Int { reference == nil ? 0 : 19 }
}

/// Whom a message pings.
struct Mentions: Sendable, Equatable {
    var users: [Snowflake] = []
    var roles: [Snowflake] = []
    var everyone = false
}
