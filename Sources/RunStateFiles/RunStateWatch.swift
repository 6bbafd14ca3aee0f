import Foundation
import Glibc
import RunStates
import Synchronization
public import WakeCore

/// What a look at the run states came to.
public enum RunStateFinding: Sendable {
    /// One was read: what is pending in it, with a mark that changes when the work goes on.
    case work(path: String, WorkInHand?, fingerprint: String)
    /// One can't be used; what it said last still counts.
    case invalid(path: String, reason: String)
    /// One is gone.
    case gone(path: String)
    /// All that there were at first have been read.
    case lookedAtAll
}

/// Notices hand edits: inotify(7) on the folders of all run states, and a look from time to time all the same. It waits and reads on a
/// thread of its own.
public struct RunStateWatch: Sendable {
    /// How often to look even without a sign; so long it takes at most until a new folder is seen.
    static let lookEveryMilliseconds: Int32 = 30_000
    /// How long a file that is half written is given, and in what steps.
    private static let halfWrittenTries = 20
    private static let halfWrittenStepMicroseconds: UInt32 = 10_000

    private let book: RunStateBook
    private let lookEveryMilliseconds: Int32

    /// Watches all that the book names.
    public init(_ book: RunStateBook) { self.init(book, lookEveryMilliseconds: Self.lookEveryMilliseconds) }

    init(_ book: RunStateBook, lookEveryMilliseconds: Int32) {
        self.book = book
        self.lookEveryMilliseconds = lookEveryMilliseconds
    }

    /// What is found, from now on. Ends when the task that iterates is cancelled.
    public func findings() -> AsyncStream<RunStateFinding> {
        let (stream, continuation) = AsyncStream.makeStream(of: RunStateFinding.self)
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            continuation.yield(.lookedAtAll)
            continuation.finish()
            return stream
        }
        let (end, close) = (ends[0], Closer(ends[1]))
        continuation.onTermination = { _ in close.close() }
        Thread.detachNewThread { [self] in
            var round = Round(book: book, lookEveryMilliseconds: lookEveryMilliseconds, report: { continuation.yield($0) })
            round.run(until: end)
        }
        return stream
    }

    private final class Closer: Sendable {
        private let descriptor: Mutex<Int32>
        init(_ end: Int32) { descriptor = Mutex(end) }
        func close() {
            descriptor.withLock {
                if $0 >= 0 { Glibc.close($0) }
                $0 = -1
            }
        }
    }

    /// The thread's own state.
    private struct Round {
        let book: RunStateBook
        let lookEveryMilliseconds: Int32
        let report: (RunStateFinding) -> Void
        /// What each file was when it was read last.
        var seen: [String: RunStateFile.Mark] = [:]
        /// What was complained of last.
        var complaints: [String: String] = [:]

        init(book: RunStateBook, lookEveryMilliseconds: Int32, report: @escaping (RunStateFinding) -> Void) {
            self.book = book
            self.lookEveryMilliseconds = lookEveryMilliseconds
            self.report = report
        }

        mutating func run(until end: Int32) {
            let notifications = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
            defer {
                close(end)
                if notifications >= 0 { close(notifications) }
            }
            var descriptors = [
                pollfd(fd: end, events: Int16(POLLIN), revents: 0), pollfd(fd: notifications, events: Int16(POLLIN), revents: 0),
            ]
            var buffer = [UInt8](repeating: 0, count: 16_384)
            var isFirst = true
            while true {
                let paths = book.paths()
                // Watched before it is looked at; the same folder is watched once however often it is named.
                // Who edits what a link leads to writes in another folder.
                let linked = paths.compactMap { try? RunStateFile(RunStateFile($0).resolved()).folder }
                for folder in book.folders.union(linked) where notifications >= 0 {
                    inotify_add_watch(
                        notifications, folder, UInt32(IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE))
                }
                for path in Set(paths).union(seen.keys).sorted() { look(RunStateFile(path)) }
                if isFirst { report(.lookedAtAll) }
                isFirst = false
                poll(&descriptors, notifications >= 0 ? 2 : 1, lookEveryMilliseconds)
                if descriptors[0].revents != 0 { return }
                while notifications >= 0, Glibc.read(notifications, &buffer, buffer.count) > 0 {}
            }
        }

        private mutating func look(_ file: RunStateFile) {
            var status = stat()
            let mark = stat(file.path, &status) == 0 ? RunStateFile.Mark(status) : nil
            guard mark != seen[file.path] || complaints[file.path] != nil else { return }
            for _ in 0..<RunStateWatch.halfWrittenTries {
                do {
                    let reading = try file.read()
                    seen[file.path] = reading.mark
                    complaints[file.path] = nil
                    let work = reading.state.work(path: file.path, writtenAt: reading.writtenAt)
                    return report(.work(path: file.path, work, fingerprint: reading.state.fingerprint))
                } catch {
                    if error.code == .halfWritten {
                        usleep(RunStateWatch.halfWrittenStepMicroseconds)
                        continue
                    }
                    return failed(file.path, error)
                }
            }
            complain(file.path, "the run state '\(file.path)' stays half written")
        }

        private mutating func failed(_ path: String, _ error: RunStateError) {
            guard error.code == .missing else { return complain(path, "\(error.message). \(error.hint)") }
            complaints[path] = nil
            if seen.removeValue(forKey: path) != nil { report(.gone(path: path)) }
        }

        private mutating func complain(_ path: String, _ reason: String) {
            guard complaints[path] != reason else { return }
            complaints[path] = reason
            report(.invalid(path: path, reason: reason))
        }
    }
}
