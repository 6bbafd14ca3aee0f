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

    /// Its name.
    public let id: JobID
    /// What people call it.
    public var name: String
    /// Its schedule as it was typed.
    public var schedule: String
    /// Whether it is due only once.
    public var isOneShot: Bool
    /// The session to wake.
    public var session: SessionKey
    /// Where to wake it; nil takes the session key's own route.
    public var route: Route?
    /// What the session is told.
    public var message: String
    /// What is owed each time.
    public var owes: Set<DeliveryKind>
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
    /// The wake that it joined last.
    public internal(set) var wake: WakeID?
    /// When it was added.
    public let createdAt: Moment

    /// Makes a job; see the properties.
    public init(
        id: JobID, name: String, schedule: String, isOneShot: Bool, session: SessionKey, route: Route? = nil, message: String,
        owes: Set<DeliveryKind>, grace: Duration = .seconds(3_600), missedPolicy: MissedPolicy = .report, nextDue: Int64? = nil,
        createdAt: Moment
    ) {
        self.id = id
        self.name = name
        self.schedule = schedule
        self.isOneShot = isOneShot
        self.session = session
        self.route = route
        self.message = message
        self.owes = owes
        self.grace = grace
        self.missedPolicy = missedPolicy
        self.nextDue = nextDue
        self.createdAt = createdAt
    }

    /// The sentinel of one of its times: the same time never makes two.
    func sentinel(due milliseconds: Int64) -> SentinelID {
        // FNV-1a, twice with different beginnings.
        var (high, low): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15)
        for byte in "\(id)@\(milliseconds)".utf8 {
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
        /// Its message was refused.
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
}
