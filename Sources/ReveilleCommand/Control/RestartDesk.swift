import Synchronization
import WakeCore
import WakeService

/// Plans the daemon's own restarts: at most one is pending, whoever asks again joins it, and between two there is a cool-down.
///
/// A restart with a session is carried out by its sentinel, which the ledger holds; one without is carried out here.
actor RestartDesk {
    /// What becomes of a wish.
    struct Plan: Hashable, Sendable {
        /// From now to the restart.
        var delay: Duration
        /// Whether one was pending already.
        var isCoalesced: Bool
        /// How much of the delay is the cool-down.
        var cooldown: Duration
    }

    /// So long a restart may take to begin, once it is due.
    private static let overdueMicroseconds: Int64 = 2_000_000

    private let moments: any MomentSource
    /// Until when the cool-down of the restart that began this life lasts, in microseconds of boottime.
    private let coolUntil: Int64
    private let stop: @Sendable (String) async -> Void
    /// When the earliest restart that somebody was promised is due.
    private var dueAt: Int64?
    /// The one that is carried out here. It stands beside that of a sentinel, which may be taken back.
    private var timer: (due: Int64, task: Task<Void, Never>)?

    /// - Parameters:
    ///   - moments: the clock.
    ///   - remaining: what is left of the cool-down since the restart that began this life.
    ///   - stop: ends the daemon, for that reason.
    init(
        moments: any MomentSource, remaining: Duration, stop: @escaping @Sendable (String) async -> Void
    ) {
        self.moments = moments
        self.stop = stop
        coolUntil = moments.now().boottimeMicroseconds + remaining.wholeMicroseconds
    }

    /// What a restart after that delay would come to; nothing is planned yet.
    func plan(after delay: Duration) -> Plan {
        let now = moments.now().boottimeMicroseconds
        let wanted = now + delay.wholeMicroseconds
        let due = max(wanted, coolUntil)
        let added = Duration.microseconds(due - wanted)
        guard let dueAt = pending(at: now), dueAt <= due else {
            return Plan(delay: .microseconds(due - now), isCoalesced: pending(at: now) != nil, cooldown: added)
        }
        return Plan(delay: .microseconds(max(0, dueAt - now)), isCoalesced: true, cooldown: .zero)
    }

    /// One that is overdue was taken back with its sentinel, or refused.
    private func pending(at now: Int64) -> Int64? { dueAt.flatMap { now - $0 > Self.overdueMicroseconds ? nil : $0 } }

    /// A sentinel will carry it out: whoever asks from now on joins it.
    func announce(_ plan: Plan) { note(plan) }

    /// A sentinel's restart was taken back: nobody joins it any more. What is carried out here stays.
    func takeBack() { dueAt = timer?.due }

    /// Carries it out.
    func carryOut(_ plan: Plan, because reason: String) {
        let due = note(plan)
        if let timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        timer = (
            due,
            Task { [moments, stop] in
                await moments.wait(untilBoottimeMicroseconds: due)
                guard !Task.isCancelled else { return }
                await stop(reason)
                // A hook may have refused it: whoever asks again is not to join it.
                self.isOver(due)
            }
        )
    }

    private func isOver(_ due: Int64) { if timer?.due == due { timer = nil } }

    /// How long it is to the pending restart; nil: none is pending.
    var pending: Duration? {
        let now = moments.now().boottimeMicroseconds
        return pending(at: now).map { .microseconds(max(0, $0 - now)) }
    }

    @discardableResult
    private func note(_ plan: Plan) -> Int64 {
        let now = moments.now().boottimeMicroseconds
        let due = now + plan.delay.wholeMicroseconds
        if let dueAt = pending(at: now), dueAt <= due { return due }
        dueAt = due
        return due
    }
}
