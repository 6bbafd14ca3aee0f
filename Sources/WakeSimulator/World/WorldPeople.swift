internal import WakeCore
internal import WakeService
internal import WakeTesting

/// Those who ask for restarts, and the operator.
extension World {
    var machineIsUp: Bool { time >= machine.bootedAt }

    func ask() {
        guard machineIsUp, requestsLeft > 0 else { return }
        requestsLeft -= 1
        var request = makeRequest()
        let truth = trueEpoch(request.target)
        if let unit = units.first(where: { $0.target == request.target }), time - unit.epochSince < 3_000_000, unit.isUp {
            // The daemon may not have heard of it yet: whoever asks so soon asks the service manager.
            request.epoch = unit.epoch(machine.boot)
        }
        log("asked: \(Describe.request(request))")
        guard request.problems.isEmpty else {
            // Refused at the door, whoever asks.
            if runner != nil { handOver(.requested(request, inboxRow: nil)) }
            return
        }
        if runner != nil, random.percent(40) {
            checkers.asked(request, trueEpoch: truth, at: time)
            guard handOver(.requested(request, inboxRow: nil)) else { return checkers.maybeAsked(request.id) }
            acknowledged(request)
        } else {
            leaveInInbox(request, truth)
        }
    }

    private func acknowledged(_ request: RestartRequest) {
        statistics.requests += 1
        checkers.acknowledged(request.id, at: time)
    }

    private func leaveInInbox(_ request: RestartRequest, _ truth: Int?) {
        var request = request
        // As the command line does: the daemon's instance as the ledger knows it.
        if request.target == .daemon { request.epoch = ledger.read { $0.epochs[.daemon] } }
        // Some ask the service manager.
        if let unit = units.first(where: { $0.target == request.target && $0.isUp }), random.percent(60) {
            request.epoch = unit.epoch(machine.boot)
        }
        checkers.asked(request, trueEpoch: truth, at: time)
        if fault(5) { ledger.failNext(random.pick([.failedBeforeWriting, .failedAfterSyncing])) }
        do {
            _ = try ledger.append(.request(request))
            acknowledged(request)
            if random.percent(3) { _ = try? ledger.append(.request(request)) }
        } catch {
            checkers.maybeAsked(request.id)
            log("not acknowledged: \(error.code)")
        }
        ledger.failNext(nil)
        if runner != nil { plan(.inboxLook(life: life), after: random.percent(90) ? span(1, 40) : 60_000_000) }
    }

    private func makeRequest() -> RestartRequest {
        let session = random.pick(plan.sessions)
        let needsRoute = session.route == nil || random.percent(30)
        let target: RestartTarget =
            switch random.below(20) {
            case 0..<6: .daemon
            case 6..<10: .exec
            case 10..<18: random.pick(units).target
            case 18: random.percent(50) ? .host : .nothing
            default: .unit("missing.service")
            }
        nextNote += 1
        let note = random.percent(2) ? " " : "note-\(nextNote). go on\nwith the work"
        let delay: Duration =
            random.percent(50)
            ? .zero : .milliseconds(random.percent(70) ? random.within(1...20_000) : random.within(1...600_000))
        let owes: Set<DeliveryKind> = random.pick([[.notice], [.notice], [.turn], [.notice, .turn]])
        return RestartRequest(
            id: Identifier(high: random.next(), low: random.next()), session: session,
            route: needsRoute ? random.pick(plan.routes) : nil, note: note, target: target,
            command: target == .exec ? RestartRequest.Command(arguments: ["true"], directory: "/") : nil,
            delay: delay, performedByUs: target == .exec || (target != .nothing && random.percent(75)), owes: owes,
            requestedAt: now)
    }

    /// An operator's command about something that exists.
    func operate() {
        guard machineIsUp, let command = makeCommand() else { return }
        log("operator: \(command)")
        checkers.operated(command, at: time)
        if runner != nil, random.percent(50) {
            handOver(.commanded(command, ended: ended(command), inboxRow: nil))
        } else if (try? ledger.append(.command(command))) != nil, runner != nil {
            plan(.inboxLook(life: life), after: span(1, 40))
        }
    }

    private func makeCommand() -> OperatorCommand? {
        let (sentinels, wakes) = ledger.read { tables in
            (tables.sentinels.values.filter(\.isOpen).map(\.id).sorted(), tables.wakes.keys.sorted())
        }
        switch random.below(10) {
        case 0, 1: return sentinels.isEmpty ? nil : .cancelSentinel(random.pick(sentinels))
        case 2, 3: return wakes.isEmpty ? nil : .cancelWake(random.pick(wakes))
        case 4: return wakes.isEmpty ? nil : .markDelivered(random.pick(wakes))
        default: return wakes.isEmpty ? nil : .retryWake(random.pick(wakes))
        }
    }
}
