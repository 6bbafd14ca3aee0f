internal import WakeCore
internal import WakeService
internal import WakeTesting

/// Carries out directives in the world.
private struct Performer: DirectivePerformer {
    let world: World

    mutating func perform(_ directive: Directive) throws(WakeError) { try world.perform(directive) }
}

extension WakeError.Code {
    static let cutOff = WakeError.Code("simulated-cut-off")
}

extension World {
    // MARK: Lives

    func startDaemon() {
        isStartPlanned = false
        guard runner == nil else { return }
        guard time >= machine.bootedAt else { return planStart(after: machine.bootedAt - time + span(100, 1000)) }
        life += 1
        statistics.restarts += 1
        ledger.failNext(nil)
        ledger.checkpoint()
        lastInboxRow = 0
        log("-- life \(life) begins in \(machine.boot)\(machine.isSynchronised ? "" : ", clock not set")")
        checkers.lifeBegan(life, ledger.tables, now, at: time)
        do {
            runner = try DirectiveRunner(policy: plan.policy, ledger: ledger, at: now)
        } catch {
            return planStart(after: span(100, 1000))
        }
        handOver(.daemonStarted(instance: .token("instance\(life)")))
        guard runner != nil else { return }
        for account in accounts.indices { connect(account, after: span(10, isCalm ? 500 : 6000)) }
        for unit in units.indices { plan(.unitSeen(life: life, unit), after: span(5, 2000)) }
        plan(.event(life: life, .epochObserved(.host, .token(machine.boot.description), settled: true)), after: span(1, 1000))
        plan(.inboxLook(life: life), after: span(0, 5))
        lookAtWorks()
        checkers.jobsAreKept(ledger.tables)
    }

    func planStart(after wait: Int64) {
        guard !isStartPlanned else { return }
        isStartPlanned = true
        plan(.daemonStarts, after: wait)
    }

    /// The daemon is gone, at whatever instruction it was.
    func daemonDied(_ how: String, machineDownFor down: Int64 = 0) {
        log("-- life \(life) ends: \(how)")
        runner = nil
        backlog = []
        permits = [:]
        followed = []
        crashAfter = nil
        stopRequested = false
        ledger.crash()
        for account in accounts.indices { accounts[account].isReported = false }
        checkers.lifeEnded(at: time)
        let downtime = isCalm ? span(50, 500) : random.percent(90) ? span(20, 3000) : span(1000, 2_000_000)
        planStart(after: down + downtime)
    }

    // MARK: Steps

    /// Hands an event to the coordinator, or queues it behind those that wait for room on the disk.
    ///
    /// - Returns: whether it was led to its end.
    @discardableResult
    func handOver(_ event: Event) -> Bool {
        guard runner != nil, checkers.violation == nil else { return false }
        guard backlog.isEmpty else {
            backlog.append(event)
            return false
        }
        return runStep(event) == .done
    }

    enum StepResult { case done, diskFull, died }

    func runStep(_ event: Event) -> StepResult {
        guard var runner else { return .died }
        self.runner = nil
        statistics.events += 1
        log("   \(Describe.event(event))")
        planCrash()
        checkers.stepBegan(event, now, at: time)
        var performer = Performer(world: self)
        do {
            try runner.run(event, at: now, dice: random.dice(), ledger: ledger, performer: &performer)
            try runner.writeForPeople(ledger)
        } catch  where error.code == .diskFull {
            self.runner = runner
            ledger.failNext(nil)
            checkers.stepRefused()
            log("   refused: disk full")
            backlogOrDrop(event)
            return .diskFull
        } catch {
            checkers.stepCutOff(ledger.takeCommitted())
            if error.code == .cutOff { statistics.crashes += 1 }
            die("\(error.code) in \(Describe.event(event))")
            return .died
        }
        crashAfter = nil
        ledger.failNext(nil)
        self.runner = runner
        let committed = ledger.takeCommitted()
        statistics.wakes += committed.count { if case .wake(let wake) = $0 { checkers.isNew(wake) } else { false } }
        checkers.stepEnded(event, committed, runner.coordinator, ledger)
        if stopRequested { daemonDied("restart asked for") }
        return .done
    }

    private func planCrash() {
        guard fault(plan.crashPercent) else { return }
        // Within the commit itself, or before one of the directives that follow it.
        let point = random.below(6)
        if point == 0 {
            ledger.failNext(random.pick([.failedBeforeWriting, .failedBeforeSyncing, .failedAfterSyncing]))
        } else {
            crashAfter = point - 1
        }
    }

    private func backlogOrDrop(_ event: Event) {
        // A refused request was not acknowledged: whoever asked knows.
        if case .requested(_, nil) = event { return }
        if case .commanded(_, _, nil) = event { return }
        if case .requested = event { return plan(.inboxLook(life: life), after: 1_000_000) }
        if case .commanded = event { return plan(.inboxLook(life: life), after: 1_000_000) }
        backlog.append(event)
        if backlog.count == 1 { plan(.diskHasRoom, after: span(500, 5000)) }
    }

