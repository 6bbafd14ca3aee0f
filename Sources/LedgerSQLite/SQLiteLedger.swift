import Dispatch
import GRDB
public import WakeCore
public import WakeService

/// The ledger of the one daemon, in SQLite: holds the instance lock for as long as it is open.
///
/// Its calls block, so they belong on a thread of their own; those of ``WakeService/TransportSessionStore`` don't.
public final class SQLiteLedger: Ledger, Inbox, TransportSessionStore {
    /// Where it lives.
    public let folder: LedgerFolder
    /// Whether it lies in memory and is gone after a reboot.
    public let isVolatile: Bool
    /// Looks things up for people.
    public let reader: LedgerReader

    let store: Store
    let moments: any MomentSource
    let life: DaemonLife
    private let lock: InstanceLock
    private let sessions = DispatchQueue(label: "reveille.ledger.sessions")

    /// Opens the ledger in a folder, and makes both where they are missing. Takes the instance lock, migrates an older ledger after a
    /// backup, completes a checkpoint, and finds out whether this is a copy of another ledger: then what was owed in it is
    /// `unresolved` until ``adopt()``.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - instance: the daemon's instance id, told to whoever finds the lock taken; with one, this start is noted in the ledger.
    ///   - moments: tells the time, for what people read and for deliveries held until adoption.
    ///   - identity: the machine and the next generation; only tests hand in one.
    /// - Throws: ``WakeService/WakeError``: `ledger-locked` with the other daemon's pid, `ledger-unavailable`, `ledger-corrupt`,
    ///   `not-a-ledger`, `ledger-newer`, `disk-full`, `outcome-unknown`.
    public convenience init(
        at path: String, instance: String? = nil, moments: any MomentSource, identity: LedgerIdentity = .system()
    ) throws(WakeError) {
        try self.init(LedgerFolder(path), .current, instance: instance, moments: moments, identity: identity)
    }

    init(
        _ folder: LedgerFolder, _ schema: Schema, instance: String?, moments: any MomentSource, identity: LedgerIdentity
    ) throws(WakeError) {
        try folder.create()
        if case .volatile = try folder.verify() { isVolatile = true } else { isVolatile = false }
        self.folder = folder
        self.moments = moments
        lock = try InstanceLock(folder, instance: instance)
        store = try Opening(folder: folder, schema: schema).asHolder()
        reader = LedgerReader(store)
        life = DaemonLife(instance: instance, started: moments.now())
        // Whatever an earlier life left unsynced is on disk before anything is acknowledged or sent. The log is synchronised first,
        // so that a full disk does no harm to that.
        do { try store.checkpoint(.truncate) } catch { if error.code != .diskFull { throw error } }
        try beginGeneration(identity)
    }

    /// Completes a checkpoint, closes the files and gives the instance lock back. What was committed is safe without it too.
    ///
    /// - Returns: why the file may not be trusted, where a write or sync failed, now or before; a full disk or a reader that holds
    ///   the checkpoint up is no such reason.
    @discardableResult
    public func close() -> WakeError? {
        defer {
            store.close()
            lock.release()
        }
        do {
            try store.checkpoint(.truncate)
        } catch {
            return error.code == .diskFull || error.code == .ledgerLocked ? nil : error
        }
        return nil
    }

    /// Gives the instance lock back as the end of a process would: nothing is completed. For tests of what a crash leaves.
    func abandon() {
        store.close()
        lock.release()
    }

    // MARK: Ledger

    /// See ``WakeService/Ledger/load(endedWakesSince:)``. Reads live rows only, however many have ended.
    public func load(endedWakesSince moment: Moment) throws(WakeError) -> [Change] {
        try store.snapshot { try LiveRows(database: $0).load(endedWakesSince: moment) }
    }

    /// See ``WakeService/Ledger/commit(_:)``. When the write-ahead log has grown beyond 4 MiB, it is checkpointed too.
    public func commit(_ changes: [Change]) throws(WakeError) {
        guard changes.contains(where: \.isDurable) else { return }
        let now = moments.now().wallMilliseconds
        try store.write { try ChangeWriter(database: $0, wallMilliseconds: now).write(changes) }
        try store.checkpointIfLarge()
    }

    /// See ``WakeService/Ledger/inbox(after:limit:)``; at most 1,000 rows at once.
    public func inbox(after row: Int64, limit: Int) throws(WakeError) -> [InboxRow] {
        try InboxRows(store: store).rows(after: row, limit: limit, skipsHeld: true)
    }

    /// See ``WakeService/Ledger/endedWake(_:)``.
    public func endedWake(_ id: WakeID) throws(WakeError) -> EndedWake? {
        try store.snapshot { database in
            guard let found = try LiveRows(database: database).wake(id), found.wake.state == .ended else { return nil }
            return found
        }
    }

    /// See ``WakeService/Ledger/knowsSentinel(_:)``.
    public func knowsSentinel(_ id: SentinelID) throws(WakeError) -> Bool {
        try store.read { database in
            let statement = try database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM sentinel WHERE id = ?)")
            return try Bool.fetchOne(statement, arguments: [id.description]) ?? false
        }
    }

    // MARK: Inbox

    /// See ``WakeService/Inbox/append(_:)``.
    public func append(_ item: InboxItem) throws(WakeError) -> Int64 { try InboxRows(store: store).append(item) }

    // MARK: TransportSessionStore

    /// What was stored last for the channel; nil also where it can't be read.
    public func loadSession(of channel: ChannelName) async -> String? {
        await onQueue { store in
            try? store.read {
                try String.fetchOne(
                    $0, sql: "SELECT session FROM transport_session WHERE channel = ?", arguments: [channel.description])
            }
        }
    }

    /// The longest session that is stored, in bytes.
    public static let sessionBytes = 64 * 1024

    /// Stores it; nil, or one that is too long, forgets it. A failure costs an identify at the next start, nothing else.
    public func storeSession(_ session: String?, of channel: ChannelName) async {
        let session = session.flatMap { $0.utf8.count > Self.sessionBytes ? nil : $0 }
        let now = moments.now().wallMilliseconds
        await onQueue { store in
            try? store.write {
                try $0.execute(
                    sql: session == nil
                        ? "DELETE FROM transport_session WHERE channel = ?1"
                        : """
                        INSERT INTO transport_session VALUES (?1, ?2, ?3)
                        ON CONFLICT (channel) DO UPDATE SET session = ?2, stored_ms = ?3
                        """,
                    arguments: session.map { [channel.description, $0, now] } ?? [channel.description])
            }
        }
    }

    /// Never on a thread of the cooperative pool, and never undone by a cancelled task.
    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable (Store) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            sessions.async { [store] in continuation.resume(returning: body(store)) }
        }
    }
}
