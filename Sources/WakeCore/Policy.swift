/// What an operator may choose: every duration and choice of the three machines. Those that an operator would change are
/// keys of the configuration (docs/CONFIGURATION.md); the others are fixed.
public struct Policy: Hashable, Sendable {
    /// What to do when a send's result is unclear and the far side can't be asked.
    public enum UnclearResult: String, Hashable, Sendable, Codable {
        /// Send again, once, saying that it may be a repeat (default for notices).
        case preferDelivery = "prefer-delivery"
        /// Hold as unresolved and tell the operator (default for turns).
        case preferOnce = "prefer-once"
    }

    /// A session that is told of every restart of a target.
    public struct Watch: Hashable, Sendable {
        /// The session.
        public var session: SessionKey
        /// Where it is woken.
        public var route: Route
        /// What it is told.
        public var note: String
        /// What is owed: a notice, a turn, or both.
        public var owes: Set<DeliveryKind>

        /// Makes a watch.
        public init(session: SessionKey, route: Route, note: String = Watch.standardNote, owes: Set<DeliveryKind> = [.notice]) {
            self.session = session
            self.route = route
            self.note = note
            self.owes = owes
        }

        /// What is told where the configuration names no note.
        public static let standardNote = "Nobody announced this restart. Look where your work stood, and go on."
    }

    /// How late a scheduled restart may still be carried out; default 5 min.
    public var restartMaxLate: Duration = .seconds(300)
    /// How long a target must have been up before its new epoch counts; default 5 s.
    public var targetSettle: Duration = .seconds(5)
    /// How long an unfired sentinel lives after its delay when we perform the restart; default 10 min.
    public var sentinelLifetimeOwn: Duration = .seconds(600)
    /// The same when someone else performs it; default 24 h.
    public var sentinelLifetimeObserved: Duration = .seconds(86_400)
    /// How long a wake is held before it expires; default 7 days.
    public var wakeHold: Duration = .seconds(7 * 86_400)
    /// How deliveries back off.
    public var backoff = Backoff()
    /// How long a delivery is tried with its gate open; default 24 h.
    public var deliveryBudget: Duration = .seconds(86_400)
    /// How long the far side surely remembers a nonce; default 120 s.
    public var nonceWindow: Duration = .seconds(120)
    /// How long a request may be under way at most, so that its answer can still come; default 20 s.
    public var attemptTimeout: Duration = .seconds(20)
    /// For notices; default prefer-delivery.
    public var unclearNotice = UnclearResult.preferDelivery
    /// For turns; default prefer-once.
    public var unclearTurn = UnclearResult.preferOnce
    /// How long a gate may be shut before it is said everywhere; default 10 min.
    public var escalateAfter: Duration = .seconds(600)
    /// Where a notice goes when its own gate stays shut that long; default nowhere (it is held).
    public var fallbackRoute: Route?
    /// How often a blocked route is looked at again; default 5 min.
    public var routeRecheck: Duration = .seconds(300)
    /// Who is told of restarts that nobody announced, by target; default nobody.
    public var watches: [RestartTarget: [Watch]] = [:]
    /// How old a look at a route may be that was made while its channel connected, to count once the channel is ready; 30 s. Longer
    /// than a connection takes to open, and still far younger than what a look within a generation may grow to.
    public var lookFreshness: Duration = .seconds(30)
    /// How long such a look may have been under way when its channel becomes ready, to be waited for instead of asked anew; 2 s.
    public var lookPatience: Duration = .seconds(2)
    /// How many routes of a channel are looked at while it connects; 10. Each look is up to four requests, and 50 pass in a second.
    public var looksAhead = 10
    /// The agents that are commands of ours, by id, and how many turns of each may run at once; default none.
    public var commandAgents: [String: Int] = [:]
    /// When work that stands still has its session woken.
    public var leases = Leases()
    /// When an agent is asked without any cause, by its id; default never.
    public var heartbeats: [String: Heartbeat] = [:]
    /// What is said, where it is not the standard text.
    public var texts = Texts()
    /// A session that its own restarts woke this often within ``loopWindow`` gets no further turn without the operator; default 3.
    public var loopWakes = 3
    /// See ``loopWakes``; default 10 min.
    public var loopWindow: Duration = .seconds(600)

    /// The defaults.
    public init() {}

    /// The choice for one kind of delivery.
    public func unclearResult(for kind: DeliveryKind) -> UnclearResult { kind == .notice ? unclearNotice : unclearTurn }
}
