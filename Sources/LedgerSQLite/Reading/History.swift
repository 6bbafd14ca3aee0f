import Foundation
import GRDB
public import WakeCore
public import WakeService

/// One restart that was asked for or seen, as one session was promised to hear of it.
public struct RestartRecord: Hashable, Sendable {
    /// The sentinel's id.
    public let sentinel: SentinelID
    /// What restarts.
    public let target: RestartTarget
    /// How we came to know of it.
    public let origin: Sentinel.Origin
    /// Where it stands, as in the drawings.
    public let state: String
    /// Why the wake is owed; nil while nothing has happened, and where nothing did.
    public let cause: Sentinel.Cause?
    /// When it was asked for, or seen.
    public let requested: Moment
    /// When it was over: it happened, or never will; nil while it is open.
    public let ended: Moment?
    /// Whom it concerns.
    public let session: SessionKey
    /// What that session is told.
    public let note: String
    /// The wake that tells it.
    public let wake: WakeID?

    init(_ sentinel: Sentinel) {
        self.sentinel = sentinel.id
        target = sentinel.target
        origin = sentinel.origin
        state = sentinel.stateName
        if case .fired(let cause) = sentinel.state { self.cause = cause } else { cause = nil }
        requested = sentinel.requestedAt
        ended = sentinel.isOpen ? nil : sentinel.stateSince
        session = sentinel.session
        note = sentinel.note
        wake = sentinel.wake
    }
}

extension LedgerReader {
    /// The daemon's lives, newest first, the present one included.
    ///
    /// - Parameter limit: 1 to 1,000; default 100.
    /// - Returns: the lives.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func starts(limit: Int = 100) throws(WakeError) -> [StartRecord] {
        try store.read { try StartRows.records($0, before: .max, limit: Self.clamp(limit)) }
    }

    /// The history of restarts: sentinels, newest first, without those that only report what became of another. A restart that several
    /// sessions asked for is there once for each of them, since each may have heard another thing.
    ///
    /// - Parameter limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the restarts.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func restarts(limit: Int = 100) throws(WakeError) -> [RestartRecord] {
        try store.snapshot { database in
            try BodyCodec().values(
                Sentinel.self, database,
                """
                SELECT body, id, sum FROM sentinel
                WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.origin') END IS NOT 'report' ORDER BY rowid DESC LIMIT ?
                """, [Self.clamp(limit)])
        }.map(RestartRecord.init)
    }
}
