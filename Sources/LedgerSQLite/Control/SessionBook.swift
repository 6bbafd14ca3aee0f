import GRDB
public import WakeCore
public import WakeService

/// That something happened in a session.
public struct SessionNews: Hashable, Sendable {
    /// What happened.
    public enum Origin: String, Hashable, Sendable {
        /// A sentinel or a wake named it.
        case wake
        /// A turn of its agent began or ended.
        case turn
        /// A person wrote in it, while its work was pending.
        case person
    }

    /// The session.
    public var session: SessionKey
    /// Where; nil leaves what is known of that.
    public var route: Route?
    /// When, in milliseconds since 1970.
    public var atMilliseconds: Int64
    /// What.
    public var origin: Origin

    /// Makes one; see the properties.
    public init(session: SessionKey, route: Route?, atMilliseconds: Int64, origin: Origin) {
        self.session = session
        self.route = route
        self.atMilliseconds = atMilliseconds
        self.origin = origin
    }
}

extension SQLiteLedger {
    /// The most sessions that are kept; those that were heard of longest ago go first.
    public static let maximumSessions = 10_000

    /// Keeps what was heard of sessions, all in one transaction. News older than what is known changes nothing.
    ///
    /// - Parameter news: at most one for each session.
    /// - Throws: what ``commit(_:)`` throws; nothing was kept then.
    public func noteSessions(_ news: [SessionNews]) throws(WakeError) {
        guard !news.isEmpty else { return }
        try store.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO session (key, agent, route, last_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (key) DO UPDATE SET route = ifnull(?3, route), last_ms = ?4, body = ?5 WHERE last_ms <= ?4
                    """)
            for item in news {
                let body: JSONValue = ["origin": .string(item.origin.rawValue)]
                try statement.execute(
                    arguments: [
                        item.session.description, item.session.agent ?? "", item.route?.description, item.atMilliseconds,
                        body.text,
                    ])
            }
            try database.execute(
                sql: """
                    DELETE FROM session WHERE key IN (
                        SELECT key FROM session ORDER BY last_ms DESC, key LIMIT -1 OFFSET ?)
                    """, arguments: [Self.maximumSessions])
        }
        try store.checkpointIfLarge()
    }
}
