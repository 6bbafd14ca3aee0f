import Glibc
public import RunStates

/// One run state on disk: read whole, and changed so that no reader ever sees half of it.
///
/// A change holds a lock beside the file (`.NAME.lock`, an open file description lock of fcntl(2)), writes a new file into the same folder,
/// syncs it, renames it over the old one and syncs the folder. Who edits by hand takes no lock: a change that meets a hand edit starts
/// again from what that left.
public struct RunStateFile: Hashable, Sendable {
    /// Its absolute path, as it was named.
    public let path: String

    /// What was read.
    public struct Reading: Sendable {
        /// The run state.
        public let state: RunState
        /// When its file was written last, in milliseconds since 1970.
        public let writtenAt: Int64
        let mark: Mark
    }

    /// What tells one state of a file from another.
    struct Mark: Hashable, Sendable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
        let owner: UInt32
        let group: UInt32
        let mode: UInt32

        init(_ status: stat) {
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            (owner, group, mode) = (status.st_uid, status.st_gid, status.st_mode)
        }
    }

    /// Names a file; nothing is touched.
    public init(_ path: String) { self.path = path }

    /// Its folder, and its name in it.
    var folder: String { path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "." }
    var name: String { String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]) }

    // MARK: Reading

    /// Reads it.
    ///
    /// - Throws: ``RunStates/RunStateError``: `missing`, `unavailable`, and what ``RunStates/RunState/init(_:)`` throws.
    public func read() throws(RunStateError) -> Reading {
        let real = try resolved()
        let file = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw failure("can't be read", errno, whileReading: true) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("can't be read", errno, whileReading: true) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw RunStateError(.unavailable, "'\(path)' is no plain file", hint: "Name a file.")
        }
        try requireTrust(status)
        guard status.st_size <= RunState.maximumBytes else {
            throw RunStateError(
                .tooLarge, "the run state '\(path)' has \(status.st_size) bytes, at most \(RunState.maximumBytes) are read",
                hint: "It is a checkpoint, no archive: move what is old into another file.")
        }
        let bytes = try Self.contents(file).mapFailure { failure("can't be read", $0, whileReading: true) }
        do {
            let written = Int64(status.st_mtim.tv_sec) * 1_000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
            return Reading(state: try RunState(bytes), writtenAt: written, mark: Mark(status))
        } catch { throw RunStateError(error.code, "'\(path)': \(error.message)", hint: error.hint) }
    }

    private static func contents(_ file: Int32) -> IOResult<[UInt8]> {
        var bytes = [UInt8](repeating: 0, count: RunState.maximumBytes + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress?.advanced(by: filled), $0.count - filled) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failed(errno) }
            guard count > 0 else { break }
            filled += count
        }
        return .done(Array(bytes[..<filled]))
    }

    /// Where it really is. A link, its own or its folder's, may lead to another place of the same workspace (the folder above its own), not
    /// out of it: who may write one file must not thereby write another.
    func resolved() throws(RunStateError) -> String {
        guard let realFolder = Self.real(folder) else { throw failure("can't be found", errno, whileReading: true) }
        var status = stat()
        let isLinked = lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
        let above = isLinked ? Self.real(RunStateFile(folder).folder) ?? folder : RunStateFile(realFolder).folder
        // What lies right below the root is a workspace of its own.
        let workspace = above == "/" ? isLinked ? "" : realFolder : above
        try requireInside(workspace, isLinked ? realFolder : nil)
        let plain = realFolder == "/" ? "/\(name)" : "\(realFolder)/\(name)"
        guard lstat(plain, &status) == 0 else {
            if errno == ENOENT { return plain }
            throw failure("can't be read", errno, whileReading: true)
        }
        guard status.st_mode & S_IFMT == S_IFLNK else { return plain }
        guard let real = Self.real(plain) else { throw failure("is a link that leads nowhere", errno, whileReading: true) }
        try requireInside(workspace, real)
        return real
    }

    private func requireInside(_ workspace: String, _ real: String?) throws(RunStateError) {
        guard let real, !real.hasPrefix(workspace + "/") else { return }
        throw RunStateError(
            .unavailable, "'\(path)' is reached by a link out of its workspace, to '\(real)'",
            hint: "Name what is behind the link itself, if that is what is meant.")
    }

    static func real(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// What it says is told to an agent: only who owns the file's folder, we ourselves and root are believed.
    private func requireTrust(_ status: stat) throws(RunStateError) {
        var around = stat()
        guard stat(folder, &around) == 0 else { throw failure("can't be read", errno, whileReading: true) }
        guard [geteuid(), 0, around.st_uid].contains(status.st_uid) else {
            throw RunStateError(
                .unavailable, "'\(path)' belongs to user \(status.st_uid), who does not own its folder",
                hint: "Look who wrote it.")
        }
    }

    // MARK: Changing

    /// Changes it, or makes it.
    ///
    /// - Parameter body: is given what there is, nil where there is no file, and leaves what is to be; may be called again where somebody
    ///   wrote meanwhile.
    /// - Returns: what is on disk now.
    /// - Throws: ``RunStates/RunStateError``; then the old file is as it was.
    @discardableResult
    public func change(_ body: (inout RunState?) throws(RunStateError) -> Void) throws(RunStateError) -> RunState {
        try change(patienceMilliseconds: 10_000, body)
    }

    func change(
        patienceMilliseconds: Int, _ body: (inout RunState?) throws(RunStateError) -> Void
    ) throws(RunStateError) -> RunState {
        let lock = try FileLock(beside: self, patienceMilliseconds: patienceMilliseconds)
        defer { lock.release() }
        for _ in 0..<8 {
            let before: Reading?
            do { before = try read() } catch { if error.code == .missing { before = nil } else { throw error } }
            var state = before?.state
            try body(&state)
            guard let state else { return before?.state ?? { preconditionFailure("a change left nothing where nothing was") }() }
            _ = try Self.checked(state.bytes)
            if try replace(before?.mark, with: state.bytes) { return state }
        }
        throw RunStateError(
            .conflict, "'\(path)' is written by somebody else all the time", hint: "Find out who, and try again.")
    }

    /// What we write must be what we would read.
    private static func checked(_ bytes: [UInt8]) throws(RunStateError) -> RunState { try RunState(bytes) }

    /// Puts a new file in the place of the old one; false where that is not as it was read any more. The lock must be held.
    private func replace(_ before: Mark?, with bytes: [UInt8]) throws(RunStateError) -> Bool {
        let real = try resolved()
        let target = RunStateFile(real)
        // Opened before anything is written: what can fail then has changed nothing.
        let directory = open(target.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("can't be changed", errno) }
        defer { close(directory) }
        // The lock is ours, so what bears that name was left by somebody who was cut off.
        let fresh = "\(target.folder)/.\(target.name).new"
        unlink(fresh)
        let file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("can't be changed", errno) }
        var isPlaced = false
        defer {
            close(file)
            if !isPlaced { unlink(fresh) }
        }
        if let before { try Ownership.keep(of: before, on: file, self) } else { Ownership.adopt(file, in: target.folder) }
        if let problem = Self.write(bytes, to: file) { throw failure("can't be changed", problem) }
        var status = stat()
        let now = lstat(real, &status) == 0 ? Mark(status) : nil
        if before != nil, now == nil {
            throw RunStateError(.missing, "'\(path)' was deleted while it was changed", hint: "Begin anew: reveille run begin …")
        }
        guard now == before else { return false }
        guard rename(fresh, real) == 0 else { throw failure("can't be changed", errno) }
        isPlaced = true
        guard fsync(directory) == 0 else {
            throw RunStateError(
                .unavailable,
                "'\(path)' is changed, but may be the old one again after a power failure: \(String(cString: strerror(errno)))",
                hint: "Look at its disk.")
        }
        return true
    }

    /// Puts these bytes in the file's place, whatever is there. The lock must be held.
    func write(_ bytes: [UInt8]) throws(RunStateError) {
        var status = stat()
        let now = lstat(path, &status) == 0 ? Mark(status) : nil
        guard try replace(now, with: bytes) else { throw failure("can't be changed", EBUSY) }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) -> Int32? {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress?.advanced(by: written), $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return errno }
            written += count
        }
        return fsync(file) == 0 ? nil : errno
    }

    func failure(_ what: String, _ code: Int32, whileReading: Bool = false) -> RunStateError {
        let kept = whileReading ? "." : "; the old file is as it was."
        let hint =
            switch code {
            case ENOENT, ENOTDIR: "Look at the path; or begin one: reveille run begin --file '\(path)' …"
            case ENOSPC, EDQUOT: "Make room on its disk\(kept)"
            case EROFS: "Its file system is mounted read-only\(kept)"
            case EACCES, EPERM: "Call as a user who may \(whileReading ? "read it" : "write in its folder")\(kept)"
            default: "Look at its disk\(kept)"
            }
        return RunStateError(
            code == ENOENT || code == ENOTDIR ? .missing : .unavailable,
            "'\(path)' \(what): \(String(cString: strerror(code)))", hint: hint)
    }
}

/// What a system call gave, or the number of its error.
enum IOResult<Value> {
    case done(Value)
    case failed(Int32)

    func mapFailure(_ error: (Int32) -> RunStateError) throws(RunStateError) -> Value {
        switch self {
        case .done(let value): return value
        case .failed(let code): throw error(code)
        }
    }
}
