extension Sentinel {
    /// What happened to a sentinel or its target.
    public enum Event: Hashable, Sendable {
        /// Time went by, the daemon started or the target was seen: look whether something is due. `isSeen` says whether the target
        /// was seen in this life of the daemon; what was known of it in an earlier one may have changed since.
        case examined(currentEpoch: Epoch?, isSeen: Bool)
        /// The target runs in that epoch and has been up long enough to count.
        case epochSettled(Epoch)
        /// The restart was refused before it began.
        case restartRefused(reason: String)
        /// The target went down and its supervisor gave up on it.
        case targetGaveUp(reason: String)
        /// The command of an `exec` sentinel ended.
        case commandEnded(CommandResult)
        /// The daemon started anew: what was under way in its earlier life is no longer.
        case daemonStarted
        /// A person took it back.
        case cancelled
    }

    /// How a command ended.
    public enum CommandResult: Hashable, Sendable, Codable {
        /// With an exit code.
        case exited(code: Int32)
        /// By a signal.
        case signalled(number: Int32)
        /// It could not be started.
        case notStarted(reason: String)
    }

    /// What the shell must do.
    public enum Directive: Hashable, Sendable {
        /// Carry out the restart (or the command).
        case performRestart
        /// Owe the session a wake for this sentinel.
        case owe
        /// Tell the requester what became of it, by a sentinel of its own.
        case report(Cause)
        /// Look again when this long has passed.
        case examineAgain(after: Duration)
    }

    /// How long after its delay an open sentinel lives.
    func lifetime(_ policy: Policy) -> Duration {
        delay + (performedByUs ? policy.sentinelLifetimeOwn : policy.sentinelLifetimeObserved)
    }

    /// Moves on by one event. Ends answer nothing to anything.
    public mutating func handle(_ event: Event, at now: Moment, policy: Policy) -> [Directive] {
        guard isOpen else { return [] }
        switch event {
        case .examined(let current, let isSeen): return examine(current, isSeen, at: now, policy)
        case .epochSettled(let epoch): return settle(epoch, at: now, policy)
        case .restartRefused(let reason):
            guard state == .restarting else { return [] }
            move(to: .notRestarted(reason: reason), at: now)
            return [.report(.didNotHappen(reason: reason))]
        case .targetGaveUp(let reason):
            move(to: .targetFailed(reason: reason), at: now)
            return [.report(.targetFailed(reason: reason))]
        case .commandEnded(let result): return finish(result, at: now)
        case .daemonStarted: return restart(at: now)
        case .cancelled:
            move(to: .cancelled, at: now)
            return []
        }
    }

    private mutating func move(to next: State, at now: Moment) {
        state = next
        stateSince = now
    }

    private mutating func settle(_ epoch: Epoch, at now: Moment, _ policy: Policy) -> [Directive] {
        guard target.hasEpochs else { return [] }
        guard let recorded = self.epoch else {
            // Without one nothing can be told apart: the first that is seen counts as the one before the restart.
            if state == .armed { self.epoch = epoch }
            return []
        }
        guard epoch.differs(from: recorded) else { return [] }
        if let age = now.elapsed(since: countedSince), age >= lifetime(policy) {
            return expire("not within its time, but \(NoticeText.span(age)) after it was asked for", at: now)
        }
        move(to: .fired(state == .restarting ? .restarted : .restartedElsewhere), at: now)
        return [.owe]
    }

    private mutating func finish(_ result: CommandResult, at now: Moment) -> [Directive] {
        guard target == .exec, state == .restarting else { return [] }
        switch result {
        case .exited(code: 0):
            move(to: .fired(.commandSucceeded), at: now)
            return [.owe]
        case .exited(let code): return fail("the command ended with exit code \(code)", at: now)
        case .signalled(let number): return fail("the command was ended by signal \(number)", at: now)
        case .notStarted(let reason):
            move(to: .notRestarted(reason: reason), at: now)
            return [.report(.didNotHappen(reason: reason))]
        }
    }

    private mutating func fail(_ reason: String, at now: Moment) -> [Directive] {
        move(to: .targetFailed(reason: reason), at: now)
        return [.report(.targetFailed(reason: reason))]
    }

    private mutating func restart(at now: Moment) -> [Directive] {
        // A started mark without a result: the command may have done anything, so it never runs again.
        guard target == .exec, state == .restarting else { return [] }
        move(to: .fired(.resultUnknown), at: now)
        return [.owe]
    }

    private mutating func examine(_ current: Epoch?, _ isSeen: Bool, at now: Moment, _ policy: Policy) -> [Directive] {
        // A command runs as long as it runs.
        if target == .exec, state == .restarting { return [] }
        // The first epoch that is seen counts as the one before the restart; that it was down is one as well.
        if epoch == nil, isSeen, target.hasEpochs, state == .armed { epoch = current }
        if now.elapsed(since: countedSince) == nil, now.clockSynchronised { countAnew(at: now, policy) }
        guard let elapsed = now.elapsed(since: countedSince) else { return [] }
        let lifetime = lifetime(policy)
        if elapsed >= lifetime {
            let began = state == .restarting
            return expire(
                target == .nothing
                    ? "nobody was there to wake it in time"
                    : began
                        ? "the restart was begun, but the target was not seen to come back in time"
                        : "no restart followed in time",
                at: now)
        }
        if target == .nothing {
            guard elapsed >= delay else { return [.examineAgain(after: delay - elapsed)] }
            move(to: .fired(.asked), at: now)
            return [.owe]
        }
        // Whether it restarted while nobody looked is still to be seen: its owner reports it after each start of the daemon.
        guard performedByUs, state == .armed, isSeen else {
            // Where no epoch was known, nothing that is still to be seen makes up for being late.
            let isLate = performedByUs && state == .armed && epoch == nil && elapsed - delay > policy.restartMaxLate
            return isLate ? refuseLate(by: elapsed - delay, at: now) : [.examineAgain(after: lifetime - elapsed)]
        }
        let schedule = RestartSchedule.of(
            requestedAt: countedSince, delay: delay, recorded: epoch, current: current, now: now,
            maximumLateness: policy.restartMaxLate)
        switch schedule {
        case .notYet(let remaining): return [.examineAgain(after: remaining)]
        case .due:
            restartBegun = true
            move(to: .restarting, at: now)
            return [.performRestart, .examineAgain(after: lifetime - elapsed)]
        case .tooLate: return refuseLate(by: elapsed - delay, at: now)
        // The new epoch has still to settle before it counts.
        case .alreadyHappened: return [.examineAgain(after: lifetime - elapsed)]
        case .clockUnknown: return []
        }
    }

    /// It was asked for in an earlier boot before the clock was set: how long ago, nobody will ever know. What is ours to carry out
    /// is too late then, by enough that a clock which is set once more in between changes nothing; anything else gets its lifetime anew.
    private mutating func countAnew(at now: Moment, _ policy: Policy) {
        let isDue = performedByUs && state == .armed
        countedSince = isDue ? now.advanced(by: .zero - (delay + policy.restartMaxLate + .seconds(60))) : now
    }

    private mutating func refuseLate(by late: Duration, at now: Moment) -> [Directive] {
        let when = countedSince == requestedAt ? "\(NoticeText.span(late)) ago" : "before the clock was set, nobody knows when"
        let reason = "it was due \(when), which is too late to restart anything unasked"
        move(to: .notRestarted(reason: reason), at: now)
        return [.report(.didNotHappen(reason: reason))]
    }

    private mutating func expire(_ reason: String, at now: Moment) -> [Directive] {
        move(to: .expired, at: now)
        return [.report(.didNotHappen(reason: reason))]
    }
}
