/// Targets: in which epoch they are, how they came into it, and who is to be told.
extension Step {
    mutating func epochObserved(_ target: RestartTarget, _ epoch: Epoch, settled isSettled: Bool, _ story: RestartStory?) {
        let isNews = !isSeen(target)
        if base.down.contains(target) { change(.isDown(target, false)) }
        if let known = self.epoch(target), !epoch.differs(from: known) {
            if isNews || unsettled(target) != nil { put(unsettled: nil, for: target) }
            _ = moveSentinels(of: target, to: epoch, story)
        } else if isSettled || policy.targetSettle == .zero {
            settled(target, epoch, story)
        } else if unsettled(target) != epoch {
            put(unsettled: epoch, for: target, story: story)
            lookAgain(.settle(target, epoch), after: policy.targetSettle)
        }
        // What waited for the target to be seen may be decided now.
        if isNews { for sentinel in openSentinels(of: target) { examine(sentinel.id) } }
    }

    mutating func settled(_ target: RestartTarget, _ epoch: Epoch, _ story: RestartStory?) {
        let before = self.epoch(target)
        let story = Self.story(of: target, from: before, to: epoch, story)
        put(epoch, for: target)
        put(unsettled: nil, for: target)
        let woken = moveSentinels(of: target, to: epoch, story)
        guard let before, before != .down, epoch.differs(from: before) else { return }
        tellWatchers(of: target, .restartedElsewhere, story, besides: woken)
    }

    /// What its supervisor can't tell: that it was the whole machine.
    private static func story(
        of target: RestartTarget, from before: Epoch?, to epoch: Epoch, _ told: RestartStory?
    ) -> RestartStory? {
        var told = told
        let absence = told?.absence
        told?.absence = nil
        guard let old = before?.boot, let new = epoch.boot else { return told }
        if old != new { return RestartStory(.reboot, absence: absence) }
        return target == .host ? RestartStory(.softReboot) : told
    }

    /// It is not up: what was to be known about it is known.
    mutating func targetDown(_ target: RestartTarget) {
        guard noteDown(target) else { return }
        for sentinel in openSentinels(of: target) { examine(sentinel.id) }
    }

    /// Returns whether it was not seen before.
    private mutating func noteDown(_ target: RestartTarget) -> Bool {
        let isNews = !isSeen(target)
        if !base.down.contains(target) { change(.isDown(target, true)) }
        if epoch(target) == nil { put(.down, for: target) }
        if isNews || unsettled(target) != nil { put(unsettled: nil, for: target) }
        return isNews
    }

    mutating func targetGaveUp(_ target: RestartTarget, _ reason: String, _ since: Moment?) {
        let isNews = noteDown(target)
        var told: Set<SessionKey> = []
        for sentinel in openSentinels(of: target) {
            // Who asks for the restart of what has failed already wants it mended.
            if let since, let later = sentinel.requestedAt.elapsed(since: since), later > .zero { continue }
            move(sentinel, .targetGaveUp(reason: reason))
            told.insert(sentinel.session)
        }
        // Only what is left: nothing is begun for what has just been given up.
        if isNews { for sentinel in openSentinels(of: target) { examine(sentinel.id) } }
        tellWatchers(of: target, .targetFailed(reason: reason), nil, besides: told)
    }

    /// Returns the sessions that are owed a wake by it.
    private mutating func moveSentinels(of target: RestartTarget, to epoch: Epoch, _ story: RestartStory?) -> Set<SessionKey> {
        var woken: Set<SessionKey> = []
        for sentinel in openSentinels(of: target) {
            move(sentinel, .epochSettled(epoch), timed(story, sentinel))
            if case .fired = self.sentinel(sentinel.id)?.state { woken.insert(sentinel.session) }
        }
        return woken
    }

    /// Where nobody tells how long the target was down, a restart that we began is timed from there.
    private func timed(_ story: RestartStory?, _ sentinel: Sentinel) -> RestartStory? {
        guard sentinel.state == .restarting, sentinel.target.isWatchable, story?.down == nil, story?.absence?.isExact != true
        else { return story }
        guard let took = now.elapsed(since: sentinel.stateSince) else { return story }
        var timed = story ?? RestartStory(.restart)
        timed.down = took
        timed.absence = nil
        return timed
    }

    /// A restart that nobody announced is told to those whom the configuration names, unless they are told already.
    private mutating func tellWatchers(
        of target: RestartTarget, _ cause: Sentinel.Cause, _ story: RestartStory?, besides told: Set<SessionKey>
    ) {
        for watch in policy.watches[target] ?? [] where !told.contains(watch.session) {
            let sentinel = Sentinel(
                observing: target, for: watch, as: dice.identifier(), cause: cause, epoch: epoch(target), at: now)
            put(sentinel)
            owe(sentinel, story)
        }
    }
}
