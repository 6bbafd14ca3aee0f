import Foundation
import Glibc
import OpenClawFacts
import Synchronization
import WakeCore
import WakeService

/// What lies in a gateway's state directory as its restart sentinel.
enum SentinelFileFinding: Sendable {
    /// Nothing.
    case absent
    /// One that can be read; with its bytes.
    case found(RestartSentinelFile, bytes: [UInt8])
    /// Something that is not taken up, and why.
    case unusable(String)
}

/// Looks at a gateway's restart sentinel: inotify(7) on its folder, and a look from time to time all the same. It waits and reads on a
/// thread of its own.
struct SentinelFileWatch: Sendable {
    /// How often to look even without a sign; also how often a folder that is not there is looked for.
    static let lookEvery: Duration = .seconds(5)
    /// How long a file that is half written is given, and in what steps.
    private static let halfWrittenTries = 20
    private static let halfWrittenStepMicroseconds: UInt32 = 10_000

    let path: String

    init(_ path: String) { self.path = path }

    private var folder: String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

    /// Looks now. Blocks for as long as a local file takes; one that is half written is waited for, 200 ms at most.
    func look() -> SentinelFileFinding {
        for _ in 0..<Self.halfWrittenTries {
            switch read() {
            case .failure(let finding): return finding.finding
            case .success(let bytes):
                do { return .found(try RestartSentinelFile(bytes), bytes: bytes) } catch {
                    guard error.code == .halfWritten else { return .unusable("\(error). \(error.hint)") }
                }
            }
            usleep(Self.halfWrittenStepMicroseconds)
        }
        return .unusable("the restart sentinel stays half written; the gateway may have been stopped while it wrote")
    }

    private struct Odd: Error {
        var finding: SentinelFileFinding
        init(_ finding: SentinelFileFinding) { self.finding = finding }
    }

    /// Nothing but a plain file of our own user, or of root, is believed: whoever can write it can wake agents with words of theirs.
    private func read() -> Result<[UInt8], Odd> {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return .failure(Odd(.absent)) }
            let reason = errno == ELOOP ? "it is a symbolic link" : String(cString: strerror(errno))
            return .failure(Odd(.unusable("the restart sentinel \(path) is not read: \(reason)")))
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(Odd(.unusable("the restart sentinel \(path) is no plain file")))
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            return .failure(Odd(.unusable("the restart sentinel \(path) belongs to user \(status.st_uid), and is not believed")))
        }
        guard status.st_size <= RestartSentinelFile.maximumBytes else {
            return .failure(Odd(.unusable("the restart sentinel \(path) has \(status.st_size) bytes, which no gateway writes")))
        }
        var bytes = [UInt8](repeating: 0, count: RestartSentinelFile.maximumBytes + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress?.advanced(by: filled), $0.count - filled) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            filled += count
        }
        return .success(Array(bytes[..<filled]))
    }

    /// Takes the file away if it still says the same; another one that came meanwhile is put back.
    func takeAway(_ bytes: [UInt8]) {
        let aside = "\(path).reveille-\(getpid())"
        guard rename(path, aside) == 0 else { return }
        let other = SentinelFileWatch(aside)
        if case .success(let found) = other.read(), found != bytes { _ = link(aside, path) }
        unlink(aside)
    }

    /// What is found, each time something may have changed, from now on. Ends when the task that iterates is cancelled.
    func findings() -> AsyncStream<SentinelFileFinding> {
        let (stream, continuation) = AsyncStream.makeStream(of: SentinelFileFinding.self, bufferingPolicy: .bufferingNewest(64))
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            continuation.finish()
            return stream
        }
        let (end, closer) = (ends[0], Closer(ends[1]))
        continuation.onTermination = { _ in closer.close() }
        Thread.detachNewThread { [self] in wait(until: end) { continuation.yield(look()) } }
        return stream
    }

    private final class Closer: Sendable {
        private let ender: Mutex<Int32>
        init(_ descriptor: Int32) { ender = Mutex(descriptor) }
        func close() {
            ender.withLock {
                if $0 >= 0 { Glibc.close($0) }
                $0 = -1
            }
        }
    }

    private func wait(until end: Int32, _ changed: () -> Void) {
        let notifications = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        defer {
            close(end)
            if notifications >= 0 { close(notifications) }
        }
        var descriptors = [
            pollfd(fd: end, events: Int16(POLLIN), revents: 0), pollfd(fd: notifications, events: Int16(POLLIN), revents: 0),
        ]
        let mask = UInt32(IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_CREATE)
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            // The same folder is watched once however often it is named; one that was made anew is a new one.
            if notifications >= 0 { inotify_add_watch(notifications, folder, mask) }
            changed()
            poll(&descriptors, notifications >= 0 ? 2 : 1, Int32(Self.lookEvery.wholeMilliseconds))
            if descriptors[0].revents != 0 { return }
            while notifications >= 0, Glibc.read(notifications, &buffer, buffer.count) > 0 {}
        }
    }
}
