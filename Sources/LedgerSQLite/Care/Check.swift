import GRDB
import Glibc
import WakeCore
import WakeService

/// What a look at every page and every live row of a ledger found.
public struct LedgerReport: Hashable, Sendable {
    /// Everything that is wrong, in words; empty where the ledger is sound.
    public var problems: [String] = []
    /// What is worth knowing, but not wrong: it lies in memory, it awaits adoption, little room is left.
    public var remarks: [String] = []
    /// The schema's version, and the oldest program that can work with it.
    public var schema = 0
    /// The oldest program's schema that can work with it.
    public var minReader = 0
    /// The database's size, in bytes.
    public var databaseBytes: Int64 = 0
    /// The write-ahead log's size, in bytes; it keeps its size while it is used again.
    public var logBytes: Int64 = 0
    /// Room left on the file system for ordinary users, in bytes; nil where it can't be told.
    public var freeBytes: Int64?
    /// The kind of its file system, where that is lost with a reboot: `tmpfs`.
    public var volatileKind: String?
    /// The library beneath.
    public var sqliteVersion = ""
    /// How much there is of what; nil where it can't be counted.
    public var counts: LedgerCounts?
}

extension SQLiteLedger {
    /// Looks at every page and every live row. Takes long where the ledger is large; changes nothing.
    public func check() -> LedgerReport { LedgerCheck(store: store).report() }
}

extension LedgerClient {
    /// Looks at every page and every live row. Takes long where the ledger is large; changes nothing.
    ///
    /// - Parameter isQuick: leaves out whether indexes and rows agree, which takes longest; default no.
    /// - Returns: what was found.
    public func check(isQuick: Bool = false) -> LedgerReport { LedgerCheck(store: store, isQuick: isQuick).report() }
}

struct LedgerCheck {
    let store: Store
    var isQuick = false

    /// Below this much room a remark is made.
    static let littleRoomBytes: Int64 = 64 << 20
    /// Faults of one kind that are listed.
    static let maximumFaults = 20

    func report() -> LedgerReport {
        var report = LedgerReport()
        look(at: store.folder, &report)
        ask(&report) { report in
            let mark = try Schema.mark(of: store)
            report.schema = mark.version
            report.minReader = mark.minReader
        }
        ask(&report) { report in
            let (level, mode, faults) = try store.snapshot { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                    try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                    try String.fetchAll(
                        database, sql: "PRAGMA \(isQuick ? "quick" : "integrity")_check(\(Self.maximumFaults))")
                )
            }
            if level != 2 { report.problems.append("synchronous is \(level ?? -1), it must be 2 (FULL)") }
            if mode != "wal" { report.problems.append("the journal mode is \(mode ?? "?"), it must be wal") }
            if faults != ["ok"] { report.problems += faults }
        }
        for rule in Self.rules { ask(&report) { $0.problems += try breaches(of: rule) } }
        ask(&report) { $0.problems += try unreadable() }
        ask(&report) { report in
            let reader = LedgerReader(store)
            report.counts = try reader.counts()
            if let reason = try reader.adoptionReason() {
                report.remarks.append("\(reason); what was owed is held until 'reveille ledger adopt'")
            }
        }
        return report
    }

    private func look(at folder: LedgerFolder, _ report: inout LedgerReport) {
        report.sqliteVersion = (try? store.read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? "?"
        report.databaseBytes = Int64(LedgerFolder.status(folder.databasePath)?.st_size ?? 0)
        report.logBytes = Int64(LedgerFolder.status(folder.logPath)?.st_size ?? 0)
        report.freeBytes = FileSystemKind.freeBytes(folder.path)
        do {
            if case .volatile(let name) = try folder.verify() {
                report.volatileKind = name
                report.remarks.append("the ledger lies in memory (\(name)): a reboot loses it")
            }
        } catch {
            report.problems.append(error.description)
        }
        if let free = report.freeBytes, free < Self.littleRoomBytes {
            report.remarks.append("only \(free >> 20) MiB are left on its file system")
        }
    }

    private func ask(_ report: inout LedgerReport, _ question: (inout LedgerReport) throws -> Void) {
        do {
            try question(&report)
        } catch {
            let words = String(describing: error)
            if !report.problems.contains(words) { report.problems.append(words) }
        }
    }

    // MARK: Rules

    private struct Rule {
        let words: String
        let sql: String
    }

    // Each selects the ids of the rows that break it.
    private static let rules = [
        Rule(
            words: "a delivery belongs to no wake",
            sql: "SELECT id FROM delivery WHERE NOT EXISTS (SELECT 1 FROM wake WHERE wake.id = substr(delivery.id, 1, 22))"),
        Rule(
            words: "a live wake has no delivery",
            sql: """
                SELECT id FROM wake WHERE ended_ms IS NULL
                AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.id IN (wake.id || 'n', wake.id || 't'))
                """),
        Rule(
            words: "an ended wake has a delivery that has not ended",
            sql: """
                SELECT wake.id FROM wake JOIN delivery ON delivery.id IN (wake.id || 'n', wake.id || 't')
                WHERE ended_ms IS NOT NULL AND delivery.state IN ('held', 'sending', 'waiting', 'reconciling')
                """),
        Rule(words: "two wakes have one sequence", sql: "SELECT id FROM wake GROUP BY sequence HAVING count(*) > 1"),
        Rule(
            words: "a session and route have two open wakes",
            sql: """
                SELECT id FROM wake WHERE state = 'open' AND json_array_length(body, '$.notes') < \(Limits.notesPerWake)
                GROUP BY session, route HAVING count(*) > 1
                """),
        Rule(
            words: "a sentinel's columns and body differ",
            sql: "SELECT id FROM sentinel WHERE json_extract(body, '$.id') IS NOT id"),
        Rule(
            words: "a wake's columns and body differ", sql: "SELECT id FROM wake WHERE json_extract(body, '$.state') IS NOT state"
        ),
    ]

    private func breaches(of rule: Rule) throws -> [String] {
        try store.snapshot { try String.fetchAll($0, sql: rule.sql + " LIMIT \(Self.maximumFaults)") }
            .map { "\(rule.words): \($0)" }
    }

    /// Live rows whose body this program can't read.
    private func unreadable() throws -> [String] {
        try store.snapshot { database in
            let codec = BodyCodec()
            return try codec.faults(Sentinel.self, database, "SELECT body, id, sum FROM sentinel WHERE ended_ms IS NULL")
                + codec.faults(Wake.self, database, "SELECT body, id, sum FROM wake WHERE ended_ms IS NULL")
                + codec.faults(
                    Delivery.self, database,
                    """
                    SELECT delivery.body, delivery.id, delivery.sum FROM wake
                    CROSS JOIN delivery ON delivery.id IN (wake.id || 'n', wake.id || 't') WHERE wake.ended_ms IS NULL
                    """)
        }
    }
}
