import CExecutor
import NIOCore
import NIOPosix
import Synchronization

/// Runs the tasks of a process on the event loop of its sockets, their sleeps included.
///
/// Swift's own pool is libdispatch's. From its first job on, that one counts its threads every second for as long as the process
/// lives, and it starts and ends threads as jobs come and go; a heartbeat passes from timer to pool to socket. On the event loop
/// nothing wakes an idle process but what is due, and what comes of a frame is done by the thread that read it. The price: a task
/// that blocks holds the sockets up, so what blocks needs a thread of its own all the more.
public enum EventLoopTasks {
    /// From now on every task without an executor of its own runs there. To be called at most once, before the first task of the
    /// process and before the first use of the event loops that it shares.
    public static func takeOver() {
        // One is enough for a handful of connections, and no job then changes threads.
        NIOSingletons.groupLoopCountSuggestion = 1
        reveille_take_jobs { pointer, nanoseconds in
            let job = Job(pointer: pointer)
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            if nanoseconds <= 0 {
                loop.execute { job.run() }
            } else {
                loop.scheduleTask(in: .nanoseconds(nanoseconds)) { job.run() }
            }
        }
    }

    /// Sleeps on the event loop, or until the task is cancelled; then nothing is left that would wake the loop later.
    ///
    /// `Task.sleep` is no way to: it always takes libdispatch's pool.
    public static func sleep(for duration: Duration) async {
        let alarm = Alarm()
        await withTaskCancellationHandler {
            await withCheckedContinuation { alarm.arm($0, on: MultiThreadedEventLoopGroup.singleton.any(), in: duration) }
        } onCancel: {
            alarm.ring()
        }
    }

    /// Resumes one sleeper, once.
    private final class Alarm: Sendable {
        private struct State {
            var sleeper: CheckedContinuation<Void, Never>?
            var timer: Scheduled<Void>?
            var hasRung = false
        }

        private let state = Mutex(State())

        func arm(_ sleeper: CheckedContinuation<Void, Never>, on loop: any EventLoop, in duration: Duration) {
            let timer = loop.scheduleTask(in: TimeAmount(duration)) { self.ring() }
            let hasRung = state.withLock { state in
                if !state.hasRung { (state.sleeper, state.timer) = (sleeper, timer) }
                return state.hasRung
            }
            guard hasRung else { return }
            timer.cancel()
            sleeper.resume()
        }

        func ring() {
            let taken = state.withLock { state in
                defer { state = State(hasRung: true) }
                return state
            }
            taken.timer?.cancel()
            taken.sleeper?.resume()
        }
    }

    /// A job of the runtime; runs once.
    private struct Job: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer

        func run() { reveille_run_job(pointer) }
    }
}
