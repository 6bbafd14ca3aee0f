import DiscordProtocol
import Synchronization

/// Hands out the rate limiter's permits to tasks that wait for them. Calls never block.
final class PermitDesk: Sendable {
    private struct State {
        var queue = RateLimitQueue()
        var waiting: [RateLimitQueue.Waiter: CheckedContinuation<RateLimiter.Permit?, Never>] = [:]
        var lastWaiter: RateLimitQueue.Waiter = 0
        var nextLook: Duration?
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Duration
    private let lookAgain: @Sendable (Duration) -> Void

    /// - Parameters:
    ///   - now: time since boot.
    ///   - lookAgain: must lead to ``look()`` at that time since boot.
    init(now: @escaping @Sendable () -> Duration, lookAgain: @escaping @Sendable (Duration) -> Void) {
        self.now = now
        self.lookAgain = lookAgain
    }

    /// Names a waiter before it waits, so that it can be sent away from outside.
    func newWaiter() -> RateLimitQueue.Waiter {
        state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
    }

    /// A permit that can be had now, without passing anybody who waits for the same; `nil` if there is none.
    func take(_ route: DiscordRoute) -> RateLimiter.Permit? {
        let now = now()
        return state.withLock { $0.queue.take(route, at: now) }
    }

    /// Waits for a permit; `nil` if the waiter was sent away or its task cancelled.
    func acquire(_ route: DiscordRoute, as waiter: RateLimitQueue.Waiter? = nil) async -> RateLimiter.Permit? {
        let waiter = waiter ?? newWaiter()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = Task.isCancelled
                state.withLock { state in
                    guard !isCancelled else { return }
                    state.waiting[waiter] = continuation
                    state.queue.enqueue(waiter, for: route)
                }
                if isCancelled { continuation.resume(returning: nil) } else { look() }
            }
        } onCancel: {
            sendAway(waiter)
        }
    }

    /// Ends a wait. Does nothing to one that has ended.
    func sendAway(_ waiter: RateLimitQueue.Waiter) {
        let continuation = state.withLock { state in
            state.queue.cancel(waiter)
            return state.waiting.removeValue(forKey: waiter)
        }
        continuation?.resume(returning: nil)
    }

    func complete(_ permit: RateLimiter.Permit, with completion: RateLimiter.Completion) {
        let now = now()
        state.withLock { $0.queue.complete(permit, with: completion, at: now) }
        look()
    }

    func giveBack(_ permit: RateLimiter.Permit) {
        state.withLock { $0.queue.giveBack(permit) }
        look()
    }

    /// Hands out what may go now.
    func look() {
        let now = now()
        var resumed: [(CheckedContinuation<RateLimiter.Permit?, Never>, RateLimiter.Permit)] = []
        let wakeAt: Duration? = state.withLock { state in
            if let next = state.nextLook, next <= now { state.nextLook = nil }
            let grants = state.queue.grant(at: now)
            for (waiter, permit) in grants.granted {
                if let continuation = state.waiting.removeValue(forKey: waiter) {
                    resumed.append((continuation, permit))
                } else {
                    state.queue.giveBack(permit)
                }
            }
            guard let wakeAt = grants.wakeAt, state.nextLook.map({ wakeAt < $0 }) ?? true else { return nil }
            state.nextLook = wakeAt
            return wakeAt
        }
        for (continuation, permit) in resumed { continuation.resume(returning: permit) }
        if let wakeAt { lookAgain(wakeAt) }
    }
}
