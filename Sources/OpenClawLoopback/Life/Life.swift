/// What a gateway process knows by heart, and forgets when it ends.
struct Life {
    typealias Job = @Sendable (Gateway) async -> Void

    /// An answer that was given under an idempotency key, or who waits for it.
    enum Remembered {
        case pending([Call])
        case answered(Result<JSON, Refusal>)
    }

    struct PendingRestart {
        let reason: String
        let due: ContinuousClock.Instant
    }

    /// Counts from 1, over all processes of the state directory.
    let number: Int
    let start: ContinuousClock.Instant
    private let jobs: AsyncStream<Job>.Continuation?
    private(set) var isOn: Bool

    /// False while connections and methods are refused with `startup-sidecars`.
    var hasStarted = false
    var isDiscordReady = false
    var discordReadyAt: Int?
    var connections: [UInt64: Peer] = [:]
    var lastConnection = 0
    var remembered: [String: Remembered] = [:]
    /// The session of each turn under way.
    var runs: [String: String] = [:]
    var systemEvents: [String: [String]] = [:]
    var pendingRestart: PendingRestart?

    /// Before the first one.
    init() {
        (number, start, jobs, isOn) = (0, .now, nil, false)
    }

    /// A life that begins; its jobs are for whoever carries them out, and end with it.
    init(number: Int, jobs: AsyncStream<Job>.Continuation) {
        (self.number, start, self.jobs, isOn) = (number, .now, jobs, true)
    }

    var uptimeMilliseconds: Int { (ContinuousClock.now - start).milliseconds }

    /// Has something done outside of the lock; it is cancelled when the life ends.
    func spawn(_ job: @escaping Job) { jobs?.yield(job) }

    mutating func end() {
        isOn = false
        connections = [:]
        runs = [:]
        jobs?.finish()
    }
}
