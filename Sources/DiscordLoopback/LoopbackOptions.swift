/// Everything that can be chosen before a ``DiscordLoopbackServer`` starts.
public struct LoopbackOptions: Sendable {
    /// The kinds of channel, by Discord's numbers.
    public enum ChannelKind: Int, Sendable, CaseIterable {
        /// A text channel of a guild.
        case text = 0
        /// A direct message.
        case direct = 1
        /// A group of channels.
        case category = 4
        /// An announcement channel.
        case news = 5
        /// A thread in an announcement channel.
        case newsThread = 10
        /// A thread that all may see.
        case publicThread = 11
        /// A thread for those invited.
        case privateThread = 12
        /// A channel that only holds threads.
        case forum = 15

        /// Whether channels of this kind hang below another one and can be archived.
        public var isThread: Bool { [.newsThread, .publicThread, .privateThread].contains(self) }
    }

    /// A channel that is there from the start.
    public struct ChannelSeed: Sendable {
        /// Its id.
        public var id: Snowflake
        /// Its name.
        public var name: String
        /// Its kind. Default text.
        public var kind: ChannelKind
        /// The channel above it: needed for threads.
        public var parent: Snowflake?

        /// Makes a seed; the name defaults to `channel-ID`.
        public init(id: Snowflake, name: String? = nil, kind: ChannelKind = .text, parent: Snowflake? = nil) {
            self.id = id
            self.name = name ?? "channel-\(id)"
            self.kind = kind
            self.parent = parent
        }
    }

    /// A guild that is there from the start; every bot is a member of it.
    public struct GuildSeed: Sendable {
        /// Its id.
        public var id: Snowflake
        /// Its name.
        public var name: String
        /// Its channels and threads.
        public var channels: [ChannelSeed]

        /// Makes a seed.
        public init(id: Snowflake, name: String = "Loopback", channels: [ChannelSeed]) {
            self.id = id
            self.name = name
            self.channels = channels
        }

        /// A guild with this many text channels, `firstChannel`, `firstChannel + 1` and so on.
        public static func numbered(
            _ count: Int, id: Snowflake = LoopbackOptions.defaultGuild, firstChannel: Snowflake = LoopbackOptions.defaultChannel
        ) -> GuildSeed {
            GuildSeed(id: id, channels: (0..<max(0, count)).map { ChannelSeed(id: firstChannel + Snowflake($0)) })
        }
    }

    /// Where the event log goes.
    public enum LogOutput: Sendable, Equatable {
        /// Nowhere but memory (see ``LoopbackLog``).
        case memory
        /// Standard output.
        case standardOutput
        /// A file, appended to.
        case file(String)
    }

    /// The guild of the default seed.
    public static let defaultGuild: Snowflake = 1_000_000_000_000_000_001
    /// The first channel of the default seed: `general`, a text channel.
    public static let defaultChannel: Snowflake = 1_000_000_000_000_000_100
    /// The thread of the default seed, below ``defaultChannel``.
    public static let defaultThread: Snowflake = 1_000_000_000_000_000_900
    /// The token of the default seed: shaped like a real one (bot id in base 64, time, secret), since libraries look.
    public static let defaultToken = "OTAwMDAwMDAwMDAwMDAxMDAw.loop.back"

    /// Address to listen on. Default `127.0.0.1`.
    public var host = "127.0.0.1"
    /// Port to listen on; 0 (default) picks a free one.
    public var port = 0
    /// A second port for `/_loopback` alone, which outages don't touch; `nil` (default) for none, 0 picks one.
    public var adminPort: Int?
    /// PEM files for TLS; `nil` (default) serves plain text.
    public var tls: (certificate: String, key: String)?
    /// The tokens that are accepted; each is a bot of its own, with the id that the token begins with (in base 64) if it does.
    /// Default one, ``defaultToken``.
    public var tokens = [LoopbackOptions.defaultToken]
    /// The guilds. Default one with a text channel, an announcement channel and a thread.
    public var guilds = [
        GuildSeed(
            id: LoopbackOptions.defaultGuild,
            channels: [
                ChannelSeed(id: LoopbackOptions.defaultChannel, name: "general"),
                ChannelSeed(id: LoopbackOptions.defaultChannel + 1, name: "news", kind: .news),
                ChannelSeed(
                    id: LoopbackOptions.defaultThread, name: "infra", kind: .publicThread, parent: LoopbackOptions.defaultChannel),
            ])
    ]
    /// READY and RESUMED come no earlier than this after the connection was made. Default 0.
    public var readyAfter: Duration = .zero
    /// The heartbeat interval that Hello names. Default 41.25 s.
    public var heartbeatInterval: Duration = .milliseconds(41_250)
    /// A client whose heartbeats stop for this many intervals is closed with 4009. Default 2.
    public var missedIntervals = 2.0
    /// How long `enforce_nonce` remembers a nonce. Default 180 s ("a few minutes").
    public var nonceWindow: Duration = .seconds(180)
    /// How long a session can be resumed after its connection was lost. Default 180 s.
    public var sessionTTL: Duration = .seconds(180)
    /// How long after op 7 the server closes by itself. Default 5 s.
    public var reconnectGrace: Duration = .seconds(5)
    /// Identifies per `session_start_limit` period. Default 1,000.
    public var sessionStartTotal = 1_000
    /// Identifies left at start; `nil` (default) for all of them.
    public var sessionStartRemaining: Int?
    /// How long a `session_start_limit` period lasts. Default 24 h.
    public var sessionStartReset: Duration = .seconds(86_400)
    /// Identifies allowed at once per 5 s. Default 1.
    public var maxConcurrency = 1
    /// The period of ``maxConcurrency``. Default 5 s; tests that identify often shorten it.
    public var identifyWindow: Duration = .seconds(LoopbackLimits.identifyWindowSeconds)
    /// Whether privileged intents are granted; if not, asking for one closes with 4014. Default true.
    public var grantsPrivilegedIntents = true
    /// Whether a missing or foreign User-Agent is refused with 40333. Default false.
    public var checksUserAgent = false
    /// Whether rate limits are enforced (headers are sent either way). Default true.
    public var enforcesRateLimits = true
    /// Requests and seconds per window of `POST /channels/{id}/messages`, per channel. Default 5 per 5 s.
    public var messageLimit = (requests: 5, seconds: 5)
    /// Requests per second over all routes. Default 50.
    public var globalLimit = LoopbackLimits.globalRequestsPerSecond
    /// Responses 401, 403 and 429 within 10 min that end in the HTML ban page. Default 10,000.
    public var invalidRequestLimit = LoopbackLimits.invalidRequests
    /// Faults from the start, e.g. from `--fault`.
    public var faults: [LoopbackFault] = []
    /// A script file: JSON with `faults` (as above) and `steps` (`{"at_ms":…,"action":…}`). Default none.
    public var scriptPath: String?
    /// The event log. Default memory.
    public var log: LogOutput = .memory

    /// The defaults.
    public init() {}
}
