#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Why a file could not be written.
struct FileFault: Error {
    let number: Int32

    var isFull: Bool { number == ENOSPC || number == EDQUOT }
    var words: String { String(cString: strerror(number)) }
}

/// What the store does to the disk, one step each: the place where tests pull the plug.
protocol FileOperations: Sendable {
    /// Makes a directory and those above it; nothing if it is there.
    func makeDirectory(_ path: String) throws(FileFault)
    /// Makes or empties a file, writes it, and returns when it is on the disk.
    func write(_ bytes: [UInt8], to path: String) throws(FileFault)
    /// Gives a file another name, in place of what has that name.
    func rename(_ path: String, to other: String) throws(FileFault)
    /// Returns when the names in a directory are on the disk.
    func syncDirectory(_ path: String) throws(FileFault)
    /// Takes a file away, if it is there.
    func remove(_ path: String)
}

/// The disk itself.
struct DiskOperations: FileOperations {
    func makeDirectory(_ path: String) throws(FileFault) {
        if mkdir(path, 0o700) == 0 { return try settle(path) }
        switch errno {
        case EEXIST: return
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw FileFault(number: ENOENT) }
            try makeDirectory(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileFault(number: errno) }
            try settle(path)
        default: throw FileFault(number: errno)
        }
    }

    func write(_ bytes: [UInt8], to path: String) throws(FileFault) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileFault(number: errno) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in write_(descriptor, buffer.baseAddress, buffer.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFault(number: count == 0 ? ENOSPC : errno) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw FileFault(number: errno) }
        Self.adopt(path)
    }

    func rename(_ path: String, to other: String) throws(FileFault) {
        guard rename_(path, other) == 0 else { throw FileFault(number: errno) }
    }

    func syncDirectory(_ path: String) throws(FileFault) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFault(number: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFault(number: errno) }
    }

    func remove(_ path: String) { unlink(path) }

    /// A new directory belongs to the right user, and its name is on the disk.
    private func settle(_ path: String) throws(FileFault) {
        Self.adopt(path)
        guard let slash = path.lastIndex(of: "/") else { return }
        try syncDirectory(slash == path.startIndex ? "/" : String(path[..<slash]))
    }

    /// What root makes belongs to whoever owns the directory that it lies in, else the daemon could not read it.
    static func adopt(_ path: String) {
        guard geteuid() == 0, let slash = path.lastIndex(of: "/") else { return }
        var status = stat()
        let parent = slash == path.startIndex ? "/" : String(path[..<slash])
        guard stat(parent, &status) == 0, status.st_uid != 0 else { return }
        _ = lchown(path, status.st_uid, status.st_gid)
    }

    /// write(2), whose name our own function hides.
    private func write_(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, buffer, count)
        #elseif canImport(Musl)
            Musl.write(descriptor, buffer, count)
        #else
            Darwin.write(descriptor, buffer, count)
        #endif
    }

    /// rename(2), whose name our own function hides.
    private func rename_(_ path: String, _ other: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.rename(path, other)
        #elseif canImport(Musl)
            Musl.rename(path, other)
        #else
            Darwin.rename(path, other)
        #endif
    }
}

/// A lock that one process and one thread can hold, and that the kernel takes back from whoever dies.
struct ChangeLock: ~Copyable {
    /// How long somebody else's change is waited for, in tries.
    private static let triesMaximumCount = 400
    private static let pauseMicroseconds: UInt32 = 5_000

    private let descriptor: Int32

    /// Takes the lock; throws EWOULDBLOCK if somebody else holds it for over two seconds.
    init(_ path: String) throws(FileFault) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw FileFault(number: errno) }
        DiskOperations.adopt(path)
        var tries = 0
        while flock(opened, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            tries += 1
            guard number == EINTR || (number == EWOULDBLOCK && tries < Self.triesMaximumCount) else {
                close(opened)
                throw FileFault(number: number)
            }
            usleep(Self.pauseMicroseconds)
        }
        descriptor = opened
    }

    deinit { close(descriptor) }
}
