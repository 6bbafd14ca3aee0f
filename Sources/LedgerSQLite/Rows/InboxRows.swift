import Foundation
import GRDB
import Glibc
import WakeCore
import WakeService

/// The inbox table: a row appended is one page written, one statement, one sync.
struct InboxRows {
    let store: Store

    // The next number is beyond every row there is and every row there was. A request for `self` keeps the epoch in force now,
    // so that the daemon that is starting at this moment can tell whether it is the restart that was meant.
    private static let insert = """
        INSERT INTO inbox (row, epoch, body, sum) SELECT
            1 + max((SELECT value FROM meta WHERE key = 'inbox'), ifnull((SELECT max(row) FROM inbox), 0)),
            CASE WHEN ?2 THEN ifnull((SELECT body FROM epoch WHERE target = 'self'), '') END, ?1, ?3
        WHERE ifnull((SELECT max(row) FROM inbox) - (SELECT min(row) FROM inbox), 0) < \(maximumWaitingRows)
        """

    /// The most rows handed out at once.
    static let maximumRows = 1000

    /// The most rows that may wait for the daemon.
    static let maximumWaitingRows = 100_000

    func append(_ item: InboxItem) throws(WakeError) -> Int64 {
        var keepsEpoch = false
        if case .request(let request) = item {
            keepsEpoch = request.target == .daemon && request.epoch == nil
            guard request.problems.isEmpty else {
                throw WakeError(
                    .invalidRequest, "the request can't be accepted", cause: request.problems.joined(separator: "; "),
                    hint: "Mend what is said above and ask again; nothing was written.")
            }
        }
        let text = try InboxCodec.text(item)
        let row = try store.writeStatement { database in
            try database.cachedStatement(sql: Self.insert).execute(arguments: [text, keepsEpoch, Checksum.of(text)])
            guard database.changesCount == 1 else {
                throw WakeError(
                    .ledgerUnavailable, "\(Self.maximumWaitingRows) items wait in the inbox of '\(store.folder.path)' already",
                    hint: "Start the daemon, which applies them, or look what fills it: 'reveille status'.")
            }
            return database.lastInsertedRowID
        }
        // Whoever watches the log hears of the write itself before the row can be seen, so say it once more.
        utimensat(AT_FDCWD, store.folder.logPath, nil, 0)
        return row
    }

    /// The oldest rows after one; `skipsHeld` leaves out what awaits adoption, as the daemon does.
    func rows(after row: Int64, limit: Int, skipsHeld: Bool) throws(WakeError) -> [InboxRow] {
        let limit = max(0, min(limit, Self.maximumRows))
        return try store.read { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT row, epoch, body, sum FROM inbox
                    WHERE row > max(?1, CASE WHEN ?3 THEN ifnull((SELECT value FROM meta WHERE key = 'inboxHeld'), 0) ELSE 0 END)
                    ORDER BY row LIMIT ?2
                    """)
            return try Row.fetchAll(statement, arguments: [row, limit, skipsHeld]).map(Self.read)
        }
    }

    private static func read(_ row: Row) -> InboxRow {
        let number: Int64 = row[0]
        guard let body = String.fromDatabaseValue(row[2]) else {
            return InboxRow(row: number, item: .unreadable(reason: "it holds no text"))
        }
        if let sum = Int64.fromDatabaseValue(row[3]), sum != Checksum.of(body) {
            return InboxRow(row: number, item: .unreadable(reason: "it is damaged: its checksum is wrong"))
        }
        let kept = String.fromDatabaseValue(row[1])
        return InboxRow(row: number, item: InboxCodec.item(body, epoch: kept.map(epoch)))
    }

    private static func epoch(_ body: String) -> Epoch {
        let stored = body.isEmpty ? nil : try? BodyCodec().value(Epoch.self, Data(body.utf8), of: "the epoch of an inbox row")
        return stored ?? .token(InboxCodec.noEpoch)
    }
}
