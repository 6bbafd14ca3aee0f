extension Step {
    /// Leads the event to the machines that it concerns.
    mutating func apply(_ event: Event) {
        switch event {
        case .daemonStarted(let instance): daemonStarted(instance)
        case .requested(let request, let row): requested(request, row)
        case .requestedAgain(_, let row): if let row { change(.inboxApplied(row: row)) }
        case .withdrawn(let request, let row): withdrawn(request, row)
        case .commanded(let command, let ended, let row): commanded(command, ended, row)
        case .inboxRowRefused(let row, let reason):
            change(.inboxRefused(row: row, reason: reason))
            tell(Decision(code: .inboxRefused, reason: reason))
        case .channelChanged(let name, let state): channelChanged(name, state)
        case .routeChecked(let place, let state): routeChecked(place, state)
        case .epochObserved(let target, let epoch, let settled, let story):
            epochObserved(target, epoch, settled: settled, story)
        case .targetDown(let target): targetDown(target)
        case .targetGaveUp(let target, let reason, let since): targetGaveUp(target, reason, since)
        case .restartRefused(let id, let reason): move(id, .restartRefused(reason: reason))
        case .commandEnded(let id, let result): move(id, .commandEnded(result))
        case .briefed(let id, let briefing): briefed(id, briefing)
        case .permitGranted(let id): permitGranted(id)
        case .attemptEnded(let id, let outcome): attemptEnded(id, outcome)
        case .searched(let id, let search): searched(id, search)
        case .receiptSeen(let id, let receipt): receiptSeen(id, receipt)
        case .workSeen(let path, let work, let fingerprint): workSeen(path, work, fingerprint)
        case .sessionActive(let session): sessionActive(session)
        case .placeActive(let place): placeActive(place)
        case .quietHours(let until): change(.quiet(until: until))
        case .jobAdded(let job, let row): jobAdded(job, row)
        case .jobRemoved(let id, let row): jobRemoved(id, row)
        case .jobRunNow(let id, let row): jobRunNow(id, row)
        case .jobPlanned(let id, let after, let next): jobPlanned(id, after, next)
        case .turnEnded(let id, let end): turnEnded(id, end)
        case .clockSynchronised:
            for sentinel in openSentinels(of: nil) { examine(sentinel.id) }
            for delivery in activeDeliveries() { armHold(delivery.id) }
            judgeLeases()
            judgeJobs()
        case .clockStepped: clockStepped()
        case .timePassed: timePassed()
        }
    }

    private mutating func daemonStarted(_ instance: Epoch) {
        put(instance, for: .daemon)
        let targets = Set(openSentinels(of: nil).map(\.target)).union(policy.watches.keys)
        for target in targets.sorted(by: { $0.description < $1.description }) where target.isWatchable { act(.observe(target)) }
        for sentinel in openSentinels(of: nil) { move(sentinel, .daemonStarted) }
        for sentinel in openSentinels(of: .daemon) { move(sentinel, .epochSettled(instance)) }
        for sentinel in openSentinels(of: nil) { examine(sentinel.id) }
        for delivery in activeDeliveries() {
            armHold(delivery.id)
            armEscalation(delivery.id)
            move(delivery.id, .daemonStarted)
            needRoute(delivery.route)
        }
        for turn in openTurns { act(.followTurn(turn)) }
        armBeats()
        armJobs()
    }

    private mutating func timePassed() {
        let due = base.timers.due(upToMicroseconds: now.boottimeMicroseconds)
        guard !due.isEmpty else { return }
        change(.timersPassed(upToMicroseconds: now.boottimeMicroseconds))
        for timer in due {
            switch timer.subject {
            case .sentinel(let id): examine(id)
            case .wait(let id, let since): waitOver(id, since)
            case .search(let id): startSearch(id)
            case .brief(let id): briefAgain(id)
            case .hold(let id): holdOver(id)
            case .escalation(let id): escalate(id)
            case .route(let place, let since): recheck(place, since)
            case .probe(let name, let since): probe(name, since)
            case .lease(let path): leaseDue(path)
            case .job(let id, let due): jobDue(id, due)
            case .jobClock: jobClockTicked()
            case .beat(let agent): beat(agent)
            case .settle(let target, let epoch):
                if let seen = sighting(target), seen.epoch == epoch { settled(target, epoch, seen.story) }
            }
        }
    }

    private mutating func commanded(_ command: OperatorCommand, _ ended: EndedWake?, _ row: Int64?) {
        if let row { change(.inboxApplied(row: row)) }
        if let ended { recall(ended) }
        switch command {
        case .cancelSentinel(let id):
            guard sentinel(id) != nil else {
                return tell(Decision(code: .commandRefused, sentinel: id, reason: "no open sentinel has this id"))
            }
            move(id, .cancelled)
        case .cancelWake(let id): order(id, .cancelled)
        case .retryWake(let id): order(id, .retried)
        case .markDelivered(let id): order(id, .markedDelivered)
        case .cancelTurn(let id): cancelTurn(id)
        }
    }

    private mutating func order(_ id: WakeID, _ event: Delivery.Event) {
        guard let wake = wake(id) else {
            return tell(Decision(code: .commandRefused, wake: id, reason: "no wake has this id"))
        }
        let before = wake.deliveries.map { delivery($0) }
        for delivery in wake.deliveries { move(delivery, event) }
        if event == .retried {
            for delivery in wake.deliveries { armHold(delivery) }
        }
        guard wake.deliveries.map({ delivery($0) }) == before else { return }
        tell(
            Decision(
                code: .commandRefused, wake: id, session: wake.session,
                reason: "nothing to do: "
                    + before.compactMap { $0.map { "\($0.id.kind.rawValue) \($0.stateName)" } }.joined(separator: ", ")))
    }

    func activeDeliveries() -> [Delivery] {
        base.deliveries.values.filter(\.isActive).sorted { ($0.sequence, $0.id.kind) < ($1.sequence, $1.id.kind) }
    }
}
