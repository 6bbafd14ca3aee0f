public import WakeCore

/// One gateway that Reveille stands beside: the target `gateway:NAME`, and the channels `gateway:NAME/…`.
public struct GatewaySettings: Sendable {
    /// What becomes of restarts that the gateway was asked for itself.
    public enum Adoption: String, Sendable, CaseIterable {
        /// Nothing: they are not looked at.
        case off
        /// The session is woken where the gateway's own ping did not arrive.
        case net
        /// The session is woken in place of the gateway's own ping.
        case own
    }

    /// How we prove who we are.
    public enum Identity: String, Sendable, CaseIterable {
        /// As a program on the gateway's own machine, with its token.
        case backend
        /// With a key of our own, which the gateway pairs; and its token, where there is one.
        case device
    }

    /// Which sessions are woken after a restart that nobody announced, if they were in the middle of a turn.
    public struct Resume: Sendable {
        /// Whether any is.
        public let isOn: Bool
        /// Patterns of session keys; nil: all.
        public let sessions: [String]?
        /// How long the gateway may have been away; default 30 min.
        public let within: Duration
        /// How often a session is woken so within an hour; default 3.
        public let limit: Int

        /// Whether a session may be woken so at all.
        public func covers(_ session: SessionKey) -> Bool {
            isOn && (sessions.map { $0.contains { SessionPattern($0).matches(session.description) } } ?? true)
        }
    }

    /// The name: 1 to 32 of `a-z 0-9 - _`.
    public let name: String
    /// Where it listens; default `ws://127.0.0.1:18789`.
    public let address: ServiceAddress
    /// Its state directory, as an absolute path; nil where no home is known.
    public let stateDirectory: String?
    /// Its own configuration; nil where no home is known.
    public let configFile: String?
    /// Whether its token may be read from its own configuration.
    public let mayReadItsToken: Bool
    /// Where its token is, if one of ours to read; nil if none is configured. ``GatewayToken`` reads it.
    public let tokenLocation: TokenLocation?
    /// How we prove who we are.
    public let identity: Identity
    /// A PEM file with a certificate to trust; nil: those that the system trusts.
    public let certificateFile: String?
    /// Whether the bot token in its configuration may be used for reads over REST.
    public let mayReadItsBotToken: Bool
    /// A file with the bot token for the same; nil: none.
    public let botTokenFile: String?
    /// The REST address for those reads.
    public let discordAPIBase: ServiceAddress
    /// The unit that it runs as.
    public let unit: String
    /// What becomes of restarts that it was asked for itself.
    public let adoption: Adoption
    /// What becomes of turns that were cut off by restarts that nobody announced.
    public let resume: Resume
    /// How many missed messages are handed over with a turn; 0: none.
    public let missedMessages: Int
    /// How old they may be.
    public let missedWithin: Duration

    /// The target that it is.
    public var target: RestartTarget { .gateway(name) }

    init?(_ name: String, _ values: SettingValues) {
        let key = { (last: String) in "gateways.\(name).\(last)" }
        guard let address = try? ServiceAddress(parsing: values.text(key("address")), schemes: ["wss", "ws"]),
            let discord = try? ServiceAddress(parsing: values.text(key("discordApiBase")), schemes: ["https", "http"])
        else { return nil }
        self.name = name
        self.address = address
        discordAPIBase = discord
        stateDirectory = values.optionalText(key("stateDirectory"))
        configFile = values.optionalText(key("configFile"))
        mayReadItsToken = values.text(key("tokenFrom")) == "gateway"
        tokenLocation =
            values.optionalText(key("tokenEnvironment")).map { .environment($0) }
            ?? values.optionalText(key("tokenFile")).map { .file($0) }
        identity = values.word(key("identity"))
        certificateFile = values.optionalText(key("certificateFile"))
        mayReadItsBotToken = values.text(key("discordTokenFrom")) == "gateway"
        botTokenFile = values.optionalText(key("discordTokenFile"))
        unit = values.text(key("unit"))
        adoption = values.word(key("adopt"))
        let sessions = values.optionalTexts(key("resumeSessions"))
        resume = Resume(
            isOn: values.text(key("resume")) == "on", sessions: sessions.isEmpty ? nil : sessions,
            within: values.duration(key("resumeWithin")), limit: values.integer(key("resumeLimit")))
        missedMessages = values.integer(key("missedMessages"))
        missedWithin = values.duration(key("missedWithin"))
    }
}

extension ResolvedSettings {
    /// The gateways by name.
    var gateways: [String: GatewaySettings] {
        let names = Set(settings.filter { $0.path.components.first == "gateways" }.map { $0.path.components[1] })
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in GatewaySettings(name, values).map { (name, $0) } })
    }
}
