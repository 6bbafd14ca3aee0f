public import WakeCore

/// The configuration, read and found good: every value typed, in range, and with the place that it comes from.
///
/// Holds no token: ``DiscordToken`` reads it when the transport needs it.
public struct Configuration: Sendable {
    /// The ledger.
    public struct Ledger: Sendable {
        /// Where it lives, as an absolute path.
        public let directory: String
        /// How long ended wakes are kept; default 30 days.
        public let retention: Duration
    }

    /// Restarts and what tells of them.
    public struct Restarts: Sendable {
        /// From request to restart where the request names no delay; default 2 s, at most 10 min.
        public let defaultDelay: Duration
        /// How late a scheduled restart may be; default 5 min.
        public let maxLate: Duration
        /// From one restart of the daemon by a change of its configuration to the next; default 30 s.
        public let cooldown: Duration
        /// How long a reboot of ours waits for running turns; default 60 s.
        public let drain: Duration
        /// How many starts without a clean stop before them are a loop; default 3.
        public let loopStarts: Int
        /// The time in which they are counted; default 5 min.
        public let loopWithin: Duration
        /// How long a target must have been up; default 5 s.
        public let settle: Duration
        /// How long an unfired sentinel of our own restart lives past its delay; default 10 min.
        public let sentinelLifetimeOwn: Duration
        /// The same for others' restarts; default 24 h.
        public let sentinelLifetimeObserved: Duration
    }

    /// Deliveries: waiting, trying, giving up.
    public struct Deliveries: Sendable {
        /// How long a wake is held for its channel; default 7 days.
        public let holdFor: Duration
        /// The bound of the first wait; default 250 ms.
        public let backoffBase: Duration
        /// How the bound grows; default 2.
        public let backoffFactor: Double
        /// The bound of all waits; default 60 s.
        public let backoffCap: Duration
        /// How long a delivery is tried with its gate open; default 24 h.
        public let budget: Duration
        /// For notices; default ``WakeCore/Policy/UnclearResult/preferDelivery``.
        public let noticePolicy: Policy.UnclearResult
        /// For turns; default ``WakeCore/Policy/UnclearResult/preferOnce``.
        public let turnPolicy: Policy.UnclearResult
        /// How long a repeated nonce is trusted; default 120 s.
        public let nonceWindow: Duration
        /// How long a gate may stay shut before it is said everywhere; default 10 min.
        public let escalateAfter: Duration
        /// Where a notice goes then; nil holds it.
        public let gateFallback: Route?
        /// How many wakes by its own restarts a session gets within ``loopWithin``; default 3.
        public let loopWakes: Int
        /// The time in which they are counted; default 10 min.
        public let loopWithin: Duration
    }

    /// Log lines.
    public struct Log: Sendable {
        /// The form of a log line.
        public enum Format: String, Sendable, CaseIterable {
            /// Text on a terminal, JSON elsewhere.
            case auto
            /// For people.
            case text
            /// One JSON object a line.
            case json
        }

        /// The least level written, by the name that swift-log gives it; default `info`.
        public let level: String
        /// The form of a line; default ``Format/auto``.
        public let format: Format
    }

    /// Who is told of a target's restarts that nobody announced.
    public struct Watch: Sendable {
        /// The target.
        public let target: RestartTarget
        /// The sessions.
        public let sessions: [SessionKey]
        /// What they are told; nil takes the standard.
        public let note: String?
    }

    /// Who may report on a channel.
    public struct ReportedChannel: Sendable {
        /// The channel.
        public let channel: ChannelName
        /// Users, by number.
        public let uids: Set<UInt32>
        /// Units, by name.
        public let units: Set<String>
    }

    /// The ledger.
    public let ledger: Ledger
    /// Restarts.
    public let restarts: Restarts
    /// Deliveries.
    public let deliveries: Deliveries
    /// Log lines.
    public let log: Log
    /// Our Discord accounts by name: those that are configured, and `default` if there is a token for it
    /// or no other account.
    public let discordAccounts: [String: DiscordAccount]
    /// Watched targets.
    public let watches: [Watch]
    /// Channels that others report on.
    public let reportedChannels: [ReportedChannel]
    /// How long a channel may be down before its unit is stopped; default 60 s.
    public let channelDownGrace: Duration
    /// Where the notify socket is opened if none is handed in; nil: nowhere.
    public let notifySocket: String?
    /// The channels without which the daemon is not ready; default none.
    public let readyWhen: [ChannelName]
    /// The gateways that Reveille stands beside, by name.
    public let gateways: [String: GatewaySettings]
    /// The agents that have settings, by id.
    public let agents: [String: AgentSettings]
    /// Run states, their leases, and what is said.
    public let work: Work
    /// What runs before a restart, and after a wake.
    public let hooks: Hooks
    /// The control plane.
    public let control: Control
    /// Where a wake goes whose session names no place of its own; nil: nowhere.
    public let fallbackRoute: Route?
    /// Which routes are set for which sessions, the most specific pattern first.
    public let sessionRoutes: [(pattern: SessionPattern, route: Route)]
    /// Every key with its value and origin, in the order of the documentation: what `config show` prints.
    public let settings: [ConfigurationSetting]
    /// The files that were looked for, in the order in which they count, and whether each was there.
    public let files: [(path: String, wasRead: Bool)]
    /// What is amiss and did not keep the configuration from being read: accepted patches that can't be used. For the log.
    public let warnings: [String]

