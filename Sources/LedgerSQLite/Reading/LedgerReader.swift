import Foundation
import GRDB
public import WakeCore
public import WakeService

/// Looks things up for people: newest first, never more than asked for, and without changing anything.
public struct LedgerReader: Sendable {
    let store: Store

    /// The most rows that one list holds.
    public static let maximumRows = 10_000

    init(_ store: Store) { self.store = store }

    // MARK: Sentinels

    /// Sentinels, newest first.
    ///
    /// - Parameters:
    ///   - open: only those that are open; default all.
    ///   - limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the sentinels.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func sentinels(open: Bool = false, limit: Int = 100) throws(WakeError) -> [Sentinel] {
        let sql =
            open
            ? "SELECT body, id, sum FROM sentinel WHERE ended_ms IS NULL ORDER BY requested_ms DESC LIMIT ?"
            : "SELECT body, id, sum FROM sentinel ORDER BY rowid DESC LIMIT ?"
        return try store.snapshot { try BodyCodec().values(Sentinel.self, $0, sql, [Self.clamp(limit)]) }
    }

    /// One sentinel, by its id or the beginning of it.
    ///
    /// - Throws: `not-found`, or `invalid-request` where several begin so.
    public func sentinel(_ prefix: String) throws(WakeError) -> Sentinel {
        let found = try store.snapshot { database in
            try BodyCodec().values(
                Sentinel.self, database,
                "SELECT body, id, sum FROM sentinel WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2",
                [prefix])
        }
        return try Self.only(found, "sentinel", prefix, \.id, "reveille sentinel list --all")
    }

    // MARK: Wakes

    /// Wakes with their deliveries and attempts, newest first.
    ///
    /// - Parameters:
    ///   - filter: which; default those that have not ended.
    ///   - limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the wakes.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func wakes(_ filter: WakeFilter = .live, limit: Int = 100) throws(WakeError) -> [WakeRecord] {
        try store.snapshot { database in
            let limit = Self.clamp(limit)
            let wakes: [Wake] =
                switch filter {
                case .live: try Self.wakes(database, "WHERE ended_ms IS NULL ORDER BY sequence DESC LIMIT ?", [limit])
                case .all: try Self.wakes(database, "ORDER BY rowid DESC LIMIT ?", [limit])
                case .session(let session):
                    try Self.wakes(database, "WHERE session = ? ORDER BY rowid DESC LIMIT ?", [session.description, limit])
                case .unresolved:
                    try Self.wakes(
                        database,
                        """
                        WHERE id IN (SELECT substr(id, 1, length(id) - 1) FROM delivery WHERE state = 'unresolved')
                        ORDER BY sequence DESC LIMIT ?
                        """, [limit])
                }
            return try wakes.map { try Self.record($0, database) }
        }
    }

    /// One wake, by its id or the beginning of it.
    ///
    /// - Throws: `not-found`, or `invalid-request` where several begin so.
    public func wake(_ prefix: String) throws(WakeError) -> WakeRecord {
        let found = try store.snapshot { database in
            try Self.wakes(database, "WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2", [prefix])
                .map { try Self.record($0, database) }
        }
        return try Self.only(found, "wake", prefix, \.wake.id, "reveille wake list --all")
    }

    private static func wakes(_ database: Database, _ rest: String, _ arguments: StatementArguments) throws -> [Wake] {
        try BodyCodec().values(Wake.self, database, "SELECT body, id, sum FROM wake " + rest, arguments)
    }

    private static func record(_ wake: Wake, _ database: Database) throws -> WakeRecord {
        let deliveries = try LiveRows(database: database).deliveries(of: wake.id)
        return WakeRecord(
            wake: wake, deliveries: deliveries, attempts: try deliveries.flatMap { try attempts($0.id, database) })
    }

    private static func attempts(_ id: DeliveryID, _ database: Database) throws -> [AttemptRecord] {
        let statement = try database.cachedStatement(
            sql: "SELECT number, result, body FROM attempt WHERE delivery = ? ORDER BY rowid DESC LIMIT ?")
        let codec = BodyCodec()
        return try Row.fetchAll(statement, arguments: [id.description, Limits.attemptsShown]).reversed().map { row in
            AttemptRecord(
                delivery: id, number: row[0], at: try codec.value(Moment.self, row[2], of: "an attempt of \(id)"), result: row[1])
        }
    }

    // MARK: Places and targets

    /// Channels as the daemon saw them last, by name.
    public func channels() throws(WakeError) -> [ChannelRecord] {
        try store.snapshot { database in
            let codec = BodyCodec()
            return try Row.fetchAll(database, sql: "SELECT name, changed_ms, body FROM channel ORDER BY name").compactMap { row in
                guard let name = ChannelName(row[0] as String) else { return nil }
                return ChannelRecord(
                    channel: name, state: try codec.value(ChannelState.self, row[2], of: "channel \(name)"),
                    changedMilliseconds: row[1])
            }
        }
    }

    /// Routes as they were checked last, by name.
    public func routes(limit: Int = 1000) throws(WakeError) -> [RouteRecord] {
        try store.snapshot { database in
            let codec = BodyCodec()
            let rows = try Row.fetchAll(
                database, sql: "SELECT route, changed_ms, body FROM route ORDER BY route LIMIT ?", arguments: [Self.clamp(limit)])
            return try rows.compactMap { row in
                guard let route = Route(row[0] as String) else { return nil }
                return RouteRecord(
                    route: route, state: try codec.value(RouteState.self, row[2], of: "route \(route)"),
                    checkedMilliseconds: row[1])
            }
        }
    }

    /// The last seen epoch of each target, by name.
    public func epochs() throws(WakeError) -> [EpochRecord] { try store.snapshot { try LiveRows(database: $0).epochs() } }

    // MARK: Inbox

    /// What the daemon has not applied yet, oldest first.
    public func inbox(limit: Int = 100) throws(WakeError) -> [InboxRow] {
        try InboxRows(store: store).rows(after: 0, limit: limit, skipsHeld: false)
    }

    /// A request that the daemon has not applied yet; nil where none with this id waits.
    public func pendingRequest(_ id: SentinelID) throws(WakeError) -> RestartRequest? {
        let inbox = InboxRows(store: store)
        var last: Int64 = 0
        while true {
            let rows = try inbox.rows(after: last, limit: InboxRows.maximumRows, skipsHeld: false)
            for row in rows {
                if case .request(let request) = row.item, request.id == id { return request }
            }
            guard let end = rows.last else { return nil }
            last = end.row
        }
    }

    /// What it could not use, newest first.
    public func refused(limit: Int = 100) throws(WakeError) -> [RefusedRow] {
        try store.snapshot { database in
            try Row.fetchAll(
                database, sql: "SELECT row, reason, refused_ms FROM inbox_refused ORDER BY row DESC LIMIT ?",
                arguments: [Self.clamp(limit)]
            ).map { RefusedRow(row: $0[0], reason: $0[1], refusedMilliseconds: $0[2]) }
        }
    }

    // MARK: The whole

    /// How much there is of what.
    public func counts() throws(WakeError) -> LedgerCounts {
        try store.snapshot { database in
            func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: "SELECT count(*) FROM " + sql) ?? 0 }
            var states: [String: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery.state, count(*) FROM wake
                    CROSS JOIN delivery ON delivery.id IN (wake.id || 'n', wake.id || 't')
                    WHERE wake.ended_ms IS NULL GROUP BY delivery.state
                    """)
            for row in rows { states[row[0]] = row[1] }
            return LedgerCounts(
                openSentinels: try count("sentinel WHERE ended_ms IS NULL"), liveWakes: try count("wake WHERE ended_ms IS NULL"),
                liveDeliveries: states, unresolvedDeliveries: try count("delivery WHERE state = 'unresolved'"),
                inboxRows: try count("inbox"), refusedRows: try count("inbox_refused"))
        }
    }

    /// Why what was owed is held as unresolved until `reveille ledger adopt`; nil where it is not.
    public func adoptionReason() throws(WakeError) -> String? { try store.read { try Meta.text("adoption", $0) } }

    // MARK: -

    static func clamp(_ limit: Int) -> Int { max(1, min(limit, maximumRows)) }

    static func only<Value>(
        _ found: [Value], _ noun: String, _ prefix: String, _ id: (Value) -> some CustomStringConvertible, _ command: String
    ) throws(WakeError) -> Value {
        guard let first = found.first, !prefix.isEmpty else {
            throw WakeError(.notFound, "no \(noun) has an id that begins with '\(prefix)'", hint: "'\(command)' shows them.")
        }
        guard found.count == 1 else {
            throw WakeError(
                .invalidRequest, "several \(noun)s have an id that begins with '\(prefix)'",
                cause: found.map { id($0).description }.joined(separator: ", ") + ", …", hint: "Give more of the id.")
        }
        return first
    }
}
