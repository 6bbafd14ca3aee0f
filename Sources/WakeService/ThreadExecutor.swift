import CLinux
import Glibc

/// Runs an actor's jobs, one after another, on a thread of its own, so that what blocks (a commit, a system call) holds up nobody else.
///
/// The thread lives as long as the process; an actor that owns one is meant to as well.
public final class ThreadExecutor: SerialExecutor, @unchecked Sendable {
    // Guarded by `mutex`; pthread's own types, since a condition is needed to sleep on.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []

    /// Starts the thread.
    ///
    /// - Parameter name: at most 15 bytes, as `top -H` shows it (pthread_setname_np(3)).
    public init(name: String) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(
            &thread, nil, { Unmanaged<ThreadExecutor>.fromOpaque($0!).takeUnretainedValue().work() }, context)
        precondition(result == 0, "no thread for the executor '\(name)': error \(result)")
        pthread_setname_np(thread, name)
        pthread_detach(thread)
    }

    /// Takes a job in; it runs after all before it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(unowned)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// This executor, unowned.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    private func work() -> UnsafeMutableRawPointer? {
        var batch: [UnownedJob] = []
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
            swap(&batch, &jobs)
            pthread_mutex_unlock(mutex)
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
            batch.removeAll(keepingCapacity: true)
        }
    }
}
