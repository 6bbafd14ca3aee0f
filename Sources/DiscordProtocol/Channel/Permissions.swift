import WakeCore

/// What a member may do, as bits. Rule: Discord, topics/permissions.
public struct Permissions: OptionSet, Hashable, Sendable {
    /// The bits; those past 63 are not needed here.
    public let rawValue: UInt64

    /// Takes the bits as they are.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Everything.
    public static let administrator = Permissions(rawValue: 1 << 3)
    /// See a channel.
    public static let viewChannel = Permissions(rawValue: 1 << 10)
    /// Write in a channel.
    public static let sendMessages = Permissions(rawValue: 1 << 11)
    /// Attach files.
    public static let attachFiles = Permissions(rawValue: 1 << 15)
    /// Read what was written before.
    public static let readMessageHistory = Permissions(rawValue: 1 << 16)
    /// Unlock and unarchive threads.
    public static let manageThreads = Permissions(rawValue: 1 << 34)
    /// Write in a thread.
    public static let sendMessagesInThreads = Permissions(rawValue: 1 << 38)

    /// Reads a decimal string, as Discord writes permissions, or a number; `nil` for anything else.
    init?(json: JSONValue?) {
        switch json {
        case .string(let text):
            guard let bits = UInt64(text) else { return nil }
            self.init(rawValue: bits)
        case .integer(let bits) where bits >= 0: self.init(rawValue: UInt64(bits))
        default: return nil
        }
    }
}

/// A change of permissions for one role or member in one channel.
public struct PermissionOverwrite: Hashable, Sendable {
    /// The role or the user.
    public var id: Snowflake
    /// What is added.
    public var allow: Permissions
    /// What is taken.
    public var deny: Permissions

    init?(_ json: JSONValue) {
        guard let id = Snowflake(json: json["id"]), let allow = Permissions(json: json["allow"]),
            let deny = Permissions(json: json["deny"])
        else { return nil }
        (self.id, self.allow, self.deny) = (id, allow, deny)
    }
}

/// Our own standing in a guild: from its roles and our member object.
public struct GuildStanding: Hashable, Sendable {
    private let guild: Snowflake
    private let user: Snowflake
    private let ownRoles: Set<Snowflake>
    private let permissionsOfRole: [Snowflake: Permissions]

    /// Reads the answers to `GET /guilds/{id}/roles` and `GET /guilds/{id}/members/{us}`; `nil` if one is not what it should be.
    public init?(guild: Snowflake, user: Snowflake, roles: [UInt8], member: [UInt8]) {
        guard let roleList = (try? JSONValue.parse(roles, maximumDepth: 32))?.array,
            let memberJSON = try? JSONValue.parse(member, maximumDepth: 32), let own = memberJSON["roles"]?.array
        else { return nil }
        var permissions: [Snowflake: Permissions] = [:]
        for role in roleList {
            guard let id = Snowflake(json: role["id"]), let bits = Permissions(json: role["permissions"]) else { return nil }
            permissions[id] = bits
        }
        // Without the role of everybody nothing can be computed.
        guard permissions[guild] != nil else { return nil }
        self.guild = guild
        self.user = user
        self.ownRoles = Set(own.compactMap { Snowflake(json: $0) })
        self.permissionsOfRole = permissions
    }

    /// What we may do in a channel with these overwrites. Rule: Discord, topics/permissions, "Permission Overwrites".
    ///
    /// Ownership of the guild is not looked at: a bot can't own one that it did not make.
    public func permissions(with overwrites: [PermissionOverwrite]) -> Permissions {
        var granted = permissionsOfRole[guild] ?? []
        for role in ownRoles { granted.formUnion(permissionsOfRole[role] ?? []) }
        if granted.contains(.administrator) { return Permissions(rawValue: .max) }
        func apply(_ changes: [PermissionOverwrite]) {
            granted.subtract(changes.reduce(into: []) { $0.formUnion($1.deny) })
            granted.formUnion(changes.reduce(into: []) { $0.formUnion($1.allow) })
        }
        apply(overwrites.filter { $0.id == guild })
        apply(overwrites.filter { $0.id != guild && ownRoles.contains($0.id) })
        apply(overwrites.filter { $0.id == user })
        return granted
    }
}
