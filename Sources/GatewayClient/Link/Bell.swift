import Synchronization
import WakeCore
import WakeService

/// Ends a wait early. One task waits at a time; a ring while nobody waits counts for the next wait.
final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: Pending<Void>?
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(.success(()))
    }

    /// Waits until it is rung, the time has come, or the task is cancelled.
    func wait(atMost limit: Duration, _ moments: any MomentSource) async {
        let pending = Pending<Void>()
        let isRung = state.withLock { state in
            defer { state.isRung = false }
            if !state.isRung { state.waiter = pending }
            return state.isRung
        }
        guard !isRung else { return }
        let due = moments.now().advanced(by: limit).boottimeMicroseconds
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await pending.value() }
            group.addTask { await moments.wait(untilBoottimeMicroseconds: due) }
            await group.next()
            group.cancelAll()
        }
        state.withLock { if $0.waiter === pending { $0.waiter = nil } }
    }
}