    /// The route that the configuration sets for a session; nil if it sets none.
    public func route(forSession sessionKey: String) -> Route? {
        sessionRoutes.first { $0.pattern.matches(sessionKey) }?.route
    }

    /// Where a session is woken: as the configuration says, else as its key says, through the gateway that restarts or holds the bot's
    /// session.
    ///
    /// - Parameters:
    ///   - session: the session.
    ///   - gateway: the gateway that it belongs to, where that is known.
    /// - Returns: the place; nil where nobody knows one.
    public func place(of session: SessionKey, at gateway: String? = nil) -> Route? {
        if let route = route(forSession: session.description) { return route }
        guard let route = session.route else { return fallbackRoute }
        let only = discordAccounts.isEmpty && gateways.count == 1 ? gateways.keys.first : nil
        guard let gateway = gateway ?? only, gateways[gateway] != nil else { return route }
        return route.through(gateway: gateway)
    }

    /// Whether somebody starts turns of the session: the gateway, or a command of ours.
    public func takesTurns(_ session: SessionKey, over route: Route) -> Bool {
        route.channel.gateway != nil || session.agent.map { agents[$0]?.run.isEmpty == false } ?? false
    }

    /// The part of it that the machines of WakeCore follow.
    public var policy: Policy {
        var policy = Policy()
        policy.restartMaxLate = restarts.maxLate
        policy.targetSettle = restarts.settle
        policy.sentinelLifetimeOwn = restarts.sentinelLifetimeOwn
        policy.sentinelLifetimeObserved = restarts.sentinelLifetimeObserved
        policy.wakeHold = deliveries.holdFor
        policy.backoff.base = deliveries.backoffBase
        policy.backoff.factor = deliveries.backoffFactor
        policy.backoff.cap = deliveries.backoffCap
        policy.deliveryBudget = deliveries.budget
        policy.nonceWindow = deliveries.nonceWindow
        policy.unclearNotice = deliveries.noticePolicy
        policy.unclearTurn = deliveries.turnPolicy
        policy.escalateAfter = deliveries.escalateAfter
        policy.fallbackRoute = deliveries.gateFallback
        policy.loopWakes = deliveries.loopWakes
        policy.loopWindow = deliveries.loopWithin
        policy.leases = work.leases
        policy.texts = work.texts
        for agent in agents.values {
            if !agent.run.isEmpty { policy.commandAgents[agent.id] = agent.concurrency }
            policy.heartbeats[agent.id] = agent.heartbeat
        }
        for watch in watches {
            policy.watches[watch.target] = watch.sessions.compactMap { session in
                place(of: session, at: watch.target.gateway).map {
                    Policy.Watch(
                        session: session, route: $0, note: watch.note ?? Policy.Watch.standardNote,
                        owes: takesTurns(session, over: $0) ? [.notice, .turn] : [.notice])
                }
            }
        }
        return policy
    }

    init(_ resolved: ResolvedSettings, files: [(path: String, wasRead: Bool)], warnings: [String] = []) {
        let values = resolved.values
        ledger = Ledger(directory: values.text("ledger.directory"), retention: values.duration("ledger.retention"))
        restarts = Restarts(
            defaultDelay: values.duration("restart.defaultDelay"), maxLate: values.duration("restart.maxLate"),
            cooldown: values.duration("restart.cooldown"), drain: values.duration("restart.drain"),
            loopStarts: values.integer("restart.loopStarts"),
            loopWithin: values.duration("restart.loopWithin"), settle: values.duration("target.settle"),
            sentinelLifetimeOwn: values.duration("sentinel.lifetimeOwn"),
            sentinelLifetimeObserved: values.duration("sentinel.lifetimeObserved"))
        deliveries = Deliveries(
            holdFor: values.duration("wake.holdFor"), backoffBase: values.duration("delivery.backoffBase"),
            backoffFactor: values.number("delivery.backoffFactor"), backoffCap: values.duration("delivery.backoffCap"),
            budget: values.duration("delivery.budget"), noticePolicy: values.word("delivery.noticePolicy"),
            turnPolicy: values.word("delivery.turnPolicy"), nonceWindow: values.duration("delivery.nonceWindow"),
            escalateAfter: values.duration("gate.escalateAfter"),
            gateFallback: values.optionalText("gate.fallback").flatMap { Route($0) },
            loopWakes: values.integer("loopGuard.wakes"), loopWithin: values.duration("loopGuard.within"))
        log = Log(level: values.text("log.level"), format: values.word("log.format"))
        discordAccounts = resolved.accounts
        channelDownGrace = values.duration("channels.downGrace")
        notifySocket = values.optionalText("notify.socket")
        readyWhen = values.optionalTexts("daemon.readyWhen").compactMap { ChannelName($0) }
        watches = resolved.watches
        reportedChannels = resolved.reportedChannels
        gateways = resolved.gateways
        agents = resolved.agents
        work = Work(values)
        hooks = Hooks(values)
        control = Control(resolved)
        fallbackRoute = values.optionalText("routes.fallback").flatMap { Route($0) }
        sessionRoutes = resolved.sessionRoutes
        settings = resolved.settings
        self.files = files
        self.warnings = warnings
    }
}
