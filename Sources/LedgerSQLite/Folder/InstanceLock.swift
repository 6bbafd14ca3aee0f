import Glibc
import Synchronization
import WakeService

/// Who holds a ledger.
public struct InstanceHolder: Hashable, Sendable {
    /// The process id; 0 where the lock's file does not tell.
    public let pid: Int32
    /// The instance id that the daemon chose when it started.
    public let instance: String?
}

/// Makes one daemon the only writer of state: an open file description lock (fcntl(2), F_OFD_SETLK), which ends with its process.
///
/// The file stays; only the lock counts.
final class InstanceLock: Sendable {
    private let descriptor: Mutex<Int32>

    /// Takes the lock.
    ///
    /// - Throws: ``WakeService/WakeError/Code/ledgerLocked`` with the holder.
    init(_ folder: LedgerFolder, instance: String?) throws(WakeError) {
        let descriptor = try Self.open(folder, create: true)
        guard Self.command(Self.set, descriptor) != nil else {
            let code = errno
            let holder = Self.contents(descriptor)
            Glibc.close(descriptor)
            guard code == EAGAIN || code == EACCES else {
                throw folder.unavailable("can't lock '\(folder.lockPath)'", code)
            }
            throw Self.held(folder, holder)
        }
        let text = "pid \(getpid())\n" + (instance.map { "instance \($0)\n" } ?? "")
        ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Gives the lock back; more than once does no harm.
    func release() {
        descriptor.withLock {
            if $0 >= 0 { Glibc.close($0) }
            $0 = -1
        }
    }

    /// Who holds the lock now; nil if nobody does.
    static func holder(_ folder: LedgerFolder) throws(WakeError) -> InstanceHolder? {
        guard LedgerFolder.status(folder.lockPath) != nil else { return nil }
        let descriptor = try open(folder, create: false)
        defer { Glibc.close(descriptor) }
        guard let found = command(look, descriptor) else {
            throw folder.unavailable("can't look at '\(folder.lockPath)'", errno)
        }
        return found.l_type == Int16(F_UNLCK) ? nil : contents(descriptor)
    }

    static func held(_ folder: LedgerFolder, _ holder: InstanceHolder) -> WakeError {
        WakeError(
            .ledgerLocked,
            holder.pid > 0
                ? "the ledger in '\(folder.path)' is held by process \(holder.pid)" : "the ledger in '\(folder.path)' is held",
            hint: holder.pid > 0
                ? "Another daemon is running; stop it first (ps \(holder.pid) tells which)."
                : "Another daemon is running; stop it first."
        )
    }

    private static func open(_ folder: LedgerFolder, create: Bool) throws(WakeError) -> Int32 {
        let descriptor = Glibc.open(folder.lockPath, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw folder.unavailable("can't open '\(folder.lockPath)'", errno) }
        if create { folder.giveToOwner(descriptor) }
        return descriptor
    }

    // Linux's numbers, which the C library shows only to programs that ask for GNU extensions.
    private static let look: Int32 = 36  // F_OFD_GETLK
    private static let set: Int32 = 37  // F_OFD_SETLK

    private static func command(_ number: Int32, _ descriptor: Int32) -> flock? {
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        return withUnsafeMutablePointer(to: &request) { fcntl(descriptor, number, $0) } == -1 ? nil : request
    }

    private static func contents(_ descriptor: Int32) -> InstanceHolder {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        var fields: [Substring: String] = [:]
        for line in String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = String(parts[1]) }
        }
        return InstanceHolder(pid: fields["pid"].flatMap { Int32($0) } ?? 0, instance: fields["instance"])
    }
}
