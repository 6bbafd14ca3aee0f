internal import WakeCore
internal import WakeTesting

/// What restarts: units that come up, crash and give up, commands, the machine, and the daemon itself.
extension World {
    func performRestart(_ sentinel: Sentinel) {
        checkers.restarting(sentinel, self)
        switch sentinel.target {
        case .daemon: stopRequested = true
        case .host: plan(.hostRestarts, after: span(10, 2000))
        case .exec: runCommand(sentinel)
        case .nothing: break
        case .unit(let name): restartUnit(name, sentinel)
        case .gateway:
            plan(.event(life: life, .restartRefused(sentinel.id, reason: "no such gateway")), after: span(1, 50))
        }
    }

    private func runCommand(_ sentinel: Sentinel) {
        let result: Sentinel.CommandResult =
            switch random.below(10) {
            case 0: .notStarted(reason: "no such file")
            case 1: .signalled(number: 9)
            case 2: .exited(code: 1)
            default: .exited(code: 0)
            }
        commands[sentinel.id] = CommandRun(begunAt: time, result: result)
        let length = random.percent(90) ? span(10, 20_000) : span(20_000, 3_000_000)
        plan(.commandEnds(life: life, sentinel.id, result), after: length)
    }

    func commandEnds(_ life: Int, _ id: SentinelID, _ result: Sentinel.CommandResult) {
        commands[id]?.isOver = true
        if life == self.life { handOver(.commandEnded(id, result)) }
    }

    private func restartUnit(_ name: String, _ sentinel: Sentinel) {
        guard let index = units.firstIndex(where: { $0.name == name }), !fault(15) else {
            return plan(.event(life: life, .restartRefused(sentinel.id, reason: "access denied")), after: span(1, 100))
        }
        cycleUnit(index)
    }

    /// It goes down and comes up again, perhaps crashing a few times on the way, perhaps never.
    func cycleUnit(_ index: Int) {
        units[index].isUp = false
        units[index].incident += 1
        let crashes = fault(25) ? 1 + random.below(4) : 0
        plan(.unitUp(index, crashesLeft: crashes, incident: units[index].incident), after: span(50, 20_000))
    }

    func unitUp(_ index: Int, _ crashesLeft: Int, _ incident: Int) {
        guard units[index].incident == incident else { return }
        units[index].epochNumber += 1
        units[index].isUp = true
        units[index].upSince = time
        units[index].epochSince = time
        log("\(units[index].name) is up, epoch \(units[index].epochNumber)")
        if runner != nil { plan(.unitSeen(life: life, index), after: span(1, 100)) }
        guard crashesLeft > 0 else { return }
        // The whole cycle is shorter than the time to settle: nobody tells the daemon that a unit is down.
        plan(.unitDown(index, crashesLeft: crashesLeft - 1, incident: incident), after: span(100, 3500))
    }

    func unitDown(_ index: Int, _ crashesLeft: Int, _ incident: Int) {
        guard units[index].incident == incident else { return }
        units[index].isUp = false
        log("\(units[index].name) crashed, \(crashesLeft) more to come")
        if crashesLeft == 0, fault(50) {
            if runner != nil {
                plan(.event(life: life, .targetGaveUp(units[index].target, reason: "start-limit-hit")), after: span(1, 100))
            }
            units[index].incident += 1
            // Somebody mends it later.
            plan(.unitUp(index, crashesLeft: 0, incident: units[index].incident), after: span(10_000, 600_000))
        } else {
            plan(.unitUp(index, crashesLeft: crashesLeft, incident: incident), after: span(50, 1000))
        }
    }

    func bootUnit(_ index: Int, after down: Int64) {
        units[index].isUp = false
        units[index].incident += 1
        plan(.unitUp(index, crashesLeft: 0, incident: units[index].incident), after: down + span(100, 3000))
    }

    func unitSeen(_ index: Int) {
        guard runner != nil else { return }
        guard units[index].isUp else { return _ = handOver(.targetDown(units[index].target)) }
        checkers.unitSeen(units[index])
        handOver(.epochObserved(units[index].target, units[index].epoch(machine.boot), settled: units[index].isNotify))
    }

    /// The target's incarnation as it truly is, for the checkers.
    func trueEpoch(_ target: RestartTarget) -> Int? {
        switch target {
        case .daemon: life
        case .host: machine.bootNumber
        case .unit(let name): units.first { $0.name == name }?.epochNumber
        case .exec, .nothing, .gateway: nil
        }
    }
}
