public import WakeCore
public import WakeService

/// What a ledger holds, ended things included.
public struct LedgerTables: Sendable {
    /// One attempt's result.
    public struct AttemptRow: Hashable, Sendable {
        /// The delivery.
        public let delivery: DeliveryID
        /// Which attempt, from 1.
        public let number: Int
        /// When it began.
        public let at: Moment
        /// What it came to, in words.
        public let result: String
    }

    /// A row of the inbox that could not be used.
    public struct RefusedRow: Hashable, Sendable {
        /// Its number.
        public let row: Int64
        /// What it held.
        public let item: InboxItem?
        /// Why.
        public let reason: String
    }

    /// Every sentinel, open or not.
    public internal(set) var sentinels: [SentinelID: Sentinel] = [:]
    /// Every wake, ended or not.
    public internal(set) var wakes: [WakeID: Wake] = [:]
    /// Every delivery.
    public internal(set) var deliveries: [DeliveryID: Delivery] = [:]
    /// Every turn that is a command, ended or not.
    public internal(set) var turns: [DeliveryID: Turn] = [:]
    /// The leases of run states, by file.
    public internal(set) var leases: [String: Lease] = [:]
    /// The jobs.
    public internal(set) var jobs: [JobID: Job] = [:]
    /// What became of the times of jobs, oldest first.
    public internal(set) var jobRuns: [JobRun] = []
    /// The last seen epochs.
    public internal(set) var epochs: [RestartTarget: Epoch] = [:]
    /// The channels' states, for people.
    public internal(set) var channels: [ChannelName: ChannelState] = [:]
    /// The routes' states, for people.
    public internal(set) var routes: [Route: RouteInfo] = [:]
    /// Every attempt's result, oldest first.
    public internal(set) var attempts: [AttemptRow] = []
    /// What waits in the inbox.
    public internal(set) var inbox: [Int64: InboxItem] = [:]
    /// What was set aside.
    public internal(set) var refused: [RefusedRow] = []
    /// The number of the newest row that the inbox ever had.
    public internal(set) var lastInboxRow: Int64 = 0

    mutating func apply(_ change: Change) {
        switch change {
        case .sentinel(let sentinel): sentinels[sentinel.id] = sentinel
        case .wake(let wake): wakes[wake.id] = wake
        case .delivery(let delivery): deliveries[delivery.id] = delivery
        case .attempt(let id, let number, let moment, let result):
            attempts.append(AttemptRow(delivery: id, number: number, at: moment, result: result))
        case .epoch(let target, let epoch): epochs[target] = epoch
        case .inboxApplied(let row): inbox[row] = nil
        case .inboxRefused(let row, let reason):
            refused.append(RefusedRow(row: row, item: inbox.removeValue(forKey: row), reason: reason))
        case .channel(let name, let state): channels[name] = state
        case .route(let route, let info): routes[route] = info
        case .turn(let turn): turns[turn.id] = turn
        case .lease(let path, let lease): leases[path] = lease
        case .job(let id, let job): jobs[id] = job
        case .jobRun(let run): jobRuns.append(run)
        case .doubt, .progress, .unsettled, .isDown, .work, .turnTries, .quiet, .jobsArmed, .timer, .timersPassed: break
        }
    }

    /// What a daemon takes up at its start: wakes before their deliveries, and the last wake of all, from which the sequence goes on.
    func live(endedWakesSince moment: Moment) -> [Change] {
        let newest = wakes.values.map(\.sequence).max() ?? 0
        let recent = wakes.values.filter { wake in
            let isYoung = wake.openedAt.wallMilliseconds >= moment.wallMilliseconds || wake.openedAt.boot == moment.boot
            // The newest of all, so that the next sequence is known even where everything has ended.
            return wake.state != .ended || (isYoung && wake.isByOwnRestart) || wake.sequence == newest
        }
        var changes: [Change] = epochs.map { .epoch($0.key, $0.value) }
        changes += sentinels.values.filter(\.isOpen).map { .sentinel($0) }
        for wake in recent.sorted(by: { ($0.sequence, $0.id) < ($1.sequence, $1.id) }) {
            changes.append(.wake(wake))
            if wake.state != .ended { changes += wake.deliveries.compactMap { deliveries[$0].map { .delivery($0) } } }
        }
        changes += turns.values.filter { $0.end == nil }.map { .turn($0) }
        changes += leases.map { .lease(path: $0.key, $0.value) }
        changes += jobs.map { .job($0.key, $0.value) }
        return changes
    }
}
