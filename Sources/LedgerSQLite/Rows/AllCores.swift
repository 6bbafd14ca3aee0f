import Dispatch
import Foundation
import Synchronization

/// Work on all cores, by threads that end with it. `DispatchQueue.concurrentPerform` would begin libdispatch's pool, which counts its
/// threads every second for as long as the process lives.
enum AllCores {
    /// What is still to be done, and what has been.
    private final class Sheet<Value: Sendable>: Sendable {
        private let state = Mutex((next: 0, values: [Int: Value]()))

        func take() -> Int {
            state.withLock { state in
                defer { state.next += 1 }
                return state.next
            }
        }

        func put(_ value: Value, at index: Int) { state.withLock { $0.values[index] = value } }

        var values: [Int: Value] { state.withLock { $0.values } }
    }

    /// Does the work once for each index below the count.
    ///
    /// - Returns: what came of it, in the order of the indexes.
    static func map<Value: Sendable>(_ count: Int, _ work: @escaping @Sendable (Int) -> Value) -> [Value] {
        let sheet = Sheet<Value>()
        let done = DispatchSemaphore(value: 0)
        let helpers = max(0, min(count, ProcessInfo.processInfo.activeProcessorCount) - 1)
        // A thread may hold on to its work for a moment after it has told that it is done: nothing here may be bound to this call.
        let takeAll: @Sendable () -> Void = {
            while case let index = sheet.take(), index < count { sheet.put(work(index), at: index) }
        }
        for _ in 0..<helpers {
            Thread.detachNewThread {
                takeAll()
                done.signal()
            }
        }
        takeAll()
        for _ in 0..<helpers { done.wait() }
        let values = sheet.values
        return (0..<count).compactMap { values[$0] }
    }
}
