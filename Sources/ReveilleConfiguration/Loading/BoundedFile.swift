#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reads small regular files and lists small directories. What is checked is checked on the opened file, not on its name.
enum BoundedFile {
    /// Why a file can't be read.
    enum Fault: Error {
        case absent
        case notRegular
        case tooLarge(bytes: Int)
        case system(errno: Int32)

        var words: String {
            switch self {
            case .absent: "there is no such file"
            case .notRegular: "is not a regular file"
            case .tooLarge(let bytes): "is too large: \(bytes) bytes or more"
            case .system(let number): "can't be read: \(String(cString: strerror(number)))"
            }
        }
    }

    /// Who may do what with an opened file.
    struct Ownership {
        let userID: UInt32
        /// The permission bits alone.
        let mode: UInt32
    }

    /// Reads a file of at most `maximumBytes`.
    ///
    /// - Parameters:
    ///   - path: the file; a symbolic link is followed.
    ///   - maximumBytes: above which it is refused.
    ///   - check: looks at the opened file before a byte of it is read, and throws to refuse it.
    /// - Returns: what is in it.
    /// - Throws: ``Fault``, or what `check` throws.
    static func read(
        _ path: String, maximumBytes: Int, check: (Ownership) throws(ConfigurationProblem) -> Void = { _ in }
    ) throws -> [UInt8] {
        // Not blocking, else a FIFO without a writer would hold us here for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? Fault.absent : Fault.system(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Fault.system(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Fault.notRegular }
        try check(Ownership(userID: status.st_uid, mode: UInt32(status.st_mode) & 0o7777))
        // As long as the file says it is, and one more to see its end: a fresh buffer of the limit would cost more than all the rest.
        var bytes = [UInt8](repeating: 0, count: min(max(0, Int(status.st_size)), maximumBytes) + 1)
        var count = 0
        while count <= maximumBytes {
            if count == bytes.count {
                bytes += [UInt8](repeating: 0, count: min(max(count, 4_096), maximumBytes + 1 - count))
            }
            let got = bytes.withUnsafeMutableBytes { buffer in
                read_(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Fault.system(errno: errno) }
            if got == 0 { return Array(bytes[..<count]) }
            count += got
        }
        throw Fault.tooLarge(bytes: count)
    }

    /// The names in a directory, in byte order, without those that begin with a point; empty if it is not there.
    static func names(in directory: String, maximumCount: Int) throws(Fault) -> [String] {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw .system(errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            guard names.count < maximumCount else { throw .system(errno: E2BIG) }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// read(2), whose name our own function hides.
    private static func read_(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer, count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer, count)
        #else
            Darwin.read(descriptor, buffer, count)
        #endif
    }
}
