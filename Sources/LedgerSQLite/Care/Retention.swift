import GRDB
public import WakeCore
public import WakeService

extension SQLiteLedger {
    /// How long ended rows are kept by default.
    public static let retention: Duration = .seconds(30 * 86_400)

    /// The most rows of one table that one transaction deletes, so that nobody waits for it.
    public static let rowsPerBite = 200

    /// Deletes wakes that ended before then with their deliveries and attempts, sentinels that ended before then and whose wake is
    /// gone, turns, runs of jobs, refused inbox rows, and routes last checked before then. What awaits adoption stays, and so does the last wake of all: the sequence goes on from it.
    ///
    /// - Parameters:
    ///   - moment: by the wall clock.
    ///   - limit: the most rows of each kind; default and maximum ``rowsPerBite``.
    /// - Returns: how many of these were deleted; call again soon while it is not 0.
    /// - Throws: what ``commit(_:)`` throws.
    public func prune(endedBefore moment: Moment, limit: Int = rowsPerBite) throws(WakeError) -> Int {
        let before = moment.wallMilliseconds
        let limit = max(0, min(limit, Self.rowsPerBite))
        // Looking costs no sync; most of the time there is nothing to do.
        let isAny = try store.snapshot { database in
            let wakes = try Self.endedWakes(database, before, limit: 1)
            let sentinels = try Self.endedSentinels(database, before, limit: 1)
            return try !wakes.isEmpty || !sentinels.isEmpty || Self.hasLooseEnds(database, before)
        }
        guard isAny else { return 0 }
        let count = try store.write { database in
            let wakes = try Self.endedWakes(database, before, limit: limit)
            for id in wakes {
                for sql in Self.deletions { try database.cachedStatement(sql: sql).execute(arguments: [id]) }
            }
            let sentinels = try Self.endedSentinels(database, before, limit: limit)
            for id in sentinels {
                try database.cachedStatement(sql: "DELETE FROM sentinel WHERE id = ?").execute(arguments: [id])
            }
            try database.execute(
                sql: "DELETE FROM inbox_refused WHERE row IN (SELECT row FROM inbox_refused WHERE refused_ms < ? LIMIT ?)",
                arguments: [before, limit])
            let refused = database.changesCount
            try database.execute(
                sql: "DELETE FROM route WHERE route IN (SELECT route FROM route WHERE changed_ms < ? LIMIT ?)",
                arguments: [before, limit])
            let routes = database.changesCount
            try database.execute(
                sql: "DELETE FROM turn WHERE rowid IN (SELECT rowid FROM turn WHERE ended_ms < ? ORDER BY ended_ms LIMIT ?)",
                arguments: [before, limit])
            let turns = database.changesCount
            try database.execute(
                sql: """
                    DELETE FROM job_run WHERE (job, due_ms) IN
                    (SELECT job, due_ms FROM job_run WHERE at_ms < ? ORDER BY at_ms LIMIT ?)
                    """, arguments: [before, limit])
            return wakes.count + sentinels.count + refused + routes + turns + database.changesCount
        }
        try store.checkpointIfLarge()
        return count
    }

    private static let deletions = [
        "DELETE FROM attempt WHERE delivery IN (?1 || 'n', ?1 || 't')",
        "DELETE FROM delivery WHERE id IN (?1 || 'n', ?1 || 't')",
        "DELETE FROM wake WHERE id = ?1",
    ]

    private static func endedWakes(_ database: Database, _ before: Int64, limit: Int) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT id FROM wake WHERE ended_ms < ? AND awaits_adoption = 0
                AND rowid <> (SELECT max(rowid) FROM wake) ORDER BY ended_ms LIMIT ?
                """, arguments: [before, limit])
    }

    private static func endedSentinels(_ database: Database, _ before: Int64, limit: Int) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT id FROM sentinel WHERE ended_ms < ?
                AND (wake IS NULL OR NOT EXISTS (SELECT 1 FROM wake WHERE wake.id = sentinel.wake)) ORDER BY ended_ms LIMIT ?
                """, arguments: [before, limit])
    }

    private static func hasLooseEnds(_ database: Database, _ before: Int64) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: """
                SELECT EXISTS (SELECT 1 FROM inbox_refused WHERE refused_ms < ?1)
                OR EXISTS (SELECT 1 FROM route WHERE changed_ms < ?1)
                OR EXISTS (SELECT 1 FROM turn WHERE ended_ms < ?1)
                OR EXISTS (SELECT 1 FROM job_run WHERE at_ms < ?1)
                """, arguments: [before]) ?? false
    }
}
