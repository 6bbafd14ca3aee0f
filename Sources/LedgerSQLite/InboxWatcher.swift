import Foundation
import Glibc
import Synchronization
import WakeCore
public import WakeService

/// Notices that somebody may have written to a ledger: inotify(7) on its write-ahead log, and a look from time to time all the same.
///
/// A hint only ever says "look now"; several that come together are one. It waits on a thread of its own.
public struct InboxWatcher: Sendable {
    /// How often to look even without a hint.
    public static let lookEvery: Duration = .seconds(60)

    private let folder: LedgerFolder
    private let period: Duration

    /// Prepares a watch; nothing starts yet.
    ///
    /// - Parameters:
    ///   - folder: the ledger's folder, which must be there.
    ///   - period: how often to look even without a hint; default ``lookEvery``, at least 1 ms.
    public init(_ folder: LedgerFolder, lookEvery period: Duration = lookEvery) {
        self.folder = folder
        self.period = period
    }

    /// Starts the watch. The first hint comes at once; the watch ends when the task that iterates is cancelled, or the stream is let
    /// go.
    ///
    /// - Returns: the hints.
    /// - Throws: `ledger-unavailable` where the kernel refuses the watch.
    public func hints() throws(WakeError) -> AsyncStream<Void> {
        let watch = try FolderWatch(folder, periodMilliseconds: Int32(clamping: max(1, period.wholeMilliseconds)))
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.onTermination = { _ in watch.stop() }
        continuation.yield()
        let thread = Thread { watch.run { continuation.yield() } }
        thread.name = "inbox-watcher"
        thread.start()
        return stream
    }
}

/// The descriptors of one watch. They are closed by the thread that waits on them, and by nobody else.
private final class FolderWatch: Sendable {
    private let notifications: Int32
    /// The two ends of a pair of sockets: closing the second one ends the watch.
    private let end: Int32
    private let ender: Mutex<Int32>
    private let logName: String
    private let periodMilliseconds: Int32

    init(_ folder: LedgerFolder, periodMilliseconds: Int32) throws(WakeError) {
        self.periodMilliseconds = periodMilliseconds
        logName = String(folder.logPath.dropFirst(folder.path.count + 1))
        notifications = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        var ends: [Int32] = [-1, -1]
        let isPaired = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        end = ends[0]
        ender = Mutex(ends[1])
        // Not IN_MODIFY: that comes before the commit can be seen, and with each commit of our own. A writer touches the log once its
        // row is there; one that is killed in between closes it.
        let mask = UInt32(IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO)
        guard notifications >= 0, isPaired, inotify_add_watch(notifications, folder.path, mask) >= 0 else {
            let code = errno
            for descriptor in [notifications] + ends where descriptor >= 0 { close(descriptor) }
            throw folder.unavailable(
                "can't watch '\(folder.path)'", code, "Raise fs.inotify.max_user_instances or max_user_watches (sysctl).")
        }
    }

    func stop() {
        ender.withLock {
            if $0 >= 0 { close($0) }
            $0 = -1
        }
    }

    func run(_ hint: () -> Void) {
        var descriptors = [
            pollfd(fd: notifications, events: Int16(POLLIN), revents: 0), pollfd(fd: end, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let count = poll(&descriptors, 2, periodMilliseconds)
            if descriptors[1].revents != 0 { break }
            if count == 0 || (count > 0 && concernsLog()) { hint() }
        }
        close(notifications)
        close(end)
    }

    /// Reads what has come, and tells whether the log was written to (or so much came that some was lost).
    private func concernsLog() -> Bool {
        var concerns = false
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while true {
                let count = read(notifications, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= count {
                    let event = buffer.load(fromByteOffset: offset, as: inotify_event.self)
                    let bytes = buffer[(offset + MemoryLayout<inotify_event>.size)...].prefix(Int(event.len)).prefix { $0 != 0 }
                    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 || String(decoding: bytes, as: UTF8.self) == logName {
                        concerns = true
                    }
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
        return concerns
    }
}
