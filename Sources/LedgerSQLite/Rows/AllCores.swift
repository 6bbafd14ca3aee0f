import Dispatch
import Foundation
import Synchronization

/// Work on all cores, by threads that end with it. `DispatchQueue.concurrentPerform` would begin libdispatch's pool, which counts its
/// threads every second for as long as the process lives.
enum AllCores {
    private final class Indexes: Sendable {
        private let next = Mutex(0)

        func take() -> Int {
            next.withLock { next in
                defer { next += 1 }
                return next
            }
        }
    }

    /// Does the work once for each index below the count, and returns when all of it is done.
    static func perform(_ count: Int, _ work: @Sendable (Int) -> Void) {
        withoutActuallyEscaping(work) { work in
            let indexes = Indexes()
            let takeAll: @Sendable () -> Void = {
                while case let index = indexes.take(), index < count { work(index) }
            }
            let helpers = max(0, min(count, ProcessInfo.processInfo.activeProcessorCount) - 1)
            let done = DispatchSemaphore(value: 0)
            for _ in 0..<helpers {
                Thread.detachNewThread {
                    takeAll()
                    done.signal()
                }
            }
            takeAll()
            for _ in 0..<helpers { done.wait() }
        }
    }
}
