import CLedgerShim
import GRDB
import WakeService

/// How long the write-ahead log is, in frames of one page, as of this connection's last commit.
final class LogLength: Sendable {
    private nonisolated(unsafe) let frames: UnsafeMutablePointer<Int32>

    init() {
        frames = .allocate(capacity: 1)
        frames.initialize(to: 0)
    }

    deinit { frames.deallocate() }

    var value: Int { Int(reveille_log_frames(frames)) }

    func watch(_ connection: OpaquePointer) { reveille_watch_log(connection, frames) }
}

extension Store {
    /// The log is checkpointed when it is longer than this: 4 MiB in pages of 4 KiB. Longer logs slow reads and starts down.
    static let longLogFrames = 1024

    /// Moves what the log holds into the database.
    ///
    /// - Throws: `ledger-locked` where a reader held it up (`truncate` only), `disk-full`, or `outcome-unknown`.
    func checkpoint(_ mode: Database.CheckpointMode) throws(WakeError) {
        _ = try maintain { try $0.checkpoint(mode) }
    }

    /// A passive checkpoint, if the log has grown long since the last one. A full disk or a busy reader puts it off.
    func checkpointIfLarge() throws(WakeError) {
        guard isLogLong() else { return }
        do {
            try checkpoint(.passive)
        } catch {
            if error.code != .diskFull, error.code != .ledgerLocked { throw error }
        }
    }
}
