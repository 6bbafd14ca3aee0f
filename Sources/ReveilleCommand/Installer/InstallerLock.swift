import Foundation
import Installation

/// Keeps two installs of one place apart: a lock on a file beside the manifest, held until the process ends.
struct InstallerLock {
    /// How long the second waits for the first, which may wait for the daemon's start.
    static let patience: Duration = .seconds(30)

    private let path: String
    private let descriptor: Int32

    /// Takes the lock, and waits for it where another process has it.
    ///
    /// - Parameters:
    ///   - path: the lock's file; ``InstallerGround/lock``.
    ///   - patience: how long to wait.
    /// - Returns: the lock, which ends with the process.
    /// - Throws: a `Complaint` that names the holder.
    static func take(_ path: String, patience: Duration = patience) async throws -> InstallerLock {
        let clock = ContinuousClock()
        let end = clock.now + patience
        var isWaitTold = false
        while true {
            if let lock = try attempt(path) { return lock }
            let holder = holder(path)
            guard clock.now < end else {
                throw Complaint(
                    .tryLater, "another install or uninstall is at work here\(holder)",
                    hint: "Let it end, then run the same command again.")
            }
            if !isWaitTold { Printing.line("wait another install or uninstall is at work here\(holder)") }
            isWaitTold = true
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Removes the file and lets go of it; for an uninstall, which leaves nothing. Without it the lock ends with the process.
    func remove() {
        unlink(path)
        close(descriptor)
    }

    /// nil: somebody else has it, or it was removed at this moment.
    private static func attempt(_ path: String) throws -> InstallerLock? {
        _ = try InstallerDisk.makeFolders(above: path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw InstallerDisk.cannotWrite(path) }
        var held = stat()
        var named = stat()
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &held) == 0, lstat(path, &named) == 0,
            held.st_ino == named.st_ino, held.st_dev == named.st_dev
        else {
            close(descriptor)
            return nil
        }
        let words = "\(getpid())\n"
        ftruncate(descriptor, 0)
        _ = words.withCString { pwrite(descriptor, $0, words.utf8.count, 0) }
        return InstallerLock(path: path, descriptor: descriptor)
    }

    private static func holder(_ path: String) -> String {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0.prefix(20), as: UTF8.self) } ?? ""
        return Int32(text.filter(\.isNumber)).map { " (process \($0))" } ?? ""
    }
}
