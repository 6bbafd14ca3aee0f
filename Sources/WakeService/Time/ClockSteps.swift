import CLinux
import Foundation
import Glibc
import Synchronization

/// Tells when the wall clock is set: that cancels a timer of it which would be due in centuries (timerfd_create(2),
/// TFD_TIMER_CANCEL_ON_SET). It waits on a thread of its own, which does nothing in between.
enum ClockSteps {
    /// One element for each time, from now on; several at once may be one. Ends when the task that iterates is cancelled, and at once where
    /// the kernel can't tell.
    static func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        guard let alarm = Alarm() else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { _ in alarm.end() }
        Thread.detachNewThread {
            while alarm.wait() { continuation.yield() }
            continuation.finish()
        }
        return stream
    }

    /// The timer. Whoever still uses it keeps its descriptor from being another's.
    private final class Alarm: Sendable {
        /// The year 2255: beyond what matters, and within what the kernel takes.
        private static let due = timespec(tv_sec: 9_000_000_000, tv_nsec: 0)

        private let timer: Int32
        private let isOver = Atomic(false)

        init?() {
            timer = timerfd_create(CLOCK_REALTIME, Int32(TFD_CLOEXEC))
            var wish = itimerspec(it_interval: timespec(), it_value: Self.due)
            let flags = Int32(TFD_TIMER_ABSTIME) | Int32(TFD_TIMER_CANCEL_ON_SET)
            guard timer >= 0, timerfd_settime(timer, flags, &wish, nil) == 0 else { return nil }
        }

        deinit { if timer >= 0 { close(timer) } }

        /// Waits until the clock is set; false where it is no longer asked for, or can't be told any more.
        func wait() -> Bool {
            var count: UInt64 = 0
            while read(timer, &count, MemoryLayout<UInt64>.size) < 0 {
                guard errno != EINTR else { continue }
                return errno == ECANCELED && !isOver.load(ordering: .acquiring)
            }
            return false
        }

        /// Makes whoever waits return.
        func end() {
            isOver.store(true, ordering: .releasing)
            var wish = itimerspec(it_interval: timespec(), it_value: timespec(tv_sec: 0, tv_nsec: 1))
            timerfd_settime(timer, 0, &wish, nil)
        }
    }
}
