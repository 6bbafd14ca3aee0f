import GRDB
import WakeService

/// The tables, version by version. Only the holder of the instance lock migrates, after a backup.
///
/// A step whose tables an older program can still use keeps `minReader`: then that program still runs.
struct Schema: Sendable {
    /// One step.
    struct Step: Sendable {
        /// The version that it leads to.
        let version: Int
        /// The oldest version of the program that can still work with it.
        let minReader: Int
        /// What it does; runs in one transaction with the new numbers.
        let sql: String
        /// Whether a client of that version can't do its work without it: appending to the inbox, and looking at what is owed.
        var isNeededByClients = true
    }

    /// The steps, oldest first.
    let steps: [Step]

    /// The version that this program writes.
    var version: Int { steps.last?.version ?? 0 }
    /// The oldest program that can work with what this one writes.
    var minReader: Int { steps.last?.minReader ?? 0 }

    /// What this program writes.
    static let current = Schema(steps: [
        Step(version: 1, minReader: 1, sql: first), Step(version: 2, minReader: 1, sql: second, isNeededByClients: false),
        Step(version: 3, minReader: 3, sql: third, isNeededByClients: false),
    ])

    /// "RVLL", in the file's header (PRAGMA application_id), so that a ledger is told from any other database.
    static let applicationID = 0x5256_4C4C

    // Ended rows stay for weeks and are many; the partial indexes let a start read the live ones alone. Rows are looked up by id;
    // `body` is the whole value in JSON and `sum` its checksum (NULL: none); the other columns are there to search by. Times are in
    // milliseconds since 1970.
    private static let first = """
        CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value) WITHOUT ROWID;
        INSERT INTO meta VALUES ('inbox', 0);

        CREATE TABLE sentinel (
            id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL,
            requested_ms INTEGER NOT NULL, ended_ms INTEGER, wake TEXT, awaits_adoption INTEGER NOT NULL DEFAULT 0,
            body TEXT NOT NULL, sum INTEGER);
        CREATE INDEX sentinel_live ON sentinel (requested_ms) WHERE ended_ms IS NULL;
        CREATE INDEX sentinel_ended ON sentinel (ended_ms) WHERE ended_ms IS NOT NULL;

        CREATE TABLE wake (
            id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, route TEXT NOT NULL, state TEXT NOT NULL,
            sequence INTEGER NOT NULL, opened_ms INTEGER NOT NULL, ended_ms INTEGER,
            awaits_adoption INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL, sum INTEGER);
        CREATE INDEX wake_live ON wake (sequence) WHERE ended_ms IS NULL;
        CREATE INDEX wake_ended ON wake (ended_ms) WHERE ended_ms IS NOT NULL;
        CREATE INDEX wake_awaits ON wake (sequence) WHERE awaits_adoption = 1;

        CREATE TABLE delivery (
            id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, route TEXT NOT NULL, state TEXT NOT NULL,
            sequence INTEGER NOT NULL, awaits_adoption INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL, sum INTEGER);
        CREATE INDEX delivery_unresolved ON delivery (sequence) WHERE state = 'unresolved';

        CREATE TABLE attempt (
            delivery TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, result TEXT NOT NULL, body TEXT NOT NULL);
        CREATE INDEX attempt_delivery ON attempt (delivery);

        CREATE TABLE epoch (target TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE channel (
            name TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, changed_ms INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE route (
            route TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, changed_ms INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE transport_session (
            channel TEXT NOT NULL PRIMARY KEY, session TEXT NOT NULL, stored_ms INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE inbox (row INTEGER PRIMARY KEY, epoch TEXT, body TEXT NOT NULL, sum INTEGER);
        CREATE TABLE inbox_refused (
            row INTEGER PRIMARY KEY, refused_ms INTEGER NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL);
        """

    /// The versions that a file bears.
    struct Mark: Equatable {
        let applicationID: Int
        let version: Int
        let minReader: Int
    }

    static func mark(of store: Store) throws(WakeError) -> Mark {
        try store.snapshot { database in
            let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard application == applicationID else { return Mark(applicationID: application, version: version, minReader: 0) }
            let reader = try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'minReader'") ?? version
            return Mark(applicationID: application, version: version, minReader: reader)
        }
    }

    /// Whether a file can be worked with as it is.
    ///
    /// - Returns: false where it must be migrated first.
    /// - Throws: ``WakeService/WakeError/Code/notALedger``, ``WakeService/WakeError/Code/ledgerNewer``.
    func accepts(_ mark: Mark, at path: String) throws(WakeError) -> Bool {
        guard mark.applicationID == Self.applicationID, mark.version > 0 else {
            throw .notALedger(path, "its application id is \(mark.applicationID), not \(Self.applicationID)")
        }
        guard mark.minReader <= version else {
            throw WakeError(
                .ledgerNewer,
                "the ledger '\(path)' has schema \(mark.version), which needs a program of schema \(mark.minReader); this one has \(version)",
                hint: "Install the newer version again, or restore the backup that it made before it changed the ledger.")
        }
        return mark.version >= version
    }

    /// Whether a client can use the file as it is, while an older daemon holds it.
    func servesClients(_ mark: Mark) -> Bool { !steps.contains { $0.version > mark.version && $0.isNeededByClients } }

    /// Takes the steps that are missing, each in a transaction of its own.
    func migrate(_ store: Store, from old: Int) throws(WakeError) {
        for step in steps where step.version > old {
            try store.write { database in
                try database.execute(sql: step.sql)
                try database.execute(sql: "PRAGMA user_version = \(step.version); PRAGMA application_id = \(Self.applicationID)")
                try database.execute(
                    sql: "INSERT INTO meta VALUES ('minReader', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1",
                    arguments: [step.minReader])
            }
        }
    }
}
