import CLedgerShim
import Glibc

/// What kind of file system a folder lies on, by its magic number (statfs(2)).
public enum FileSystemKind: Hashable, Sendable {
    /// On a disk of this machine, as far as can be told.
    case local
    /// In memory: gone after a reboot.
    case volatile(String)
    /// Somewhere else: neither locks nor syncs can be relied on.
    case network(String)

    static func of(_ path: String) -> FileSystemKind {
        of(magic: reveille_file_system_magic(path))
    }

    static func of(magic: UInt32) -> FileSystemKind {
        if let (_, name) = inMemory.first(where: { $0.magic == magic }) { return .volatile(name) }
        if let (_, name) = distant.first(where: { $0.magic == magic }) { return .network(name) }
        return .local
    }

    /// Room for ordinary users, in bytes.
    static func freeBytes(_ path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(clamping: status.f_bavail) * Int64(status.f_frsize)
    }

    // Lists, not dictionaries: each is looked at once, and a command line can't afford a dictionary's first use.
    private static let inMemory: [(magic: UInt32, name: String)] = [(0x0102_1994, "tmpfs"), (0x8584_58F6, "ramfs")]

    private static let distant: [(magic: UInt32, name: String)] = [
        (0x0000_6969, "NFS"), (0x0000_517B, "SMB"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2"), (0x7375_7245, "Coda"),
        (0x5346_414F, "AFS"), (0x6B41_4653, "AFS"), (0x0102_1997, "9p"), (0x6573_5546, "FUSE"), (0x00C3_6400, "Ceph"),
        (0x0BD0_0BD0, "Lustre"), (0x0116_1970, "GFS2"), (0x7461_636F, "OCFS2"), (0x786F_4256, "VirtualBox shared folder"),
    ]
}
