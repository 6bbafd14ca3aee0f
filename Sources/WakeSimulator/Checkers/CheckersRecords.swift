internal import WakeCore
internal import WakeTesting

/// What becomes durable: each new state is held against what the world knows.
extension Checkers {
    /// Remembers a committed change.
    func note(_ change: Change) {
        switch change {
        case .sentinel(let sentinel): sentinels[sentinel.id] = sentinel
        case .wake(let wake): wakes[wake.id] = wake
        case .jobRun(let run): note(run)
        case .lease(_, let lease?): leasedSessions.insert(lease.session)
        case .delivery(let delivery):
            var value = known[delivery.id] ?? fresh(delivery)
            if delivery.round != value.last?.round || (value.last?.isActive == false && delivery.isActive) {
                value.failures = delivery.failures
                value.holdFrom = time
            }
            moved(&value, to: delivery.route, delivery)
            if case .delivered = delivery.state, value.last?.state != delivery.state, leasedSessions.contains(delivery.session) {
                deliveredAt[delivery.session] = time
            }
            value.last = delivery
            saw(delivery, value)
        default: break
        }
    }

    func check(_ change: Change) {
        switch change {
        case .sentinel(let sentinel): check(sentinel)
        case .wake(let wake): check(wake)
        case .delivery(let delivery): check(delivery)
        case .jobRun(let run): check(run)
        default: break
        }
    }

    // MARK: Sentinels

    private func check(_ sentinel: Sentinel) {
        let old = sentinels[sentinel.id]
        guard old?.state != sentinel.state, sentinel.origin != .report else { return }
        if sentinel.origin == .observed { return checkObserved(sentinel) }
        if sentinel.origin == .stalled { return checkStalled(sentinel) }
        if sentinel.origin == .sent { return checkAgain(sentinel) }
        if sentinel.origin == .job { return checkJob(sentinel) }
        mustBeTold("sentinel" + Self.capitalised(sentinel.stateName)) { $0.sentinel == sentinel.id }
        if old?.isOpen == false { report(.unexcusedEnd, "sentinel \(sentinel.id) left an end") }
        guard let value = asked[sentinel.id] else { return report(.unexcusedEnd, "nobody asked for sentinel \(sentinel.id)") }
        switch sentinel.state {
        case .armed, .restarting: break
        case .fired(let cause): checkFired(sentinel, cause, value)
        case .cancelled: if !value.cancelled { report(.unexcusedEnd, "nobody cancelled sentinel \(sentinel.id)") }
        case .expired:
            let lifetime = self.lifetime(value.request)
            if let age = age(value.request.requestedAt), age < lifetime - 45_000_000 {
                report(.unexcusedEnd, "sentinel \(sentinel.id) expired \((lifetime - age) / 1_000_000) s too soon")
            }
        case .notRestarted(let reason), .targetFailed(let reason):
            if reason.isEmpty { report(.unexcusedEnd, "sentinel \(sentinel.id) ended without a reason") }
        }
    }

    /// A watcher is told of each epoch once, and of none that somebody else was told to it.
    private func checkObserved(_ sentinel: Sentinel) {
        if !told.contains(where: { [.wakeOpened, .wakeJoined].contains($0.code) && $0.sentinel == sentinel.id }) {
            report(.silent, "the wake of observed sentinel \(sentinel.id) was not told")
        }
        guard policy.watches[sentinel.target]?.contains(where: { $0.session == sentinel.session }) == true else {
            return report(.unexcusedEnd, "nobody watches \(sentinel.target) for \(sentinel.session)")
        }
        guard case .fired(.restartedElsewhere) = sentinel.state, let epoch = sentinel.epoch else { return }
        let place = Watched(session: sentinel.session, target: sentinel.target)
        if observed[place, default: []].contains(epoch) {
            report(.observedTwice, "\(sentinel.session) is told twice that \(sentinel.target) is in \(epoch)")
        }
        observed[place, default: []].insert(epoch)
    }

