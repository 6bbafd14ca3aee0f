import Glibc
public import WakeService

/// The folder that a ledger lives in, with the names of its files. Belongs to one user and is closed to all others.
public struct LedgerFolder: Sendable, Hashable {
    /// The folder's path, without a slash at the end.
    public let path: String

    /// Names the folder; nothing is touched yet.
    public init(_ path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path.isEmpty ? "." : path
    }

    /// The database.
    public var databasePath: String { path + "/ledger.sqlite" }
    /// Its write-ahead log.
    public var logPath: String { databasePath + "-wal" }
    /// Held by the one daemon.
    public var lockPath: String { path + "/instance.lock" }
    /// Changes with each start of the daemon, so that a copied or restored database is seen to be one.
    public var generationPath: String { path + "/generation" }
    /// Where backups go that are made before a migration.
    public var backupsPath: String { path + "/backups" }

    /// Whether the database is there.
    public var hasDatabase: Bool { Self.status(databasePath) != nil }

    /// Makes the folder, and those above it that are missing, closed to others (0700). Does nothing where it is there.
    ///
    /// - Throws: ``WakeService/WakeError/Code/ledgerUnavailable``.
    public func create() throws(WakeError) {
        if Self.status(path) != nil { return }
        var parent: String?
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { parent = String(path[..<slash]) }
        if let parent, Self.status(parent) == nil { try LedgerFolder(parent).create() }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw unavailable("can't make the ledger's folder '\(path)'", errno, "Make it by hand, or name another one.")
        }
        if let parent, geteuid() == 0, let owner = Self.status(parent), owner.st_uid != 0 {
            _ = chown(path, owner.st_uid, owner.st_gid)
        }
        guard synchroniseParent() else { throw unavailable("can't make the new folder '\(path)' durable", errno) }
    }

    /// Checks that the folder is there, is ours, is closed to others, and lies on a file system that keeps promises.
    ///
    /// - Returns: the kind of file system.
    /// - Throws: ``WakeService/WakeError/Code/ledgerUnavailable`` with what to do.
    @discardableResult
    public func verify() throws(WakeError) -> FileSystemKind {
        guard let status = Self.status(path) else {
            throw unavailable(
                "there is no folder '\(path)'", errno, "Check the path; the daemon makes the folder when it starts.")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw WakeError(
                .ledgerUnavailable, "'\(path)' is not a folder", hint: "Name the folder that holds ledger.sqlite, not a file.")
        }
        guard status.st_uid == geteuid() || geteuid() == 0 else {
            throw WakeError(
                .ledgerUnavailable,
                "the ledger's folder '\(path)' belongs to user \(status.st_uid), and this is user \(geteuid())",
                hint: "Run it as that user, or name a folder of your own.")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw WakeError(
                .ledgerUnavailable, "others may write to the ledger's folder '\(path)'", hint: "chmod go-w '\(path)'")
        }
        let kind = FileSystemKind.of(path)
        if case .network(let name) = kind {
            throw WakeError(
                .ledgerUnavailable, "the ledger's folder '\(path)' lies on a network file system (\(name))",
                cause: "locks and syncs can't be relied on there", hint: "Move it to a local disk.")
        }
        return kind
    }

    /// Makes an empty file, closed to others, that belongs to the folder's owner. Never overwrites.
    func makeFile(_ file: String) throws(WakeError) {
        let descriptor = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let taken = errno == EEXIST
            throw unavailable(
                "can't make '\(file)'", errno, taken ? "It is there already; name another file, or move it away." : nil)
        }
        giveToOwner(descriptor)
        Glibc.close(descriptor)
    }

    /// Root works on another user's ledger without leaving files that the user can't open.
    func giveToOwner(_ descriptor: Int32) {
        guard geteuid() == 0, let status = Self.status(path), status.st_uid != 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    /// Makes the write-ahead log's name durable before SQLite does: of that, SQLite passes a failure over. Only beside a ledger of
    /// ours that uses one (bytes 18 and 19 of the header, and the application id at 68): nothing is put beside anybody else's file.
    func prepareLog() throws(WakeError) {
        guard Self.status(logPath) == nil else { return }
        let header = Self.beginning(databasePath, bytes: 72)
        guard header.count == 72, header[18] == 2, header[19] == 2,
            header[68...].reduce(0, { $0 << 8 | Int($1) }) == Schema.applicationID
        else { return }
        let descriptor = open(logPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unavailable("can't make '\(logPath)'", errno) }
        giveToOwner(descriptor)
        Glibc.close(descriptor)
        guard Self.synchronise(path) else { throw unavailable("can't make the names in '\(path)' durable", errno) }
    }

    private static func beginning(_ path: String, bytes: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { Glibc.close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: bytes)
        return Array(buffer.prefix(max(0, read(descriptor, &buffer, bytes))))
    }

    func unavailable(_ message: String, _ code: Int32, _ hint: String? = nil) -> WakeError {
        let hints: [Int32: String] = [
            EACCES: "Check the permissions of '\(path)' and of the folders above it.",
            EROFS: "The file system is mounted read-only; remount it, or name a folder elsewhere.",
            ENOSPC: "Make room on the disk.",
            EDQUOT: "The disk quota is used up; make room.",
        ]
        let kind: WakeError.Code = code == ENOSPC || code == EDQUOT ? .diskFull : .ledgerUnavailable
        return WakeError(kind, message, cause: String(cString: strerror(code)), hint: hint ?? hints[code])
    }

    /// The status of a file; nil with `errno` set where there is none.
    static func status(_ path: String) -> stat? {
        var status = stat()
        return fstatat(AT_FDCWD, path, &status, 0) == 0 ? status : nil
    }

    /// Makes this folder's own name durable, where its parent may be read at all.
    func synchroniseParent() -> Bool {
        guard let slash = path.lastIndex(of: "/") else { return Self.synchronise(".") || errno == EACCES }
        return Self.synchronise(slash == path.startIndex ? "/" : String(path[..<slash])) || errno == EACCES
    }

    /// Makes the names in a folder durable. Some file systems can't, and then need not.
    @discardableResult
    static func synchronise(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        return fsync(descriptor) == 0 || errno == EINVAL
    }
}
