/// How a simulated life is led.
public struct SimulationOptions: Sendable {
    /// How many things go wrong or are asked for before the faults stop.
    public var chaosSteps = 120
    /// How many restarts are asked for at most.
    public var requests = 14
    /// Whether the history is kept for reading.
    public var keepsHistory = false
    /// The negative control: a disk that says "done" before it is.
    public var syncsEachCommit = true

    /// The defaults.
    public init() {}
}

/// The deterministic world: one seed drives the clock, the disk, Discord, the targets, the people and the crashes, around the real
/// coordinator and the real directive runner. First anything may go wrong (the safety phase), then nothing does (the liveness phase)
/// and everything must come to an end. The checkers watch all the while and share no code with what they check.
public struct Simulation {
    /// The seed: the same one gives the same history, to the letter.
    public let seed: UInt64
    private let options: SimulationOptions

    /// Prepares a run.
    public init(seed: UInt64, options: SimulationOptions = SimulationOptions()) {
        self.seed = seed
        self.options = options
    }

    /// Runs to the end, or to the first violation.
    public func run() -> SimulationResult {
        let world = World(seed: seed, options: options)
        world.run()
        return SimulationResult(
            seed: seed, violation: world.checkers.violation, statistics: world.statistics, history: world.history.lines)
    }
}

/// What came of one run.
public struct SimulationResult: Sendable {
    /// The seed.
    public let seed: UInt64
    /// What was broken first; nil where every promise was kept.
    public let violation: Violation?
    /// What happened, in numbers.
    public let statistics: SimulationStatistics
    /// What happened, in words; empty unless asked for.
    public let history: [String]
}

/// A broken promise.
public struct Violation: Sendable, CustomStringConvertible {
    /// Which checker saw it.
    public let checker: Checker
    /// What it saw.
    public let message: String
    /// When, in microseconds since the world began.
    public let atMicroseconds: Int64

    /// For people.
    public var description: String { "\(checker.rawValue): \(message)" }
}

/// The checkers by name; docs/TESTING.md says what each watches.
public enum Checker: String, Sendable, CaseIterable {
    /// An acknowledged request has no end, or no visible notice though nothing excuses it.
    case lost
    /// Two messages of one wake, other than a marked repeat that the policy allows.
    case visibleTwice = "visible-twice"
    /// A turn ran twice under prefer-once.
    case turnTwice = "turn-twice"
    /// Something was sent while the channel or the route was not reported ready.
    case early
    /// A wake was owed before its target had restarted.
    case beforeRestart = "before-restart"
    /// An older wake of the session was overtaken.
    case order
    /// A note that joined a wake is not in its message.
    case noteMissing = "note-missing"
    /// A note was sent in two wakes.
    case noteTwice = "note-twice"
    /// Waiting cost an attempt.
    case chargedWhileHeld = "charged-while-held"
    /// A note was presented as a success after its sentinel's lifetime.
    case stale
    /// A restart was carried out twice.
    case restartTwice = "restart-twice"
    /// A restart was carried out too soon, too late, or after the target had restarted by itself.
    case restartUntimely = "restart-untimely"
    /// A restart was begun before its mark was durable.
    case restartUnmarked = "restart-unmarked"
    /// Something was sent before its attempt was durable.
    case sendUnrecorded = "send-unrecorded"
    /// Something was sent again while an earlier request was under way.
    case sendOverlap = "send-overlap"
    /// Something was sent again although nobody had looked what became of the last attempt.
    case unreconciled
    /// Something ended in a state that nothing in the world excuses.
    case unexcusedEnd = "unexcused-end"
    /// A receipt for something that did not arrive.
    case falseReceipt = "false-receipt"
    /// A wait was shorter than asked for, or longer than the bound, or its counter fell.
    case backoff
    /// A channel that refuses everything was tried by several at once, or without a pause.
    case crowd
    /// The budget was charged with the gate shut.
    case budget
    /// Memory and ledger differ.
    case memory
    /// A decision was not told.
    case silent
    /// The daemon does not come to rest.
    case restless
    /// A nonce, trailer or text changed between attempts, or is too long.
    case sendChanged = "send-changed"
    /// A notice with its gate shut for long was not told, or not sent over the fallback.
    case escalation
    /// A watcher was told twice of the same epoch.
    case observedTwice = "observed-twice"
    /// A session that its own restarts keep waking was not stopped.
    case loop
    /// Two turns of one session ran at once, or more of an agent than may.
    case turnOverlap = "turn-overlap"
    /// A turn has no result, or another than it had; or what was kept of it went before its result was durable.
    case turnLost = "turn-lost"
    /// A session was woken for work that went on, or without end.
    case nagged
    /// Work stood still, and nobody was woken for it or told.
    case stalled
    /// A time of a job was run twice, or too early, or was called missed within its grace.
    case jobUntimely = "job-untimely"
    /// A job is gone or stands still, or one of its times came to nothing.
    case jobLost = "job-lost"
}

/// Counters of a run; they add up.
public struct SimulationStatistics: Sendable {
    /// Worlds.
    public var seeds = 0
    /// Starts of the daemon.
    public var restarts = 0
    /// Boots of the machine.
    public var boots = 0
    /// Points at which the daemon could have been cut off: commits and directives carried out.
    public var crashPoints = 0
    /// Points at which it was.
    public var crashes = 0
    /// Events handled.
    public var events = 0
    /// Requests acknowledged.
    public var requests = 0
    /// Wakes that were owed.
    public var wakes = 0
    /// Sends.
    public var sends = 0
    /// Messages visible.
    public var messages = 0
    /// Turns that ran as commands.
    public var turns = 0
    /// Times of jobs that were run.
    public var jobs = 0

    /// Zeroes.
    public init() {}

    /// Adds another run's.
    public static func += (left: inout SimulationStatistics, right: SimulationStatistics) {
        left.seeds += right.seeds
        left.restarts += right.restarts
        left.boots += right.boots
        left.crashPoints += right.crashPoints
        left.crashes += right.crashes
        left.events += right.events
        left.requests += right.requests
        left.wakes += right.wakes
        left.sends += right.sends
        left.messages += right.messages
        left.turns += right.turns
        left.jobs += right.jobs
    }
}
