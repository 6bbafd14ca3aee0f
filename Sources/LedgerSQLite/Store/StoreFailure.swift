import GRDB
import WakeService

/// What SQLite said, in words that an operator can act on.
struct StoreFailure {
    let folder: LedgerFolder
    let underlying: any Error
    private let code: ResultCode
    private let words: String

    init(_ folder: LedgerFolder, _ underlying: any Error) {
        self.folder = folder
        self.underlying = underlying
        code = (underlying as? DatabaseError)?.resultCode ?? .SQLITE_ERROR
        words =
            (underlying as? DatabaseError).map { "\($0.message ?? "no message") (SQLite \($0.extendedResultCode.rawValue))" }
            ?? String(describing: underlying)
    }

    /// What it means where nothing was to be written.
    var onRead: WakeError {
        if let error = underlying as? WakeError { return error }
        return plain
            ?? WakeError(
                .ledgerUnavailable, "can't read the ledger '\(folder.databasePath)'", cause: words,
                hint: "Look at the disk and its log (dmesg); 'reveille ledger check' says more.")
    }

    /// What it means where something was to be written.
    ///
    /// - Returns: the error, and whether it is certain that nothing was written.
    func onWrite(isCommitting: Bool) -> (WakeError, isKnown: Bool) {
        if let error = underlying as? WakeError { return (error, true) }
        switch code {
        case .SQLITE_FULL, .SQLITE_BUSY, .SQLITE_LOCKED: return (plain ?? unknown, true)
        case .SQLITE_ERROR where plain != nil: return (plain ?? unknown, true)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return (plain ?? unknown, false)
        case .SQLITE_IOERR, .SQLITE_NOMEM: return (unknown, false)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: return (plain ?? unknown, true)
        default:
            if isCommitting, code != .SQLITE_CONSTRAINT { return (unknown, false) }
            return (
                WakeError(
                    .ledgerUnavailable, "the ledger '\(folder.databasePath)' refused a change", cause: words,
                    hint: "Run 'reveille ledger check'."), true
            )
        }
    }

    private var unknown: WakeError {
        WakeError(
            .outcomeUnknown, "a write to the ledger '\(folder.databasePath)' failed, and whether it took effect is unknown",
            cause: words, hint: "Nothing was promised. Look at the disk (dmesg), then start again: the ledger is read anew.")
    }

    private var plain: WakeError? {
        let path = folder.databasePath
        switch code {
        case .SQLITE_FULL:
            return WakeError(
                .diskFull, "no room for the ledger in '\(folder.path)'", cause: words,
                hint: "Make room on the disk (df '\(folder.path)'); nothing was written, so ask again then.")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return WakeError(
                .ledgerLocked, "the ledger '\(path)' was busy for \(Int(Store.busyTimeoutSeconds)) s", cause: words,
                hint: "Another process writes or holds it; try again, or look who has it open (fuser '\(path)').")
        case .SQLITE_CORRUPT:
            return WakeError(
                .ledgerCorrupt, "the ledger '\(path)' is damaged", cause: words,
                hint: "Stop the daemon, move ledger.sqlite and ledger.sqlite-wal away (keep them), copy the newest file of "
                    + "'\(folder.backupsPath)' or a backup of yours to '\(path)', then run 'reveille ledger adopt'.")
        case .SQLITE_NOTADB: return .notALedger(path, words)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            return WakeError(
                .ledgerUnavailable, "can't open or write the ledger '\(path)'", cause: words,
                hint: "Check that the file system is not read-only and that '\(folder.path)' and its files belong to you.")
        case .SQLITE_ERROR where words.contains("no such table"):
            return WakeError(
                .ledgerLocked, "the ledger '\(path)' is of an older version, and the daemon that holds it is too", cause: words,
                hint: "Restart the daemon: the newer one brings the ledger up to date.")
        default: return nil
        }
    }
}

extension WakeError {
    static func notALedger(_ path: String, _ cause: String) -> WakeError {
        WakeError(
            .notALedger, "'\(path)' is not a ledger of ours", cause: cause,
            hint: "Name another folder, or move the file away (never overwrite it: it may be somebody's data).")
    }
}
