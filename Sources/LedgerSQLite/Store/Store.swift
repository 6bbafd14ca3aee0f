import CLedgerShim
import GRDB
import Synchronization
import WakeService

/// One connection to the database, with the settings that every promise rests on, and errors in our own words.
final class Store: Sendable {
    let folder: LedgerFolder
    private let queue: DatabaseQueue
    private let log = LogLength()
    private let triedAtFrames = Mutex(0)
    /// Why nothing may be trusted any more: a write failed and nobody can say whether it took effect.
    private let poison = Mutex<WakeError?>(nil)

    /// How long to wait for another process that writes.
    static let busyTimeoutSeconds = 5.0

    /// Opens an existing database.
    init(_ folder: LedgerFolder, at path: String? = nil) throws(WakeError) {
        self.folder = folder
        var configuration = Configuration()
        configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
        configuration.foreignKeysEnabled = false
        configuration.label = "reveille.ledger"
        do {
            queue = try DatabaseQueue(path: path ?? folder.databasePath, configuration: configuration)
            try queue.inDatabase { [log] in try Self.setUp($0, log) }
        } catch {
            throw StoreFailure(folder, error).onRead
        }
    }

    private static func setUp(_ database: Database, _ log: LogLength) throws {
        guard let connection = database.sqliteConnection else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        // A command line that is the last to close would else do the daemon's checkpoint, some milliseconds of it.
        _ = reveille_keep_log_on_close(connection)
        try database.execute(sql: "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL")
        log.watch(connection)
        let level = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        guard level == 2 else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "synchronous is \(level ?? -1), it must be 2 (FULL)")
        }
    }

    /// Turns the write-ahead log on; it stays on, as it is written in the file.
    func useLog() throws(WakeError) {
        // To the statement's end: the change is committed after its one row, and only then is a failure told.
        let mode = try read { try String.fetchAll($0, sql: "PRAGMA journal_mode=WAL").last }
        guard mode == "wal" else {
            throw WakeError(
                .ledgerUnavailable, "'\(folder.databasePath)' can't use a write-ahead log", cause: "journal mode \(mode ?? "?")",
                hint: "The file system must offer shared memory maps; move the ledger to a local disk.")
        }
    }

    /// Reads with one statement, or with several that need no common snapshot.
    func read<Value>(_ body: (Database) throws -> Value) throws(WakeError) -> Value {
        try refuseIfPoisoned()
        do {
            return try queue.inDatabase(body)
        } catch {
            throw StoreFailure(folder, error).onRead
        }
    }

    /// Reads from one snapshot.
    func snapshot<Value>(_ body: (Database) throws -> Value) throws(WakeError) -> Value {
        try read { database in
            var result: Value?
            try database.inTransaction(.deferred) {
                result = try body(database)
                return .commit
            }
            guard let result else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
            return result
        }
    }

    /// Writes in one transaction: all or nothing, and on disk when it returns.
    func write<Value>(_ body: (Database) throws -> Value) throws(WakeError) -> Value {
        try refuseIfPoisoned()
        var result: Value?
        var isCommitting = false
        do {
            try queue.inDatabase { database in
                try database.inTransaction(.immediate) {
                    result = try body(database)
                    isCommitting = true
                    return .commit
                }
            }
        } catch {
            throw failed(error, isCommitting: isCommitting)
        }
        guard let result else { throw failed(DatabaseError(resultCode: .SQLITE_ABORT), isCommitting: true) }
        return result
    }

    /// Writes with a single statement, which is a transaction of its own; cheaper than ``write(_:)``.
    func writeStatement<Value>(_ body: (Database) throws -> Value) throws(WakeError) -> Value {
        try refuseIfPoisoned()
        do {
            return try queue.inDatabase(body)
        } catch {
            throw failed(error, isCommitting: true)
        }
    }

    /// Moves what is durable to another place. If that fails in a way that nobody understands, nothing is trusted any more.
    func maintain<Value>(_ body: (Database) throws -> Value) throws(WakeError) -> Value { try writeStatement(body) }

    /// Copies everything into another database from one snapshot.
    func copy(to path: String) throws(WakeError) {
        try refuseIfPoisoned()
        do {
            let target = try DatabaseQueue(path: path)
            try queue.backup(to: target)
            try target.close()
        } catch {
            throw StoreFailure(folder, error).onRead
        }
    }

    func close() { try? queue.close() }

    /// Whether the log has grown long since it was last asked so.
    func isLogLong() -> Bool {
        let frames = log.value
        return triedAtFrames.withLock { tried in
            if frames < tried { tried = 0 }
            guard frames >= tried + Self.longLogFrames else { return false }
            tried = frames
            return true
        }
    }

    private func failed(_ error: any Error, isCommitting: Bool) -> WakeError {
        let (answer, isKnown) = StoreFailure(folder, error).onWrite(isCommitting: isCommitting)
        if isKnown, !queue.inDatabase({ $0.isInsideTransaction }) { return answer }
        poison.withLock { $0 = answer }
        return answer
    }

    private func refuseIfPoisoned() throws(WakeError) {
        guard let cause = poison.withLock({ $0 }) else { return }
        throw WakeError(
            .outcomeUnknown, "the ledger is not used any more since a write failed", cause: cause.description, hint: cause.hint)
    }
}
