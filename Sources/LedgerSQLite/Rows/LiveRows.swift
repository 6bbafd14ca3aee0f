import Foundation
import GRDB
import WakeCore
import WakeService

/// What a start reads: live rows by their partial indexes, and the youngest ended wakes from the table's end.
struct LiveRows {
    let database: Database
    private let codec = BodyCodec()

    init(database: Database) { self.database = database }

    private static let wakes = "SELECT body, id, sum FROM wake WHERE ended_ms IS NULL ORDER BY sequence"
    private static let deliveries = """
        SELECT delivery.body, delivery.id, delivery.sum FROM wake
        CROSS JOIN delivery ON delivery.id IN (wake.id || 'n', wake.id || 't')
        WHERE wake.ended_ms IS NULL ORDER BY wake.sequence
        """
    private static let sentinels =
        "SELECT body, id, sum FROM sentinel WHERE ended_ms IS NULL AND awaits_adoption = 0 ORDER BY requested_ms"

    private static let turns = "SELECT body, id, sum FROM turn WHERE ended_ms IS NULL ORDER BY started_ms"
    private static let leases = "SELECT body, run, sum FROM lease ORDER BY run"

    /// Those of a copy are the original's until it is adopted.
    private static let jobs = """
        SELECT body, id, sum FROM job WHERE NOT EXISTS (SELECT 1 FROM meta WHERE key = 'adoption') ORDER BY id
        """

    /// What a start asks of the large tables.
    static let queries = [wakes, deliveries, sentinels, turns]

    func load(endedWakesSince moment: Moment) throws -> [Change] {
        let live = try codec.values(Wake.self, database, Self.wakes)
        let deliveries = try codec.values(Delivery.self, database, Self.deliveries)
        let sentinels = try codec.values(Sentinel.self, database, Self.sentinels)
        let wakes = (live + (try endedWakes(since: moment))).sorted { $0.sequence < $1.sequence }
        return try epochs().map { .epoch($0.target, $0.epoch) } + wakes.map { .wake($0) } + deliveries.map { .delivery($0) }
            + sentinels.map { .sentinel($0) } + codec.values(Turn.self, database, Self.turns).map { .turn($0) }
            + codec.values(Lease.self, database, Self.leases).map { .lease(path: $0.path, $0) }
            + codec.values(Job.self, database, Self.jobs).map { .job($0.id, $0) }
    }

    /// One wake with its deliveries, whatever its state.
    func wake(_ id: WakeID) throws -> EndedWake? {
        guard
            let wake = try codec.values(Wake.self, database, "SELECT body, id, sum FROM wake WHERE id = ?", [id.description])
                .first
        else { return nil }
        return EndedWake(wake: wake, deliveries: try deliveries(of: id))
    }

    /// A wake's deliveries, notice first.
    func deliveries(of id: WakeID) throws -> [Delivery] {
        try codec.values(
            Delivery.self, database, "SELECT body, id, sum FROM delivery WHERE id IN (?1 || 'n', ?1 || 't') ORDER BY id",
            [id.description])
    }

    func epochs() throws -> [EpochRecord] {
        let rows = try Row.fetchAll(database, sql: "SELECT target, body FROM epoch ORDER BY target")
        return try rows.map { row in
            guard let target = RestartTarget(row[0] as String) else {
                throw WakeError(.ledgerCorrupt, "the ledger holds an epoch of '\(row[0] as String)', which is no restart target")
            }
            return EpochRecord(target: target, epoch: try codec.value(Epoch.self, row[1], of: "the epoch of \(target)"))
        }
    }

    /// Wakes that have ended and were opened since then by their session's own restart; and the last wake of all, so that the next
    /// sequence is known even where everything has ended.
    ///
    /// Rows lie in the order in which wakes were opened, so it walks back from the end until all it sees is older.
    private func endedWakes(since moment: Moment) throws -> [Wake] {
        let statement = try database.cachedStatement(
            sql: "SELECT body, id, sum FROM wake NOT INDEXED WHERE ended_ms IS NOT NULL ORDER BY rowid DESC")
        let rows = try Row.fetchCursor(statement)
        var found: [Wake] = []
        var olderInARow = 0
        while olderInARow < Self.olderInARow, let row = try rows.next() {
            let isFirst = found.isEmpty && olderInARow == 0
            let wake = try codec.value(Wake.self, BodyRow(row))
            let isYoung = wake.openedAt.isAtOrAfter(moment)
            olderInARow = isYoung ? 0 : olderInARow + 1
            if isFirst || (isYoung && wake.isByOwnRestart) { found.append(wake) }
        }
        return found
    }

    /// Clocks may have been stepped, so one older row is no proof that all before it are.
    private static let olderInARow = 16
}

extension Moment {
    /// Whether it is not before the other one: by boottime within a boot, else by wall time.
    fileprivate func isAtOrAfter(_ other: Moment) -> Bool {
        boot == other.boot ? boottimeMicroseconds >= other.boottimeMicroseconds : wallMilliseconds >= other.wallMilliseconds
    }
}
