import GRDB
public import WakeCore
public import WakeService

extension LedgerReader {
    /// Turns that are commands, newest first.
    ///
    /// - Parameters:
    ///   - running: only those that run; default all.
    ///   - limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the turns.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func turns(running: Bool = false, limit: Int = 100) throws(WakeError) -> [Turn] {
        let only = running ? "WHERE ended_ms IS NULL" : ""
        return try store.snapshot {
            try BodyCodec().values(
                Turn.self, $0, "SELECT body, id, sum FROM turn \(only) ORDER BY rowid DESC LIMIT ?", [Self.clamp(limit)])
        }
    }

    /// One turn, by the beginning of its id.
    ///
    /// - Parameter prefix: of the id.
    /// - Returns: the turn.
    /// - Throws: `not-found`, or `invalid-request` where several begin so.
    public func turn(_ prefix: String) throws(WakeError) -> Turn {
        let found = try store.snapshot { database in
            try BodyCodec().values(
                Turn.self, database, "SELECT body, id, sum FROM turn WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2",
                [prefix])
        }
        return try Self.only(found, "turn", prefix, \.id, "reveille turn list --all")
    }
}
