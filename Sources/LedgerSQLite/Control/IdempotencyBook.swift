import GRDB
public import WakeCore
public import WakeService

/// Which calls with an idempotency key were begun, and what they were answered: across restarts. Its calls block.
public struct IdempotencyBook: Sendable {
    /// What is known of a call.
    public enum Claim: Hashable, Sendable {
        /// It is new, and yours from now on: ``IdempotencyBook/settle(caller:method:key:reply:at:)`` it, or
        /// ``IdempotencyBook/abandon(caller:method:key:)`` it where nothing was done.
        case fresh
        /// It was answered so.
        case settled(reply: JSONValue)
        /// It was begun then (milliseconds since 1970) and never settled: it is under way, or was cut off.
        case begun(atMilliseconds: Int64)
        /// The key was used for other parameters.
        case mismatch
    }

    /// How long a key is known.
    public static let lifetime: Duration = .seconds(7 * 86_400)
    /// The most keys that are known; older ones are forgotten.
    public static let maximumRows: Int64 = 100_000

    let store: Store

    /// Claims a call; what it returns is on disk.
    ///
    /// - Parameters:
    ///   - caller: who calls; keys of different callers are different.
    ///   - method: what is called.
    ///   - key: the caller's key, at most 512 bytes.
    ///   - digest: of the parameters.
    ///   - moment: now.
    /// - Returns: whether the call is new, and what is known of it where it is not.
    /// - Throws: `disk-full`, `ledger-locked`, `invalid-request` and the other errors of a write.
    public func claim(caller: String, method: String, key: String, digest: String, at moment: Moment) throws(WakeError) -> Claim {
        guard !key.isEmpty, key.utf8.count <= 512 else {
            throw WakeError(.invalidRequest, "an idempotency key has 1 to 512 bytes, this one \(key.utf8.count)")
        }
        let now = moment.wallMilliseconds
        // Most repeated calls only look; looking costs no sync.
        if let known = try store.read({ try Self.known($0, caller, method, key, digest, now) }) { return known }
        let claim = try store.write { database -> Claim in
            if let known = try Self.known(database, caller, method, key, digest, now) { return known }
            try database.execute(
                sql: "DELETE FROM idempotency WHERE caller = ? AND method = ? AND key = ?", arguments: [caller, method, key])
            try database.execute(
                sql: "INSERT INTO idempotency (caller, method, key, digest, begun_ms) VALUES (?, ?, ?, ?, ?)",
                arguments: [caller, method, key, digest, now])
            try Self.prune(database, last: database.lastInsertedRowID, now)
            return .fresh
        }
        try store.checkpointIfLarge()
        return claim
    }

    /// Keeps the answer.
    ///
    /// - Parameters:
    ///   - caller: as claimed.
    ///   - method: as claimed.
    ///   - key: as claimed.
    ///   - reply: what was answered.
    ///   - moment: now.
    /// - Throws: what a write throws; nothing was kept then.
    public func settle(caller: String, method: String, key: String, reply: JSONValue, at moment: Moment) throws(WakeError) {
        try store.writeStatement { database in
            try database.execute(
                sql: "UPDATE idempotency SET reply = ?, settled_ms = ? WHERE caller = ? AND method = ? AND key = ?",
                arguments: [reply.text, moment.wallMilliseconds, caller, method, key])
        }
        try store.checkpointIfLarge()
    }

    /// Gives a claim back that did nothing, so that the same call can be made anew. What is settled stays.
    ///
    /// - Parameters:
    ///   - caller: as claimed.
    ///   - method: as claimed.
    ///   - key: as claimed.
    /// - Throws: what a write throws.
    public func abandon(caller: String, method: String, key: String) throws(WakeError) {
        try store.writeStatement { database in
            try database.execute(
                sql: "DELETE FROM idempotency WHERE caller = ? AND method = ? AND key = ? AND reply IS NULL",
                arguments: [caller, method, key])
        }
    }

    private static func known(
        _ database: Database, _ caller: String, _ method: String, _ key: String, _ digest: String, _ now: Int64
    ) throws -> Claim? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT digest, begun_ms, reply FROM idempotency WHERE caller = ? AND method = ? AND key = ? AND begun_ms >= ?
                """)
        let oldest = now - lifetime.wholeMilliseconds
        guard let row = try Row.fetchOne(statement, arguments: [caller, method, key, oldest]) else { return nil }
        guard row[0] as String == digest else { return .mismatch }
        guard let reply: String = row[2] else { return .begun(atMilliseconds: row[1]) }
        do {
            return .settled(reply: try JSONValue.parse(text: reply))
        } catch {
            throw WakeError(
                .ledgerCorrupt, "the kept answer to \(method) can't be read", cause: String(describing: error),
                hint: "Call again with another key.")
        }
    }

    /// A small bite at each new key.
    private static func prune(_ database: Database, last: Int64, _ now: Int64) throws {
        try database.execute(sql: "DELETE FROM idempotency WHERE number <= ?", arguments: [last - maximumRows])
        try database.execute(
            sql: "DELETE FROM idempotency WHERE number IN (SELECT number FROM idempotency WHERE begun_ms < ? LIMIT 20)",
            arguments: [now - lifetime.wholeMilliseconds])
    }
}

extension SQLiteLedger {
    /// Idempotency keys. Writes on the ledger's own connection, each one sync long.
    public var idempotency: IdempotencyBook { IdempotencyBook(store: store) }
}
