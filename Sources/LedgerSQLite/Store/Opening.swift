import GRDB
import Glibc
import Synchronization
import WakeService

/// How a ledger is opened: checked, made where there is none, migrated where it is older.
struct Opening {
    let folder: LedgerFolder
    let schema: Schema

    /// Opens as the holder of the instance lock.
    func asHolder() throws(WakeError) -> Store {
        if !folder.hasDatabase { try make() }
        try refuseWhatIsNoFile()
        try folder.prepareLog()
        let store = try Store(folder)
        let mark = try Schema.mark(of: store)
        let isCurrent = try schema.accepts(mark, at: folder.databasePath)
        try store.useLog()
        if !isCurrent {
            try store.backUpBeforeMigration(from: mark.version)
            try schema.migrate(store, from: mark.version)
        }
        return store
    }

    /// Opens beside the daemon, or while it is down.
    func asClient(create: Bool) throws(WakeError) -> Store {
        if !folder.hasDatabase {
            guard create else {
                throw WakeError(
                    .ledgerUnavailable, "there is no ledger in '\(folder.path)'",
                    hint: "Start the daemon, or write a sentinel: either makes it. Or name another folder.")
            }
            try makeUnlessDaemonDoes()
        }
        try refuseWhatIsNoFile()
        try folder.prepareLog()
        let store = try Store(folder)
        let mark = try Schema.mark(of: store)
        if try schema.accepts(mark, at: folder.databasePath) { return store }
        let lock: InstanceLock
        do {
            lock = try InstanceLock(folder, instance: nil)
        } catch {
            // In the midst of an upgrade the older daemon runs on; who asks for a restart then is heard all the same.
            if error.code == .ledgerLocked, schema.servesClients(mark) { return store }
            throw error
        }
        store.close()
        defer { lock.release() }
        return try asHolder()
    }

    /// The daemon may be making it at this moment: whoever holds the lock makes it, the other waits for it.
    private func makeUnlessDaemonDoes() throws(WakeError) {
        for _ in 0..<500 {
            do {
                let lock = try InstanceLock(folder, instance: nil)
                defer { lock.release() }
                if !folder.hasDatabase { try make() }
                return
            } catch {
                guard error.code == .ledgerLocked else { throw error }
                if folder.hasDatabase { return }
                usleep(10_000)
            }
        }
        throw InstanceLock.held(folder, try InstanceLock.holder(folder) ?? InstanceHolder(pid: 0, instance: nil))
    }

    /// Connections to drafts, closed but kept: letting go of one's dispatch queue begins libdispatch's pool, which from then on wakes the
    /// daemon every second.
    private static let drafts = Mutex<[Store]>([])

    /// Makes the database under another name and renames it when it is whole: a ledger is there or not, never half.
    private func make() throws(WakeError) {
        for trace in [folder.generationPath, folder.logPath] where LedgerFolder.status(trace) != nil {
            throw WakeError(
                .ledgerCorrupt, "'\(folder.databasePath)' is gone, but '\(trace)' shows that it was there",
                hint: "Copy a backup to '\(folder.databasePath)'; to begin anew and lose what was in it, remove '\(trace)' first."
            )
        }
        let draft = folder.databasePath + ".new"
        for file in [draft, draft + "-wal", draft + "-shm"] { unlink(file) }
        try folder.makeFile(draft)
        let store = try Store(folder, at: draft)
        try store.useLog()
        try schema.migrate(store, from: 0)
        try store.checkpoint(.truncate)
        store.close()
        Self.drafts.withLock { $0.append(store) }
        for file in [draft + "-wal", draft + "-shm"] { unlink(file) }
        guard rename(draft, folder.databasePath) == 0 else {
            throw folder.unavailable("can't name the new ledger '\(folder.databasePath)'", errno)
        }
        // The folder's own name too: whoever made the folder may have been killed before that was durable.
        guard LedgerFolder.synchronise(folder.path), folder.synchroniseParent() else {
            throw WakeError(
                .outcomeUnknown, "the folder '\(folder.path)' could not be synchronised", cause: String(cString: strerror(errno)),
                hint: "Nothing was promised. Look at the disk (dmesg), then start again.")
        }
    }

    private func refuseWhatIsNoFile() throws(WakeError) {
        guard let status = LedgerFolder.status(folder.databasePath) else {
            throw folder.unavailable("can't look at '\(folder.databasePath)'", errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notALedger(folder.databasePath, "it is not a plain file") }
        // We never leave an empty file under this name, so somebody or something emptied it.
        guard status.st_size > 0 else { throw .notALedger(folder.databasePath, "it is empty") }
    }
}
