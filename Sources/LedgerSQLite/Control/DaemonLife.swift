import GRDB
import Synchronization
public import WakeCore
public import WakeService

/// The row of this life of the daemon.
final class DaemonLife: Sendable {
    private let instance: String?
    let started: Moment
    private let row = Mutex<Int64?>(nil)

    /// The most lives that are kept.
    static let maximumRows = 1000

    init(instance: String?, started: Moment) {
        self.instance = instance
        self.started = started
    }

    var number: Int64? { row.withLock { $0 } }

    /// Notes the start; nothing where this is no daemon.
    func begin(_ database: Database) throws {
        guard let instance else { return }
        let moment = try StartRows.text(started)
        try database.execute(
            sql: "INSERT INTO daemon_start (instance, boot, started, alive) VALUES (?1, ?2, ?3, ?3)",
            arguments: [instance, started.boot.description, moment])
        let number = database.lastInsertedRowID
        try database.execute(
            sql: "DELETE FROM daemon_start WHERE number <= ?", arguments: [number - Int64(Self.maximumRows)])
        row.withLock { $0 = number }
    }

    /// Changes the row; makes it where the disk was full at the start.
    func update(_ store: Store, _ sql: String, _ arguments: StatementArguments) throws(WakeError) {
        guard instance != nil else { return }
        try store.write { database in
            try database.execute(sql: sql, arguments: arguments + [number])
            guard database.changesCount == 0 else { return }
            try begin(database)
            try database.execute(sql: sql, arguments: arguments + [number])
        }
    }
}

extension SQLiteLedger {
    /// What is known of the daemon's lives before this one. This start itself was noted when the ledger was opened with an instance id.
    ///
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`, `outcome-unknown`.
    public func startBook() throws(WakeError) -> StartBook {
        let own = life.number
        return StartBook(
            previous: try store.read {
                try StartRows.records($0, before: own ?? .max, limit: StartBook.maximumPrevious)
            })
    }

    /// Notes that the daemon lives: so far a later life can tell how long it was away. One sync; call it every minute, and before a
    /// shutdown.
    ///
    /// - Throws: what ``commit(_:)`` throws.
    public func noteAlive(at moment: Moment) throws(WakeError) {
        try life.update(store, "UPDATE daemon_start SET alive = ? WHERE number = ?", [try StartRows.text(moment)])
    }

    /// Notes that a shutdown of the machine begins, or that it was called off. One sync.
    ///
    /// - Parameters:
    ///   - isBeginning: false where it was called off.
    ///   - moment: when.
    /// - Throws: what ``commit(_:)`` throws.
    public func noteShutdown(isBeginning: Bool, at moment: Moment) throws(WakeError) {
        let text = try StartRows.text(moment)
        try life.update(
            store, "UPDATE daemon_start SET alive = ?, shutdown = ? WHERE number = ?", [text, isBeginning ? text : nil])
    }

    /// Notes that this life ends in good order; without it, it counts as cut off.
    ///
    /// - Parameters:
    ///   - kind: how.
    ///   - reason: why, in words; cut to ``WakeCore/Limits/reasonCharacters``.
    ///   - moment: when.
    /// - Throws: what ``commit(_:)`` throws.
    public func endStart(kind: StartRecord.EndKind, reason: String, at moment: Moment) throws(WakeError) {
        let text = try StartRows.text(moment)
        try life.update(
            store, "UPDATE daemon_start SET alive = ?, ended = ?, kind = ?, reason = ? WHERE number = ?",
            [text, text, kind.rawValue, String(reason.prefix(Limits.reasonCharacters))])
    }
}

/// The table of the daemon's lives.
enum StartRows {
    static func text(_ moment: Moment) throws(WakeError) -> String {
        do { return try BodyCodec().text(moment) } catch {
            throw WakeError(.invalidRequest, "a moment can't be written", cause: String(describing: error))
        }
    }

    /// Lives before that row, newest first.
    static func records(_ database: Database, before number: Int64, limit: Int) throws -> [StartRecord] {
        let codec = BodyCodec()
        return try Row.fetchAll(
            database,
            sql: """
                SELECT instance, started, alive, ended, kind, reason, shutdown FROM daemon_start WHERE number < ?
                ORDER BY number DESC LIMIT ?
                """, arguments: [number, limit]
        ).map { row in
            let name = "the start of \(row[0] as String)"
            var record = StartRecord(
                instance: row[0], started: try codec.value(Moment.self, row[1], of: name),
                alive: try codec.value(Moment.self, row[2], of: name))
            if let ended: String = row[3], let kind = (row[4] as String?).flatMap(StartRecord.EndKind.init) {
                record.ended = .init(
                    kind, reason: row[5] ?? "", at: try codec.value(Moment.self, .init(ended.utf8), of: name))
            }
            if let shutdown: String = row[6] { record.shutdown = try codec.value(Moment.self, .init(shutdown.utf8), of: name) }
            return record
        }
    }
}