    /// A turn that could not be taken is asked for once more, once.
    private func checkAgain(_ sentinel: Sentinel) {
        guard sentinels[sentinel.id] == nil else { return }
        refusedTurns[sentinel.session, default: 0] -= 1
        if refusedTurns[sentinel.session, default: 0] < 0 {
            report(.unexcusedEnd, "\(sentinel.session) is to take a turn again that it did not put off")
        }
    }

    private func lifetime(_ request: RestartRequest) -> Int64 {
        let lifetime = request.performedByUs ? policy.sentinelLifetimeOwn : policy.sentinelLifetimeObserved
        return (request.delay + lifetime).wholeMicroseconds
    }

    private func checkFired(_ sentinel: Sentinel, _ cause: Sentinel.Cause, _ value: Asked) {
        switch cause {
        case .restarted, .restartedElsewhere:
            checkEpoch(sentinel, value)
            if let age = age(value.request.requestedAt), age > lifetime(value.request) + 45_000_000 {
                report(.stale, "sentinel \(sentinel.id) fired \(age / 1_000_000) s after it was asked for")
            }
        case .resultUnknown:
            if value.performedAt != nil, !value.commandCutOff { report(.beforeRestart, "\(sentinel.id): the command still runs") }
        case .commandSucceeded:
            if value.performedAt == nil { report(.beforeRestart, "\(sentinel.id): the command never ran") }
        case .asked:
            if sentinel.target != .nothing { report(.beforeRestart, "sentinel \(sentinel.id) waits for \(sentinel.target)") }
            guard let age = age(value.request.requestedAt) else { return }
            let delay = value.request.delay.wholeMicroseconds
            let slack: Int64 = value.request.requestedAt.boot == now.boot ? 1000 : 45_000_000
            if age < delay - slack { report(.beforeRestart, "sentinel \(sentinel.id) fired \(delay - age) us too soon") }
            if age > lifetime(value.request) + 45_000_000 {
                report(.stale, "sentinel \(sentinel.id) fired \(age / 1_000_000) s after it was asked for")
            }
        case .didNotHappen, .targetFailed: report(.unexcusedEnd, "sentinel \(sentinel.id) fired as a report")
        }
    }

    private func checkEpoch(_ sentinel: Sentinel, _ value: Asked) {
        let target = sentinel.target
        guard let truth = value.trueEpoch else {
            return report(.beforeRestart, "\(sentinel.id): \(target) was never seen")
        }
        switch target {
        case .daemon where value.request.epoch == nil:
            if truth == life { report(.beforeRestart, "\(sentinel.id) fired in the daemon's own life") }
        case .unit:
            guard let seen = unitsSeen[target], seen > truth else {
                return report(.beforeRestart, "\(sentinel.id) fired, but \(target) is still in epoch \(truth)")
            }
            let up = time - (unitUpSince[target] ?? time)
            guard refusedAt.map({ time - $0 > 30_000_000 }) ?? true else { return }
            if target != .unit("bot.service"), up < policy.targetSettle.wholeMicroseconds {
                report(.beforeRestart, "\(sentinel.id) fired \(up / 1000) ms after \(target) came up")
            }
        default: break
        }
    }

    // MARK: Wakes

    private func check(_ wake: Wake) {
        guard let old = wakes[wake.id] else { return }
        let (before, after) = (old.notes.map(\.sentinel), wake.notes.map(\.sentinel))
        if !after.starts(with: before) { report(.noteMissing, "wake \(wake.id) lost a note") }
        if old.state != .open, before != after { report(.noteMissing, "wake \(wake.id) took a note after it was sealed") }
        if wake.state == .ended, old.state != .ended { mustBeTold("wakeEnded") { $0.wake == wake.id } }
    }

    // MARK: Deliveries

