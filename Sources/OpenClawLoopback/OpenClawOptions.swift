/// Everything that can be chosen before an ``OpenClawLoopbackServer`` starts.
public struct OpenClawOptions: Sendable {
    /// Which OpenClaw it is.
    public enum Generation: String, Sendable, CaseIterable {
        /// 2026.3.2: the sentinel is a file that is deleted before anything is said, and what is said is tried once.
        case march2026
        /// 2026.9.1: the sentinel is a row with a revision, and what is to be said and done outlives every restart.
        case newest

        /// The version that the gateway tells.
        public var version: String { self == .march2026 ? "2026.3.2" : "2026.9.1" }
        /// The number of the wire protocol.
        public var protocolNumber: Int { self == .march2026 ? 3 : 4 }
        /// The signal that restarts a gateway of this generation.
        var restartSignal: String { self == .march2026 ? "SIGUSR1" : "SIGUSR2" }
    }

    /// Which OpenClaw it is. Default the newest.
    public var generation = Generation.newest
    /// The port on 127.0.0.1; 0 (default) picks a free one, which is kept over all lives.
    public var port = 0
    /// Where `openclaw.json`, `restart-sentinel.json` and the stand-in's own state lie; made if it is not there.
    public var stateDirectory: String
    /// The gateway's token.
    public var token: String
    /// The base of Discord's REST, e.g. `http://127.0.0.1:4711/api/v10`; `nil` (default) for no Discord: every send fails.
    public var discordAPI: String?
    /// The bot's token at Discord.
    public var discordToken = ""
    /// How long after each life's start the Discord account is running and connected. `nil` for not before it is told so.
    public var discordReadyAfter: Duration? = .zero
    /// How long nobody listens between two lives. Default none.
    public var downTime: Duration = .zero
    /// The newest generation only: how long after the port is open `connect` and every method are refused with
    /// `startup-sidecars`. Default none.
    public var startingFor: Duration = .zero
    /// The Discord account's id. Default `default`.
    public var account = "default"
    /// How long an agent's turn takes. Default 100 ms.
    public var runLength: Duration = .milliseconds(100)
    /// How long after a life's start (after ``startingFor``) the sentinel is looked at. Default 750 ms.
    public var sentinelDelay: Duration = .milliseconds(750)
    /// The newest generation only: the time between two attempts at a notice. Default 1 s.
    public var noticeInterval: Duration = .seconds(1)
    /// The least time between two restarts that were asked for over the wire. Default 30 s.
    public var restartCooldown: Duration = .seconds(30)
    /// How long a client may take to authenticate; `nil` (default) for what the generation gives: 3 s or 15 s.
    public var handshakeTimeout: Duration?
    /// The time between two `tick` events; `nil` (default) for what the generation does: 30 s or 15 s.
    public var tickInterval: Duration?
    /// Faults from the start.
    public var faults: [OpenClawFault] = []
    /// Whether events are written to standard output, one JSON line each. Default no.
    public var writesEvents = false

    /// The defaults.
    ///
    /// - Parameters:
    ///   - stateDirectory: where the gateway's files lie.
    ///   - token: the gateway's token.
    public init(stateDirectory: String, token: String) {
        self.stateDirectory = stateDirectory
        self.token = token
    }

    var isSlowToStart: Bool { generation == .newest && startingFor > .zero }
    var tickMilliseconds: Int { (tickInterval ?? (generation == .march2026 ? .seconds(30) : .seconds(15))).milliseconds }
    var handshakeLimit: Duration { handshakeTimeout ?? (generation == .march2026 ? .seconds(3) : .seconds(15)) }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int { Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
