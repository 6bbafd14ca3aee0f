internal import Synchronization
public import WakeCore
public import WakeService

/// A ledger in memory, on a disk that behaves as badly as a real one: what was not synced may be lost, torn and reordered.
///
/// A write-ahead log of frames: a transaction counts once its last frame is there, untorn, and so is every frame before it.
public final class InMemoryLedger: Ledger, Inbox {
    /// What may go wrong with a commit or an append.
    public enum Fault: Hashable, Sendable {
        /// No room: nothing is written.
        case diskFull
        /// An I/O error before anything was written; the caller can't know.
        case failedBeforeWriting
        /// An I/O error while syncing: written, seen by the next reader, perhaps gone after a power cut.
        case failedBeforeSyncing
        /// An I/O error reported although everything is on disk.
        case failedAfterSyncing
    }

    private enum Write {
        case change(Change)
        case append(InboxItem)
    }

    private struct State {
        var tables = LedgerTables()
        /// What was synced last; only kept while something is not.
        var synced: LedgerTables?
        var unsynced: [[Write]] = []
        var fault: Fault?
        var isFull = false
        var committed: [Change] = []
        var commits = 0
    }

    private let state: Mutex<State>
    private let syncsEachCommit: Bool

    /// An empty ledger.
    ///
    /// - Parameter syncsEachCommit: false is the negative control: commits are acknowledged before they are on disk.
    public init(syncsEachCommit: Bool = true) {
        state = Mutex(State())
        self.syncsEachCommit = syncsEachCommit
    }

    // MARK: Looking and meddling

    /// What a reader would see now.
    public var tables: LedgerTables { state.withLock { $0.tables } }

    /// Reads without a copy.
    public func read<Value: Sendable>(_ body: (borrowing LedgerTables) -> Value) -> Value {
        state.withLock { body($0.tables) }
    }

    /// How many transactions were committed.
    public var commits: Int { state.withLock { $0.commits } }

    /// The next commit or append fails so.
    public func failNext(_ fault: Fault?) { state.withLock { $0.fault = fault } }

    /// While full, every commit and append fails as ``Fault/diskFull``.
    public func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

    /// The changes of the commits that succeeded since the last call.
    public func takeCommitted() -> [Change] {
        state.withLock { state in
            defer { state.committed = [] }
            return state.committed
        }
    }

    /// The process dies: what was written stays, synced or not.
    public func crash() { state.withLock { $0.fault = nil } }

    /// The power goes: of what was not synced each frame is kept, lost or torn by chance, in any order.
    ///
    /// - Returns: how many transactions were lost.
    @discardableResult
    public func powerCut(_ random: inout SplitMix) -> Int {
        var generator = random
        defer { random = generator }
        return state.withLock { state in
            state.fault = nil
            guard var survivor = state.synced else { return 0 }
            var kept = 0
            for transaction in state.unsynced {
                // One frame for each change and one that commits: a reader stops at the first that is lost or torn.
                let isWhole = (0...transaction.count).allSatisfy { _ in !generator.percent(25) }
                guard isWhole else { break }
                for write in transaction { Self.apply(write, to: &survivor) }
                kept += 1
            }
            let lost = state.unsynced.count - kept
            state.tables = survivor
            state.synced = nil
            state.unsynced = []
            return lost
        }
    }

    /// Everything written is on disk from now on: what a start does before it acknowledges anything.
    public func checkpoint() {
        state.withLock { state in
            state.synced = nil
            state.unsynced = []
        }
    }

    // MARK: Ledger

    /// Everything live.
    public func load(endedWakesSince moment: Moment) throws(WakeError) -> [Change] {
        state.withLock { $0.tables.live(endedWakesSince: moment) }
    }

    /// Makes all durable changes of the list in one transaction.
    public func commit(_ changes: [Change]) throws(WakeError) {
        try write(changes.filter(\.isDurable).map { .change($0) })
    }

    /// The oldest rows of the inbox after the given one.
    public func inbox(after row: Int64, limit: Int) throws(WakeError) -> [InboxRow] {
        state.withLock { state in
            state.tables.inbox.keys.filter { $0 > row }.sorted().prefix(limit).compactMap { row in
                state.tables.inbox[row].map { InboxRow(row: row, item: $0) }
            }
        }
    }

    /// A wake that has ended, with its deliveries.
    public func endedWake(_ id: WakeID) throws(WakeError) -> EndedWake? {
        state.withLock { state in
            guard let wake = state.tables.wakes[id], wake.state == .ended else { return nil }
            return EndedWake(wake: wake, deliveries: wake.deliveries.compactMap { state.tables.deliveries[$0] })
        }
    }

    /// Whether a sentinel of that id was ever recorded.
    public func knowsSentinel(_ id: SentinelID) throws(WakeError) -> Bool {
        state.withLock { $0.tables.sentinels[id] != nil }
    }

    // MARK: Inbox

    /// Appends an item to the inbox.
    public func append(_ item: InboxItem) throws(WakeError) -> Int64 {
        try write([.append(item)])
    }

    // MARK: The disk

    private static func apply(_ write: Write, to tables: inout LedgerTables) {
        switch write {
        case .change(let change): tables.apply(change)
        case .append(let item):
            tables.lastInboxRow += 1
            tables.inbox[tables.lastInboxRow] = withEpoch(item, tables)
        }
    }

    /// A request for `self` bears the epoch that is in force when it is appended.
    private static func withEpoch(_ item: InboxItem, _ tables: LedgerTables) -> InboxItem {
        guard case .request(var request) = item, request.target == .daemon, request.epoch == nil else { return item }
        request.epoch = tables.epochs[.daemon] ?? .token("none")
        return .request(request)
    }

    @discardableResult
    private func write(_ writes: [Write]) throws(WakeError) -> Int64 {
        let result: Result<Int64, WakeError> = state.withLock { state in
            let fault = state.isFull ? .diskFull : state.fault
            state.fault = nil
            switch fault {
            case .diskFull:
                return .failure(
                    WakeError(.diskFull, "The ledger can't be written: no space left on device", hint: "Free some space."))
            case .failedBeforeWriting: return .failure(Self.unknown)
            default: break
            }
            let isSynced = syncsEachCommit && fault != .failedBeforeSyncing
            if !isSynced, state.synced == nil { state.synced = state.tables }
            for write in writes { Self.apply(write, to: &state.tables) }
            state.commits += 1
            if isSynced {
                // A sync is of the whole file: what an earlier one left behind is on disk now too.
                state.synced = nil
                state.unsynced = []
            } else {
                state.unsynced.append(writes)
            }
            guard fault == nil else { return .failure(Self.unknown) }
            for case .change(let change) in writes { state.committed.append(change) }
            return .success(state.tables.lastInboxRow)
        }
        return try result.get()
    }

    private static var unknown: WakeError {
        WakeError(
            .outcomeUnknown, "The ledger can't be written", cause: "input/output error",
            hint: "Look at the disk; nothing was acknowledged.")
    }
}
