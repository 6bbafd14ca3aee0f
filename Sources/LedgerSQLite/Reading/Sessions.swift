import GRDB
public import WakeCore
public import WakeService

/// A session that the ledger knows.
public struct SessionRecord: Hashable, Sendable {
    /// The session.
    public let session: SessionKey
    /// When something last happened in it that we know of, in milliseconds since 1970.
    public let lastMilliseconds: Int64
    /// Its wakes that have not ended.
    public let liveWakes: Int
    /// The route of the last that named one.
    public let route: Route?
    /// What its own record says came last; nil where only its wakes are known.
    public let origin: SessionNews.Origin?
}

extension LedgerReader {
    /// The sessions that are known: those that were heard of, and those that sentinels and wakes name; the most recent first.
    ///
    /// - Parameter limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the sessions.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func sessions(limit: Int = 100) throws(WakeError) -> [SessionRecord] {
        try store.snapshot { database in
            // A ledger of an older version has no records of its own for sessions.
            let hasRecords = try database.tableExists("session")
            let rows = try Row.fetchAll(database, sql: Self.sql(hasRecords: hasRecords), arguments: [Self.clamp(limit)])
            return rows.compactMap { row in
                guard let session = try? SessionKey(row[0] as String) else { return nil }
                return SessionRecord(
                    session: session, lastMilliseconds: row[1], liveWakes: row[2],
                    route: String.fromDatabaseValue(row[3]).flatMap { Route($0) },
                    origin: String.fromDatabaseValue(row[4]).flatMap(SessionNews.Origin.init(rawValue:)))
            }
        }
    }

    /// The route of what came last is the one behind the greatest time; what names none does not count for it.
    private static func sql(hasRecords: Bool) -> String {
        """
        SELECT session, last, (SELECT count(*) FROM wake WHERE ended_ms IS NULL AND wake.session = known.session),
            substr(placed, 21),
            \(hasRecords ? "(\(origin))" : "NULL")
        FROM (SELECT session, max(at) AS last, max(printf('%020d', at) || route) AS placed FROM (
            SELECT session, opened_ms AS at, route FROM wake
            UNION ALL SELECT session, requested_ms, CASE WHEN json_valid(body) THEN json_extract(body, '$.route') END
                FROM sentinel
            \(hasRecords ? "UNION ALL SELECT key, last_ms, route FROM session" : "")) GROUP BY session) AS known
        ORDER BY last DESC, session LIMIT ?
        """
    }

    private static let origin = """
        SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.origin') END FROM session WHERE key = known.session
        """
}
