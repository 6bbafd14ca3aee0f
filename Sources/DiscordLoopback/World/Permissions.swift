/// Discord's permission bits, as far as sending and reading needs them.
public struct LoopbackPermissions: OptionSet, Sendable, Hashable {
    /// The bits, as Discord numbers them.
    public let rawValue: UInt64

    /// Makes a set of bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Everything, overwrites notwithstanding.
    public static let administrator = Self(rawValue: 1 << 3)
    /// Change and delete channels.
    public static let manageChannels = Self(rawValue: 1 << 4)
    /// See the channel (and read what arrives in it).
    public static let viewChannel = Self(rawValue: 1 << 10)
    /// Send to channels other than threads.
    public static let sendMessages = Self(rawValue: 1 << 11)
    /// Send messages that are read aloud.
    public static let sendTTSMessages = Self(rawValue: 1 << 12)
    /// Delete other people's messages.
    public static let manageMessages = Self(rawValue: 1 << 13)
    /// Links become embeds.
    public static let embedLinks = Self(rawValue: 1 << 14)
    /// Attach files.
    public static let attachFiles = Self(rawValue: 1 << 15)
    /// Read messages sent earlier.
    public static let readMessageHistory = Self(rawValue: 1 << 16)
    /// Ping everyone and every role.
    public static let mentionEveryone = Self(rawValue: 1 << 17)
    /// Unarchive and write to locked threads.
    public static let manageThreads = Self(rawValue: 1 << 34)
    /// Send to threads.
    public static let sendMessagesInThreads = Self(rawValue: 1 << 38)

    /// What `@everyone` has in a fresh guild here.
    public static let usual: Self = [
        .viewChannel, .sendMessages, .embedLinks, .attachFiles, .readMessageHistory, .sendMessagesInThreads,
        Self(rawValue: 1 << 6), Self(rawValue: 1 << 18), Self(rawValue: 1 << 35), Self(rawValue: 1 << 36),
    ]

    /// The names that scripts may use, in the documentation's spelling.
    public static let names: [String: Self] = [
        "ADMINISTRATOR": .administrator, "MANAGE_CHANNELS": .manageChannels, "VIEW_CHANNEL": .viewChannel,
        "SEND_MESSAGES": .sendMessages, "SEND_TTS_MESSAGES": .sendTTSMessages, "MANAGE_MESSAGES": .manageMessages,
        "EMBED_LINKS": .embedLinks, "ATTACH_FILES": .attachFiles, "READ_MESSAGE_HISTORY": .readMessageHistory,
        "MENTION_EVERYONE": .mentionEveryone, "MANAGE_THREADS": .manageThreads,
        "SEND_MESSAGES_IN_THREADS": .sendMessagesInThreads,
    ]

    /// Every bit that is defined.
    static let all = Self(rawValue: (1 << 53) - 1)
}

/// A channel's change to the permissions of one role or one member.
struct PermissionOverwrite: Sendable, Equatable {
    var id: Snowflake
    var isMember: Bool
    var allow: LoopbackPermissions
    var deny: LoopbackPermissions

    var json: JSON {
        [
            "id": JSON(id: id), "type": isMember ? 1 : 0, "allow": JSON(id: allow.rawValue), "deny": JSON(id: deny.rawValue),
        ]
    }
}

extension LoopbackState {
    /// What a user may do in a channel, computed as the documentation's page Permissions says.
    func permissions(of user: Snowflake, in channel: Channel) -> LoopbackPermissions {
        guard let guildID = channel.guildID, let guild = guilds[guildID] else {
            return channel.recipientID == nil ? [] : .all.subtracting(.administrator)
        }
        guard guild.memberRoles[user] != nil else { return [] }
        let base = guildPermissions(of: user, in: guild)
        if base.contains(.administrator) { return .all }
        // Threads have no overwrites of their own: the parent's count.
        let overwrites = (channel.isThread ? channel.parentID.flatMap { channels[$0] } : channel)?.overwrites ?? []
        var result = base
        func apply(_ chosen: [PermissionOverwrite]) {
            result.subtract(chosen.reduce(into: []) { $0.formUnion($1.deny) })
            result.formUnion(chosen.reduce(into: []) { $0.formUnion($1.allow) })
        }
        let roles = guild.memberRoles[user] ?? []
        apply(overwrites.filter { !$0.isMember && $0.id == guildID })
        apply(overwrites.filter { !$0.isMember && roles.contains($0.id) })
        apply(overwrites.filter { $0.isMember && $0.id == user })
        return result.contains(.viewChannel) ? result : []
    }

    /// What a user may do in a guild before any channel has its say.
    func guildPermissions(of user: Snowflake, in guild: Guild) -> LoopbackPermissions {
        if guild.ownerID == user { return .all }
        let held = guild.memberRoles[user] ?? []
        let roles = guild.roles.filter { $0.id == guild.id || held.contains($0.id) }
        let result: LoopbackPermissions = roles.reduce(into: []) { $0.formUnion($1.permissions) }
        return result.contains(.administrator) ? .all : result
    }
}
