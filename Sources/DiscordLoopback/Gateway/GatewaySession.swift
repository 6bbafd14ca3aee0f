import DequeModule

/// A gateway session: it outlives its connection for a while, so that a client can resume.
struct Session {
    struct Sent {
        var seq: Int
        var type: String
        var body: String
    }

    let id: String
    let token: String
    let bot: Snowflake
    let intents: Int
    let shard: JSON
    var seq = 0
    /// What was dispatched, oldest first, for replay.
    var sent = Deque<Sent>()
    /// The connection that it lives on; `nil` while it waits to be resumed.
    var connection: UInt64?
    var detachedAt: UInt64?

    func wants(_ intent: Int) -> Bool { intents & intent != 0 }

    /// Whether everything after `seq` is still kept.
    func canReplay(after seq: Int) -> Bool {
        seq == self.seq || (sent.first.map { $0.seq <= seq + 1 } ?? false)
    }
}

/// One gateway WebSocket as the state sees it.
struct Connection {
    enum Phase { case open, greeted, readying, live }

    let id: UInt64
    let connectedAt: UInt64
    let mailbox: AsyncStream<ConnectionOrder>.Continuation
    var phase = Phase.open
    var session: String?
    /// What READY or RESUMED waits for while `readying`.
    var pending: PendingReady?
    var frameTimes = Deque<UInt64>()
    var lastBeat: UInt64
    var dispatches = 0
    /// Heartbeats get no ACK.
    var silent = false
    /// Nothing is sent and nothing is heard any more.
    var halfOpen = false
    var closing = false
}

enum PendingReady {
    case identify(Session)
    case resume(session: String, seq: Int)
}

/// What a connection's own task must do, in order.
enum ConnectionOrder: Sendable {
    case send(String)
    case sendBinary([UInt8])
    case close(UInt16?, String)
    case drop(reset: Bool)
    case wait(Duration, GatewayTimer)
}

/// What a connection waits for.
enum GatewayTimer: Sendable {
    /// READY or RESUMED is due.
    case ready
    /// Look whether the client still beats.
    case heartbeat
    /// The grace after op 7 is over.
    case reconnectGrace
}

/// How many Identifies were made: `session_start_limit` and `max_concurrency`.
struct IdentifyBudget {
    private var periodStart: UInt64?
    private var used = 0
    private var lastStart: [Int: UInt64] = [:]

    /// What is left, and until when.
    mutating func standing(total: Int, reset: Duration, now: UInt64) -> (remaining: Int, resetAfterNanoseconds: UInt64) {
        let length = reset.nanoseconds
        if let start = periodStart, now >= start + length {
            periodStart = nil
            used = 0
        }
        return (max(0, total - used), periodStart.map { $0 + length - now } ?? length)
    }

    /// Makes the period begin with fewer than all.
    mutating func begin(remaining: Int, total: Int, now: UInt64) {
        used = max(0, total - remaining)
        periodStart = now
    }

    /// Counts one Identify; false when the period's are used up.
    mutating func spend(total: Int, reset: Duration, now: UInt64) -> Bool {
        guard standing(total: total, reset: reset, now: now).remaining > 0 else { return false }
        if periodStart == nil { periodStart = now }
        used += 1
        return true
    }

    /// Whether another Identify with this key (`shard_id % max_concurrency`) may start: one per window.
    mutating func mayStart(key: Int, window: Duration, now: UInt64) -> Bool {
        if let last = lastStart[key], now < last + window.nanoseconds { return false }
        lastStart[key] = now
        return true
    }
}
