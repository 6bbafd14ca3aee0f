public import WakeCore

/// The only source of truth. One process at a time writes state through it; its calls block, so they belong on a thread of their own.
///
/// Promise: when ``commit(_:)`` returns, every durable change of the list is on disk, all or none. When it throws
/// ``WakeError/Code/diskFull``, none is, and it may be called again. After any other error nothing is known: exit and start anew.
public protocol Ledger: Sendable {
    /// Everything live: open sentinels, wakes that have not ended with their deliveries, known epochs; and the ended wakes younger than
    /// the given age with the session's own restarts in them, so that loops are seen across restarts. Also the last wake of all, ended
    /// or not, so that the sequence goes on.
    func load(endedWakesSince moment: Moment) throws(WakeError) -> [Change]

    /// Makes all durable changes of the list in one transaction. Changes that are not durable are passed over.
    func commit(_ changes: [Change]) throws(WakeError)

    /// The oldest rows of the inbox that come after the given row, at most as many as asked for.
    func inbox(after row: Int64, limit: Int) throws(WakeError) -> [InboxRow]

    /// A wake that has ended, with its deliveries; nil if there is none, or it has not ended.
    func endedWake(_ id: WakeID) throws(WakeError) -> EndedWake?

    /// Whether a sentinel of that id was ever recorded, open or not: a request that comes twice makes one sentinel.
    func knowsSentinel(_ id: SentinelID) throws(WakeError) -> Bool
}

/// The side of the ledger that any process of its owner may write: works with the daemon down.
public protocol Inbox: Sendable {
    /// Appends an item; when it returns, the item is on disk. A request for `self` that names no epoch bears the one in force now, or
    /// `none` where the daemon has never run, so that a start that comes between tells itself from the one that was asked for.
    ///
    /// - Parameter item: a request whose ``WakeCore/RestartRequest/problems`` are empty, or a command.
    /// - Returns: the item's row.
    /// - Throws: ``WakeError``; then nothing is promised.
    func append(_ item: InboxItem) throws(WakeError) -> Int64
}

/// What can be left in the inbox.
public enum InboxItem: Hashable, Sendable {
    /// A restart request.
    case request(RestartRequest)
    /// An operator's command.
    case command(OperatorCommand)
    /// What is to become of a job.
    case job(JobOrder)
    /// A row that can't be read, with the reason: written by a newer version, or by hand.
    case unreadable(reason: String)
}

/// What is to become of a job.
public enum JobOrder: Hashable, Sendable {
    /// Add it.
    case add(Job)
    /// Take it back.
    case remove(JobID)
    /// Run it now, besides its times.
    case run(JobID)
}

/// One row of the inbox.
public struct InboxRow: Hashable, Sendable {
    /// Its number; grows.
    public let row: Int64
    /// What it holds.
    public let item: InboxItem

    /// Makes a row.
    public init(row: Int64, item: InboxItem) {
        self.row = row
        self.item = item
    }
}
