internal import WakeCore
internal import WakeTesting

/// What goes wrong. Each fault is one that a real machine has, and that a promise survives.
extension World {
    func chaos() {
        guard chaosLeft > 0 else { return calmDown() }
        chaosLeft -= 1
        switch random.below(100) {
        case 0..<22: ask()
        case 22..<28: operate()
        case 28..<30: orderJob()
        case 30..<52: cutOff()
        case 52..<56: powerCycle(clean: false)
        case 56..<68:
            disconnect(random.below(accounts.count), for: random.percent(80) ? span(1, 20_000) : span(20_000, 3_000_000))
        case 68..<74: trouble()
        case 74..<80: permissions()
        case 80..<84: cycleUnit(random.below(units.count))
        case 84..<87: disturbClock()
        case 87..<90: diskFills()
        case 90..<92: moderator()
        case 92..<95: chatter()
        case 95..<97: reconnectAtOnce()
        case 97..<99: workByItself()
        case 99: orderJob()
        default: break
        }
        plan(.chaos, after: gap())
    }

    private func gap() -> Int64 {
        switch random.below(100) {
        case 0..<50: span(0, 600)
        case 50..<80: span(0, 12_000)
        case 80..<96: span(0, 200_000)
        case 96..<99: span(0, 7_200_000)
        default: span(0, 260_000_000)
        }
    }

    private func cutOff() {
        if runner != nil { daemonDied("killed") }
    }

    /// REST stops working, or the token is taken back.
    private func trouble() {
        let index = random.below(accounts.count)
        if random.percent(60) { accounts[index].restWorks = false } else { accounts[index].isResumable = false }
        plan(.accountBack(index), after: span(100, 120_000))
    }

    private func permissions() {
        let route = random.pick(plan.routes)
        switch random.below(12) {
        case 0: places[route]?.exists = false
        case 1..<7: places[route]?.maySend = false
        default: places[route]?.mayReadHistory = false
        }
        log("\(route): \(places[route]?.exists == false ? "deleted" : "permissions taken")")
        if places[route]?.exists == true { plan(.placeRestored(route), after: span(500, 900_000)) }
    }

    func restore(_ route: Route) {
        places[route]?.maySend = true
        places[route]?.mayReadHistory = true
        log("\(route): permissions given back")
    }

    private func disturbClock() {
        if !machine.isSynchronised {
            setClock()
        } else if random.percent(50) {
            machine.synchronise(offsetMilliseconds: random.within(-20_000...20_000))
            tellOfStep()
        } else {
            checkers.clockWasOff = true
            machine.loseSynchronisation(offsetMilliseconds: random.within(-400_000_000...400_000_000))
            tellOfStep()
            plan(.clockSet, after: span(1000, 600_000))
        }
    }

    /// Not every kernel does.
    private func tellOfStep() {
        if runner != nil, random.percent(50) { handOver(.clockStepped) }
    }

    func setClock() {
        guard !machine.isSynchronised else { return }
        guard machineIsUp else { return plan(.clockSet, after: machine.bootedAt - time + 1_000_000) }
        machine.synchronise(offsetMilliseconds: random.within(-20_000...20_000))
        log("the clock is set")
        tellOfStep()
        if runner != nil { handOver(.clockSynchronised) }
    }

    private func diskFills() {
        ledger.setFull(true)
        log("the disk is full")
        plan(.diskHasRoom, after: span(100, 60_000))
    }

    /// Somebody deletes a message.
    private func moderator() {
        let route = random.pick(plan.routes)
        guard let count = places[route]?.messages.count, count > 0 else { return }
        places[route]?.messages[random.below(count)].isDeleted = true
        log("\(route): a message is deleted")
    }

    private func chatter() {
        let route = random.pick(plan.routes)
        places[route]?.noise.append((time, 1 + random.below(1500)))
    }

    /// A new session without a gap between the two.
    private func reconnectAtOnce() {
        let index = random.below(accounts.count)
        guard runner != nil, accounts[index].isReported else { return }
        accounts[index].generation += 1
        handOver(.channelChanged(accounts[index].name, .ready(generation: accounts[index].generation)))
    }

    /// The faults stop: from here on everything must come to its end.
    private func calmDown() {
        isCalm = true
        log("== calm: no more faults")
        checkers.calmSince = time
        ledger.setFull(false)
        ledger.failNext(nil)
        if !backlog.isEmpty { plan(.diskHasRoom, after: 0) }
        for index in accounts.indices {
            accountBack(index)
            if runner != nil, !accounts[index].isReported { plan(.connected(life: life, account: index), after: 1000) }
        }
        for route in plan.routes { restore(route) }
        if !machine.isSynchronised { plan(.clockSet, after: 1_000_000) }
        if runner != nil { plan(.inboxLook(life: life), after: 1000) }
    }
}
