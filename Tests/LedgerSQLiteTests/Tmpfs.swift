import Foundation
import Glibc
import Testing

/// A file system of its own, as small or as read-only as a test wants it. Needs root.
final class Tmpfs {
    let path: String

    init(kibibytes: Int) throws {
        path = FileManager.default.temporaryDirectory.path + "/ledger-tmpfs-\(UUID().uuidString)"
        mkdir(path, 0o700)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k,mode=0700") == 0, "mount: \(errno)")
    }

    func makeReadOnly() throws {
        try #require(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), "") == 0, "remount: \(errno)")
    }

    func makeWritable() throws {
        try #require(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "") == 0, "remount: \(errno)")
    }

    func fill() {
        let file = open(path + "/filler", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        let block = [UInt8](repeating: 7, count: 1024)
        while write(file, block, block.count) > 0 {}
        close(file)
    }

    func unfill() { unlink(path + "/filler") }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    /// Whether file systems may be mounted here. In CI they must be: there a skipped test would be a lie.
    static var isAllowed: Bool { geteuid() == 0 || ProcessInfo.processInfo.environment["CI"] == "true" }
}
