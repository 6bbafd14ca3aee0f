/// How long a pending run state may stand still: from its last progress, or from the last wake for it.
public struct Lease: Hashable, Sendable, Codable {
    /// The run state's file.
    public let path: String
    /// The operation in it.
    public let operation: String
    /// The session that works on it.
    public let session: SessionKey
    /// What the run state said of its progress when it was looked at last.
    public internal(set) var fingerprint: String
    /// From when it counts.
    public internal(set) var countedSince: Moment
    /// How often its session was woken for it since the last progress.
    public internal(set) var wakes = 0
    /// The boot in which it was looked at last.
    public internal(set) var boot: BootID
    /// Whether the operator was told that nothing goes on, and nothing more is done.
    public internal(set) var isGivenUp = false
    /// Whether it is still to be told how old the work is: the clock was not set when it was seen first.
    public internal(set) var awaitsClock = false

    init(_ work: WorkInHand, fingerprint: String, at now: Moment) {
        path = work.path
        operation = work.operation
        session = work.session
        self.fingerprint = fingerprint
        countedSince = now
        boot = now.boot
    }

    /// The work goes on, or somebody sees to it: all counts anew.
    mutating func renew(_ fingerprint: String? = nil, at now: Moment) {
        self.fingerprint = fingerprint ?? self.fingerprint
        countedSince = now
        wakes = 0
        isGivenUp = false
    }
}

extension Policy {
    /// When a run state that stands still has its session woken, and how often.
    public struct Leases: Hashable, Sendable {
        /// How long nothing may go on, since the last progress or the last wake; default 10 min.
        public var length: Duration = .seconds(600)
        /// How often a session is woken for it without any progress in between; default 5.
        public var maximumWakes = 5
        /// The longest wait between two of these wakes, each twice the one before; default 2 h.
        public var longest: Duration = .seconds(7_200)
        /// What stood still for longer than this before we first saw it is left alone; default 7 days.
        public var stale: Duration = .seconds(7 * 86_400)

        /// The defaults.
        public init() {}

        /// How long to wait after that many wakes.
        func wait(after wakes: Int) -> Duration { min(longest, length * (1 << min(wakes, 10))) }
    }

    /// When an agent is asked whether there is something to do.
    public struct Heartbeat: Hashable, Sendable {
        /// In which case.
        public enum Condition: String, Hashable, Sendable, CaseIterable {
            /// Only while a run state of the agent is pending and its lease has run out (default).
            case pendingRuns = "pending-runs"
            /// Whatever happens.
            case always
            /// Never.
            case never
        }

        /// How often.
        public var every: Duration
        /// What the agent is asked.
        public var prompt: String
        /// The session that is asked.
        public var session: SessionKey
        /// Where its answer is told; nil: where the session is.
        public var route: Route?
        /// In which case.
        public var condition: Condition
        /// Whether it is asked in these words alone, and told nothing else.
        public var isLight: Bool

        /// Makes one.
        public init(
            every: Duration, prompt: String = Heartbeat.standardPrompt, session: SessionKey, route: Route? = nil,
            condition: Condition = .pendingRuns, isLight: Bool = false
        ) {
            self.every = every
            self.prompt = prompt
            self.session = session
            self.route = route
            self.condition = condition
            self.isLight = isLight
        }

        /// What is asked where the configuration says nothing.
        public static let standardPrompt =
            "Look where your work stands, and go on with the next step. If nothing is to be done, answer HEARTBEAT_OK."
    }
}
