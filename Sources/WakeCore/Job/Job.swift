/// Names a ``Job``.
public typealias JobID = Identifier

/// A message for a session, due once or again and again.
public struct Job: Hashable, Sendable, Codable {
    /// What becomes of a time that was missed by more than the grace.
    public enum MissedPolicy: String, Hashable, Sendable, Codable {
        /// It runs late, once.
        case run
        /// It does not run; the operator is told.
        case report
    }

    /// Whether people see in the channel that it runs.
    public enum Announcing: String, Hashable, Sendable, Codable {
        /// Only where nobody takes the session's turns, so that there is somebody who hears it.
        case ifNeeded
        /// Each time, besides the turn.
        case always
        /// Never: without a turn it does not run.
        case never
    }

    /// The most jobs at once.
    public static let maximum = 10_000
    /// The longest name, in bytes of UTF-8.
    public static let nameBytes = 200

    /// Its name.
    public let id: JobID
    /// What people call it.
    public var name: String
    /// Its schedule, which nobody here reads.
    public var schedule: String
    /// Whether it is due only once.
    public var isOneShot: Bool
    /// The session to wake; where each run has one of its own, what their keys begin with.
    public var session: SessionKey
    /// Whether each run has a session of its own, `…:run:TIME`.
    public var isIsolated: Bool
    /// Where to wake it; nil takes the session key's own route.
    public var route: Route?
    /// What the session is told.
    public var message: String
    /// Whether people see that it runs.
    public var announcing: Announcing
    /// Whether its turn is told the message and nothing else: no pending work, nothing that people wrote.
    public var isLight: Bool
    /// How late it may still run.
    public var grace: Duration
    /// What becomes of a time that was missed by more than that.
    public var missedPolicy: MissedPolicy
    /// Whether it is due at all; a one-shot job that had its time is not.
    public internal(set) var isEnabled = true
    /// When it is due next, in milliseconds since 1970-01-01 UTC; nil while that is not planned.
    public internal(set) var nextDue: Int64?
    /// The last time that was dealt with; no time up to it ever runs again.
    public internal(set) var lastDue: Int64?
    /// What the wall clock said when that was, in milliseconds since 1970-01-01 UTC.
    public internal(set) var dealtAt: Int64?
    /// How often the clock was found to have been far ahead: times of before that are no longer its times.
    public internal(set) var clockTurns = 0
    /// The wake that it joined last.
    public internal(set) var wake: WakeID?
    /// When it was added.
    public let createdAt: Moment

    /// Makes a job; see the properties.
    public init(
        id: JobID, name: String, schedule: String, isOneShot: Bool, session: SessionKey, isIsolated: Bool = false,
        route: Route? = nil, message: String, announcing: Announcing = .ifNeeded, isLight: Bool = false,
        grace: Duration = .seconds(3_600), missedPolicy: MissedPolicy = .report, nextDue: Int64? = nil,
        createdAt: Moment
    ) {
        self.id = id
        self.name = name
        self.schedule = schedule
        self.isOneShot = isOneShot
        self.session = session
        self.route = route
        self.message = message
        self.isIsolated = isIsolated
        self.announcing = announcing
        self.isLight = isLight
        self.grace = grace
        self.missedPolicy = missedPolicy
        self.nextDue = nextDue
        self.createdAt = createdAt
    }

    /// Plans it before it is added.
    ///
    /// - Parameter next: when it is due first, in milliseconds since 1970-01-01 UTC.
    public mutating func plan(_ next: Int64?) { nextDue = next }

    /// Everything that is wrong with it, in words; empty if it may be added.
    public var problems: [String] {
        var problems: [String] = []
        if name.isEmpty || name.utf8.count > Self.nameBytes || name.contains(where: \.isNewline) {
            problems.append("the name must be one line of 1 to \(Self.nameBytes) bytes")
        }
        if !message.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) { problems.append("the message is empty") }
        if message.utf8.count > Limits.noteBytes {
            problems.append(
                "the message is \(message.utf8.count) bytes long, at most \(Limits.noteBytes) are allowed; put the rest in a file"
            )
        }
        if route == nil, session.route == nil {
            problems.append("the session key '\(session)' names no place; say where with --to")
        }
        if grace < .zero || grace > .seconds(366 * 86_400) { problems.append("the grace must be from 0 to 366 days") }
        return problems
    }

    /// The session of the run that is due then.
    func session(due milliseconds: Int64) -> SessionKey {
        isIsolated ? (try? SessionKey("\(session):run:\(milliseconds)")) ?? session : session
    }

    /// The sentinel of one of its times: the same time never makes two.
    func sentinel(due milliseconds: Int64, tells what: String = "") -> SentinelID {
        // FNV-1a, twice with different beginnings.
        var (high, low): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15)
        for byte in "\(id)@\(milliseconds)#\(clockTurns)\(what)".utf8 {
            high = (high ^ UInt64(byte)) &* 0x100_0000_01B3
            low = (low ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return Identifier(high: high, low: low)
    }
}

/// What became of one time of a job.
public struct JobRun: Hashable, Sendable, Codable {
    /// What became of it.
    public enum Result: String, Hashable, Sendable, Codable {
        /// It woke its session, or the wake waits for its gate.
        case fired
        /// Its time was missed by more than its grace.
        case missed
        /// The wake of an earlier time was still held.
        case skipped
        /// Nobody could be told: its reason is in the log.
        case refused
    }

    /// The job.
    public let job: JobID
    /// When it was due, in milliseconds since 1970-01-01 UTC.
    public let due: Int64
    /// When that was dealt with, in milliseconds since 1970-01-01 UTC.
    public let at: Int64
    /// What became of it.
    public let result: Result
    /// The sentinel that it fired.
    public let sentinel: SentinelID?

    /// Makes one; see the properties.
    public init(job: JobID, due: Int64, at: Int64, result: Result, sentinel: SentinelID?) {
        self.job = job
        self.due = due
        self.at = at
        self.result = result
        self.sentinel = sentinel
    }
}