    func diskHasRoom() {
        if isCalm || random.percent(50) {
            ledger.setFull(false)
            log("the disk has room")
        }
        guard runner != nil else { return }
        let waiting = backlog
        backlog = []
        for (index, event) in waiting.enumerated() {
            switch runStep(event) {
            case .done: continue
            case .diskFull: backlog += waiting[(index + 1)...]
            case .died: break
            }
            return
        }
    }

    func die(_ how: String) {
        // The runner was taken out for the step; the life is over.
        runner = nil
        if random.percent(30) { powerCycle(clean: false) } else { daemonDied(how) }
    }

    /// The machine goes down and comes up.
    func powerCycle(clean: Bool) {
        statistics.boots += 1
        let down = random.percent(85) ? span(500, 60_000) : span(60_000, 8_000_000)
        daemonDied(clean ? "the machine restarts" : "power cut", machineDownFor: down)
        if !clean {
            let lost = ledger.powerCut(&random)
            if lost > 0 { log("power cut: \(lost) unsynced transactions lost") }
        }
        let synchronised = isCalm || random.percent(70)
        machine.reboot(
            at: time + down, synchronised: synchronised,
            offsetMilliseconds: synchronised ? random.within(-20_000...20_000) : random.within(-400_000_000...400_000_000))
        log("== \(machine.boot) begins in \(down / 1000) ms")
        if !synchronised { checkers.clockWasOff = true }
        if !synchronised { plan(.clockSet, after: down + span(1000, 900_000)) }
        for id in commands.keys { commands[id]?.isOver = true }
        endTurns()
        checkers.bootedAt = time + down
        for unit in units.indices { bootUnit(unit, after: down) }
    }

    // MARK: Directives

    func perform(_ directive: Directive) throws(WakeError) {
        statistics.crashPoints += 1
        if let left = crashAfter {
            guard left > 0 else { throw WakeError(.cutOff, "cut off before \(Describe.directive(directive))") }
            crashAfter = left - 1
        }
        switch directive {
        // Every target of this world is watched from each start on.
        case .record, .observe: break
        case .performRestart(let sentinel): performRestart(sentinel)
        case .checkRoute(let route): plan(.routeLook(life: life, route), after: span(5, 300))
        case .requestPermit(let id, _): askForPermit(id)
        case .returnPermit(let id): permits[id] = nil
        case .send(let order): send(order)
        case .brief(let order): plan(.briefing(life: life, order), after: span(5, 400))
        case .search(let order): plan(.historyRead(life: life, order), after: span(5, 400))
        case .followTurn(let turn): follow(turn)
        case .forgetTurn(let turn): checkers.turnForgotten(turn, self)
        case .planJob(let job, let after): planJob(job, after)
        case .cancelTurn: break
        case .tell(let decision): checkers.told(decision, at: time)
        }
        log("     > \(Describe.directive(directive))")
    }

    /// Others rarely have a chance of their own; who owes what is for the core's own tests.
    func brief(_ life: Int, _ order: BriefingOrder) {
        guard life == self.life, runner != nil else { return }
        let isLeft = random.percent(20) && !order.isOwedByUsAlone
        handOver(.briefed(order.delivery, isLeft ? .notYet(reason: "others try", after: .seconds(5)) : .needed(missed: [])))
    }

    private func askForPermit(_ id: DeliveryID) {
        checkers.permitAsked(id)
        nextPermit += 1
        permits[id] = nextPermit
        plan(.permit(life: life, id, token: nextPermit), after: random.percent(70) ? 0 : span(1, 5000))
    }

    func grantPermit(_ life: Int, _ id: DeliveryID, _ token: Int) {
        guard life == self.life, runner != nil else { return }
        // Given back in the meantime: mostly nothing comes of it, but the grant may already be on its way.
        let isHeld = permits[id] == token
        guard isHeld || random.percent(20) else { return }
        if isHeld { permits[id] = nil }
        handOver(.permitGranted(id))
    }

    // MARK: Inbox

    func readInbox() {
        guard runner != nil, backlog.isEmpty, let rows = try? ledger.inbox(after: lastInboxRow, limit: 10) else { return }
        for row in rows {
            let event: Event
            switch row.item {
            case .request(let request): event = .requested(request, inboxRow: row.row)
            case .command(let command): event = .commanded(command, ended: ended(command), inboxRow: row.row)
            case .job(.add(let job)): event = .jobAdded(job, inboxRow: row.row)
            case .job(.remove(let id)): event = .jobRemoved(id, inboxRow: row.row)
            case .job(.run(let id)): event = .jobRunNow(id, inboxRow: row.row)
            case .unreadable(let reason): event = .inboxRowRefused(row: row.row, reason: reason)
            }
            guard handOver(event) else { return }
            lastInboxRow = row.row
            if runner == nil { return }
        }
        if rows.count == 10 { plan(.inboxLook(life: life), after: 0) }
    }

    func ended(_ command: OperatorCommand) -> EndedWake? {
        switch command {
        case .cancelSentinel, .cancelTurn: nil
        case .cancelWake(let id), .retryWake(let id), .markDelivered(let id): try? ledger.endedWake(id)
        }
    }
}
