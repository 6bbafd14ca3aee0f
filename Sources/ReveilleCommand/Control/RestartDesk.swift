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

    private static let overdueMicroseconds: Int64 = 10_000_000

    private let moments: any MomentSource
    /// Until when the cool-down of the restart that began this life lasts, in microseconds of boottime.
    private let coolUntil: Int64
    private let stop: @Sendable (String) async -> Void
    private var dueAt: Int64?
    private var timer: Task<Void, Never>?

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
        // One that is long overdue was taken back, or refused.
        if let overdue = dueAt, now - overdue > Self.overdueMicroseconds { takeBack() }
        guard let dueAt, dueAt <= due else {
            return Plan(delay: .microseconds(due - now), isCoalesced: dueAt != nil, cooldown: added)
        }
        return Plan(delay: .microseconds(max(0, dueAt - now)), isCoalesced: true, cooldown: .zero)
    }

    /// A sentinel will carry it out: whoever asks from now on joins it.
    func announce(_ plan: Plan) { note(plan) }

    /// Carries it out.
    func carryOut(_ plan: Plan, because reason: String) {
        guard note(plan) else { return }
        timer?.cancel()
        let due = moments.now().boottimeMicroseconds + plan.delay.wholeMicroseconds
        timer = Task { [moments, stop] in
            await moments.wait(untilBoottimeMicroseconds: due)
            if !Task.isCancelled { await stop(reason) }
        }
    }

    /// How long it is to the pending restart; nil: none is pending.
    var pending: Duration? {
        dueAt.map { .microseconds(max(0, $0 - moments.now().boottimeMicroseconds)) }
    }

    /// Forgets the pending one, and takes it back if it is ours. That of a sentinel is taken back there.
    func takeBack() {
        timer?.cancel()
        (timer, dueAt) = (nil, nil)
    }

    @discardableResult
    private func note(_ plan: Plan) -> Bool {
        let due = moments.now().boottimeMicroseconds + plan.delay.wholeMicroseconds
        guard dueAt.map({ due < $0 }) ?? true else { return false }
        dueAt = due
        return true
    }
}
