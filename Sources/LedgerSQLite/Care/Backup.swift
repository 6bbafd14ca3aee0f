import GRDB
import Glibc
public import WakeService

extension SQLiteLedger {
    /// Writes a whole, durable copy of the ledger to a new file; the ledger stays in use meanwhile.
    ///
    /// Put in the ledger's place, the copy is known as one: what was owed in it is held until ``adopt()``.
    ///
    /// - Throws: `ledger-unavailable` where the file is there already, `disk-full`, or whatever reading throws.
    public func backUp(to path: String) throws(WakeError) { try store.backUp(to: path) }
}

extension LedgerClient {
    /// Writes a whole, durable copy of the ledger to a new file; see ``SQLiteLedger/backUp(to:)``.
    public func backUp(to path: String) throws(WakeError) { try store.backUp(to: path) }
}

extension Store {
    /// How many backups from before migrations are kept.
    static let keptBackups = 3

    func backUp(to path: String) throws(WakeError) {
        try folder.makeFile(path)
        do {
            try copy(to: path)
            let copied = try Store(folder, at: path)
            defer { copied.close() }
            _ = try copied.write { try $0.execute(sql: "UPDATE meta SET value = 'backup' WHERE key = 'generation'") }
            try copied.checkpoint(.truncate)
        } catch {
            for file in [path, path + "-wal", path + "-shm"] { unlink(file) }
            throw error
        }
        for file in [path + "-wal", path + "-shm"] { unlink(file) }
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard LedgerFolder.synchronise(path), LedgerFolder.synchronise(parent) else {
            throw folder.unavailable("can't make the backup '\(path)' durable", errno)
        }
    }

    /// Keeps a copy before the tables change, and lets go of the oldest ones.
    func backUpBeforeMigration(from version: Int) throws(WakeError) {
        let backups = LedgerFolder(folder.backupsPath)
        try backups.create()
        let names = Self.names(in: backups.path)
        let number = (names.compactMap { Int($0.prefix(6)) }.max() ?? 0) + 1
        let digits = String(number)
        let prefix = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        try backUp(to: "\(backups.path)/\(prefix)-schema-\(version).sqlite")
        for name in names.sorted().dropLast(Self.keptBackups - 1) { unlink("\(backups.path)/\(name)") }
    }

    /// The backups in a folder, by name.
    private static func names(in path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".sqlite"), Int(name.prefix(6)) != nil { names.append(name) }
        }
        return names
    }
}