    private func check(_ delivery: Delivery) {
        let value = known[delivery.id] ?? fresh(delivery)
        let old = value.last
        if let old, delivery.attempts > old.attempts { checkCharge(delivery, old) }
        if old == nil, delivery.attempts > 0 { report(.chargedWhileHeld, "\(delivery.id) was born with attempts") }
        if let old, old.round == delivery.round, delivery.failures < max(old.failures, value.failures),
            !value.wasRetried(delivery)
        {
            report(.backoff, "\(delivery.id): \(value.failures) failures, \(delivery.failures) are counted")
        }
        if case .waiting(let until) = delivery.state, old?.state != delivery.state { checkWait(delivery, until, value) }
        checkBudget(delivery, value)
        if old == nil, delivery.id.kind == .turn { checkLoop(delivery) }
        guard old?.stateName != delivery.stateName else { return }
        mustBeTold("delivery" + Self.capitalised(delivery.stateName)) { $0.delivery == delivery.id }
        checkEnd(delivery, value)
        checkCalm(delivery)
    }

    private func checkCharge(_ delivery: Delivery, _ old: Delivery) {
        if delivery.state != .sending || delivery.attempts != old.attempts + 1 {
            report(.chargedWhileHeld, "\(delivery.id) is charged in \(delivery.stateName)")
        } else if !isOpen(delivery.route) {
            report(.chargedWhileHeld, "\(delivery.id) is charged while \(delivery.route) was not reported ready")
        }
    }

    private func checkWait(_ delivery: Delivery, _ until: Moment, _ value: Known) {
        let wait = until.boottimeMicroseconds - delivery.stateSince.boottimeMicroseconds
        if let retryAfter = value.retryAfter {
            if wait < retryAfter.wholeMicroseconds { report(.backoff, "\(delivery.id) waits less than it was asked to") }
            return
        }
        var bound: Int64 = 250_000
        for _ in 1..<max(1, min(value.failures, 20)) { bound = min(60_000_000, bound * 2) }
        if wait > bound { report(.backoff, "\(delivery.id) waits \(wait) us after \(value.failures) failures") }
    }

    private func checkBudget(_ delivery: Delivery, _ value: Known) {
        guard value.last?.route == delivery.route, delivery.openTime > value.last?.openTime ?? .zero else { return }
        let open = open(delivery.route) - value.openAtFirst
        if delivery.openTime.wholeMicroseconds > open + 1000 {
            report(.budget, "\(delivery.id) is charged \(delivery.openTime), its gate was open for \(open) us")
        }
    }

    private func checkEnd(_ delivery: Delivery, _ value: Known) {
        let id = delivery.id
        switch delivery.state {
        case .held, .sending, .waiting, .reconciling, .delivered: break
        case .dead(let reason):
            let isSpent = delivery.openTime >= policy.deliveryBudget
            if reason.isEmpty || !(value.sawGone || value.sawPermanent || isSpent) {
                report(.unexcusedEnd, "\(id) is dead without cause: \(reason)")
            }
        case .expired:
            if time - value.holdFrom < policy.wakeHold.wholeMicroseconds - 45_000_000 {
                report(.unexcusedEnd, "\(id) expired \((time - value.holdFrom) / 1_000_000) s after it was owed")
            }
        case .cancelled: if !cancelledWakes.contains(id.wake) { report(.unexcusedEnd, "nobody cancelled \(id)") }
        case .unresolved(let reason):
            let isLoop = delivery.attempts == 0 && id.kind == .turn
            let isExcused =
                value.cannotTell.contains("ever") || value.sawGone || isLoop
                || time - value.holdFrom >= policy.wakeHold.wholeMicroseconds - 45_000_000
            if reason.isEmpty || !isExcused { report(.unexcusedEnd, "\(id) is unresolved without cause: \(reason)") }
        }
    }

    // MARK: Words

    private func mustBeTold(_ code: String, _ isAboutIt: (Decision) -> Bool) {
        if !told.contains(where: { $0.code.rawValue == code && isAboutIt($0) }) { report(.silent, "\(code) was not told") }
    }

    static func capitalised(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }
}

extension Checkers.Known {
    /// An operator has brought it back since it was last seen.
    func wasRetried(_ delivery: Delivery) -> Bool { last?.isActive == false && delivery.isActive }
}
