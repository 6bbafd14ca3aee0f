import ReveilleConfiguration
public import WakeCore

/// Which Discord messages a gateway lets through to its agents, judged from its configuration.
///
/// The gate drops in silence: no log line at the usual level, no word to the author. And it looks at inbound messages only: what
/// the bot sends is posted all the same, so that a bot behind a shut gate can write and never answers.
///
/// What an account sets replaces what stands above the accounts, key by key: its own `guilds`, even an empty one, hides all
/// others.
public struct DiscordGate: Sendable {
    /// Who may write on servers.
    public enum GroupPolicy: String, Hashable, Sendable {
        /// Everybody; servers and channels that are listed still narrow it.
        case open
        /// Only listed servers. This is the default.
        case allowlist
        /// Nobody.
        case disabled
    }

    /// Who may write direct messages.
    public enum DirectPolicy: String, Hashable, Sendable {
        /// Listed authors, and those whom an operator has paired. This is the default.
        case pairing
        /// Listed authors.
        case allowlist
        /// Everybody; takes an `allowFrom` with `"*"`.
        case open
        /// Nobody.
        case disabled
    }

    /// The account that is judged.
    public let account: String
    let version: GatewayVersion?
    private let root: JSONValue?
    private let own: JSONValue?
    private let ownKey: String
    private let shared: JSONValue?

    /// Takes a gateway's configuration.
    ///
    /// - Parameters:
    ///   - configuration: the whole of it, includes and variables resolved; see ``GatewayConfigFile``.
    ///   - account: the Discord account's id.
    ///   - version: the gateway's, where it is known; one version has a fault in its gate.
    public init(_ configuration: JSONValue, account: String = "default", version: GatewayVersion? = nil) {
        self.account = account
        self.version = version
        root = configuration["channels"]?["discord"]
        shared = configuration["channels"]?["defaults"]
        let accounts = root?["accounts"]?.object?.members ?? []
        let entry = accounts.last { $0.key == account } ?? accounts.last { $0.key.lowercased() == account.lowercased() }
        own = entry?.value
        ownKey = entry?.key ?? account
    }

    // MARK: What counts

    /// A value with the key that it was found at.
    struct Setting {
        let value: JSONValue
        let path: [String]
    }

    static let rootPath = ["channels", "discord"]
    var ownPath: [String] { Self.rootPath + ["accounts", ownKey] }

    /// What counts for this account: its own value, else the one above the accounts.
    func setting(_ key: String...) -> Setting? {
        for (base, path) in [(own, ownPath), (root, Self.rootPath)] {
            if let value = key.reduce(base, { $0?[$1] }), !value.isNull { return Setting(value: value, path: path + key) }
        }
        return nil
    }

    /// Whether the account, and Discord as a whole, are switched on.
    public var isEnabled: Bool { root?["enabled"]?.bool != false && own?["enabled"]?.bool != false }

    /// Who may write on servers. A word that is none of the policies counts as the default.
    public var groupPolicy: GroupPolicy {
        let word = setting("groupPolicy")?.value.word ?? shared?["groupPolicy"]?.word
        return word.flatMap(GroupPolicy.init(rawValue:)) ?? .allowlist
    }

    /// Who may write direct messages; older configurations say it in `dm.policy`.
    public var directPolicy: DirectPolicy {
        let word = (setting("dmPolicy") ?? setting("dm", "policy"))?.value.word
        return word.flatMap(DirectPolicy.init(rawValue:)) ?? .pairing
    }

    /// The servers that count for this account, by id or name; nil if none are named anywhere.
    public var guilds: JSONObject? { setting("guilds")?.value.object }

    /// Whether the account's own `guilds` hide those that stand above the accounts.
    public var hidesGuilds: Bool {
        own?["guilds"].map { !$0.isNull } == true && root?["guilds"]?.object?.members.isEmpty == false
    }

    /// The servers above the accounts, where the account's own hide them.
    var hiddenGuilds: JSONObject? { hidesGuilds ? root?["guilds"]?.object : nil }

    static func shown(_ path: [String]) -> String { ConfigurationPath(path).description }

    // MARK: Judgement

    /// Whether the agent gets a message.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - paired: the authors whom an operator has paired; the gateway keeps them outside of its configuration.
    /// - Returns: admitted, or why not and what to change.
    public func admits(_ message: DiscordInbound, paired: Set<String> = []) -> DiscordAdmission {
        guard let place = message.place else { return admission(off ?? dropOfDirect(from: message.author, paired: paired)) }
        if let drop = wouldDrop(place) { return .dropped(drop) }
        return admission(dropOfAuthor(message, at: place) ?? dropWithoutMention(message, at: place))
    }

    /// Why messages at a place are dropped, whoever writes them; nil if some are admitted.
    ///
    /// Mentions are left out of it: that an unmentioned bot is silent is what people expect.
    public func wouldDrop(_ place: DiscordInbound.Place) -> DiscordDrop? {
        off ?? dropOfGuild(at: place) ?? dropOfChannel(at: place)
    }

    private func admission(_ drop: DiscordDrop?) -> DiscordAdmission { drop.map { .dropped($0) } ?? .admitted }

    private var off: DiscordDrop? {
        guard !isEnabled else { return nil }
        let path = root?["enabled"]?.bool == false ? Self.rootPath : ownPath
        return DiscordDrop(
            .accountOff, "the Discord account '\(account)' is switched off", path: path + ["enabled"], fix: "Set it to true.")
    }
}
