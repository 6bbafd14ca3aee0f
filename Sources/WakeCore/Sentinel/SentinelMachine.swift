extension Sentinel {
    /// What happened to a sentinel or its target.
    public enum Event: Hashable, Sendable {
        /// Time went by, or the daemon started: look whether something is due.
        case examined(currentEpoch: Epoch?)
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
        case .examined(let current): return examine(current, at: now, policy)
        case .epochSettled(let epoch): return settle(epoch, at: now)
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

    private mutating func settle(_ epoch: Epoch, at now: Moment) -> [Directive] {
        // Without a recorded epoch nothing can be told apart: the first one seen is not a new one.
        guard target != .exec, let recorded = self.epoch, epoch.differs(from: recorded) else { return [] }
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

    private mutating func examine(_ current: Epoch?, at now: Moment, _ policy: Policy) -> [Directive] {
        guard let elapsed = now.elapsed(since: requestedAt) else { return [] }
        let lifetime = lifetime(policy)
        if elapsed >= lifetime, !(target == .exec && state == .restarting) { return expire(at: now) }
        guard performedByUs, state == .armed else { return [.examineAgain(after: lifetime - elapsed)] }
        let schedule = RestartSchedule.of(
            requestedAt: requestedAt, delay: delay, recorded: epoch, current: current, now: now,
            maximumLateness: policy.restartMaxLate)
        switch schedule {
        case .notYet(let remaining): return [.examineAgain(after: remaining)]
        case .due:
            restartBegun = true
            move(to: .restarting, at: now)
            return [.performRestart, .examineAgain(after: lifetime - elapsed)]
        case .tooLate:
            let reason =
                "it was due \((elapsed - delay).wholeMilliseconds / 1000) s ago, which is too late to restart anything unasked"
            move(to: .notRestarted(reason: reason), at: now)
            return [.report(.didNotHappen(reason: reason))]
        // The new epoch has still to settle before it counts.
        case .alreadyHappened: return [.examineAgain(after: lifetime - elapsed)]
        case .clockUnknown: return []
        }
    }

    private mutating func expire(at now: Moment) -> [Directive] {
        let began = state == .restarting
        move(to: .expired, at: now)
        let reason =
            began ? "the restart was begun, but the target was not seen to come back in time" : "no restart followed in time"
        return [.report(.didNotHappen(reason: reason))]
    }
}
