import Foundation
import Installation

/// Looks at files and writes them so that a crash leaves the old one or the new one, whole.
enum InstallerDisk {
    /// The name under which a file is kept that is written over.
    static let backupEnding = ".before-install"

    /// What lies at a path. Links are not followed: what is beyond them is not ours.
    static func look(_ path: String) -> OnDisk {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? .absent : .other("can't be looked at: \(reason())")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK:
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? "?"
            return .other(target == "/dev/null" ? "masked: a link to /dev/null" : "a link to \(target)")
        default: return .other("no plain file")
        }
        guard status.st_size <= 1 << 20 else { return .other("larger than any file of ours") }
        guard let data = FileManager.default.contents(atPath: path) else { return .other("can't be read") }
        return .file(data)
    }

    /// Writes a file.
    ///
    /// - Returns: the folders that had to be made, outermost first.
    static func write(_ data: Data, to path: String, keepingOld: Bool = false) throws -> [String] {
        let made = try makeFolders(above: path)
        if keepingOld { try keep(path) }
        let folder = (path as NSString).deletingLastPathComponent
        let temporary = temporary(for: path)
        unlink(temporary)  // of an install that was cut off
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw cannotWrite(path) }
        defer { close(descriptor) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        do {
            try handle.write(contentsOf: data)
        } catch {
            unlink(temporary)
            throw Complaint(.cannotCreate, "\(path) can't be written: \(error)", hint: "Is there room on that disk?")
        }
        guard fchmod(descriptor, 0o644) == 0, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            let complaint = cannotWrite(path)
            unlink(temporary)
            throw complaint
        }
        sync(folder: folder)
        return made
    }

    /// What a file is called until it is whole.
    private static func temporary(for path: String) -> String {
        (path as NSString).deletingLastPathComponent + "/." + (path as NSString).lastPathComponent + ".reveille-install"
    }

    /// Removes a file, if it is there, and what an install that was cut off left beside it.
    static func remove(_ path: String) throws {
        unlink(temporary(for: path))
        guard unlink(path) == 0 || errno == ENOENT else {
            throw Complaint(.cannotCreate, "\(path) can't be removed: \(reason())", hint: "Remove it by hand.")
        }
        sync(folder: (path as NSString).deletingLastPathComponent)
    }

    /// A second name for what is there, one that is not taken.
    private static func keep(_ path: String) throws {
        for number in 1...99 {
            let backup = path + backupEnding + (number == 1 ? "" : ".\(number)")
            if link(path, backup) == 0 { return Printing.line("keep \(backup)") }
            guard errno == EEXIST else { throw cannotWrite(backup) }
        }
        throw Complaint(.cannotCreate, "there are 99 backups of \(path)", hint: "Remove some: \(path)\(backupEnding)*")
    }

    /// Makes the folders that a path needs.
    ///
    /// - Returns: those that had to be made, outermost first.
    static func makeFolders(above path: String) throws -> [String] {
        var missing: [String] = []
        var folder = (path as NSString).deletingLastPathComponent
        while !FileManager.default.fileExists(atPath: folder), folder != "/" {
            missing.insert(folder, at: 0)
            folder = (folder as NSString).deletingLastPathComponent
        }
        for folder in missing {
            // The machine's own are open whatever the umask is: the daemon's user must get in. A user's are private (XDG).
            let mode: mode_t = geteuid() == 0 ? 0o755 : 0o700
            guard mkdir(folder, mode) == 0 || errno == EEXIST else { throw cannotWrite(folder) }
            chmod(folder, mode)
        }
        return missing
    }

    private static func sync(folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    static func cannotWrite(_ path: String) -> Complaint {
        let number = errno
        return Complaint(
            number == EACCES || number == EPERM ? .permission : .cannotCreate, "\(path) can't be written: \(reason(number))",
            hint: number == EROFS ? "That file system is read-only; install the units with your system's own means." : nil)
    }

    private static func reason(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }
}
