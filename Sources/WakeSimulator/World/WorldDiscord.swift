internal import WakeCore
internal import WakeTesting

/// The far side: channels that flap, requests and answers that get lost, a nonce window that expires.
extension World {
    func account(of route: Route) -> Int { accounts.firstIndex { $0.name == route.channel } ?? 0 }

    // MARK: Channels

    func connect(_ index: Int, after wait: Int64) {
        let name = accounts[index].name
        plan(.event(life: life, .channelChanged(name, .connecting)), after: min(wait, 5000))
        plan(.connected(life: life, account: index), after: wait + 5001)
    }

    /// Tries again: some of the wait passes before the attempt begins, the rest is how long it takes.
    private func reconnect(_ index: Int, after wait: Int64) {
        plan(.connecting(life: life, account: index), after: random.within(1...wait))
        plan(.connected(life: life, account: index), after: wait + 1)
    }

    func connecting(_ index: Int) {
        guard runner != nil, !accounts[index].isReported else { return }
        handOver(.channelChanged(accounts[index].name, .connecting))
    }

    func connected(_ index: Int) {
        guard runner != nil else { return }
        guard accounts[index].isAccepted || isCalm else {
            handOver(.channelChanged(accounts[index].name, .blocked(reason: "token rejected")))
            return plan(.connected(life: life, account: index), after: span(1000, 300_000))
        }
        guard accounts[index].isOnline else {
            handOver(.channelChanged(accounts[index].name, .down(reason: "no connection", retryAt: nil)))
            return reconnect(index, after: span(500, 60_000))
        }
        let current = life
        let replayed = accounts[index].isResumable && random.percent(70) ? accounts[index].missed : []
        accounts[index].missed = []
        // What a resume replays comes before RESUMED.
        for (delivery, receipt) in replayed {
            handOver(.receiptSeen(delivery, receipt))
            guard runner != nil, current == life else { return }
        }
        accounts[index].generation += 1
        accounts[index].isReported = true
        accounts[index].isResumable = true
        handOver(.channelChanged(accounts[index].name, .ready(generation: accounts[index].generation)))
    }

    func disconnect(_ index: Int, for outage: Int64) {
        accounts[index].isOnline = false
        plan(.accountBack(index), after: outage)
        log("\(accounts[index].name) goes down for \(outage / 1000) ms")
        guard runner != nil, accounts[index].isReported else { return }
        accounts[index].isReported = false
        plan(.event(life: life, .channelChanged(accounts[index].name, .down(reason: "connection lost", retryAt: nil))), after: 0)
        reconnect(index, after: span(1, 500))
    }

    func accountBack(_ index: Int) {
        accounts[index].isOnline = true
        accounts[index].restWorks = true
        accounts[index].isAccepted = true
    }

    // MARK: Routes

    func lookAtRoute(_ life: Int, _ route: Route) {
        guard life == self.life else { return }
        plan(.event(life: life, .routeChecked(route, routeTruth(route))), after: span(1, 200))
    }

    private func routeTruth(_ route: Route) -> RouteState {
        guard let place = places[route], accounts[account(of: route)].restWorks, !fault(8) else { return .unknown }
        if !place.exists { return .gone(reason: "unknown channel") }
        if !place.maySend { return .blocked(reason: "missing permission") }
        return .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: place.mayReadHistory))
    }

    // MARK: Sends

    func send(_ order: SendOrder) {
        statistics.sends += 1
        checkers.sending(order, self)
        if isCommand(order) { return startTurn(order) }
        let answersTo = life
        let isFaulty = fault(plan.sendFaultPercent)
        let kind = isFaulty ? random.below(9) : 99
        let timeout = plan.policy.attemptTimeout.wholeMicroseconds
        guard accounts[account(of: order.route)].restWorks else {
            return answer(
                order, random.percent(50) ? .transient(reason: "refused", retryAfter: nil) : .ambiguous(reason: "reset"))
        }
        switch kind {
        case 0: answer(order, .ambiguous(reason: "no answer"), after: timeout)
        case 1:
            plan(.arrival(order, answersTo: nil), after: span(10, 300))
            answer(order, .ambiguous(reason: "answer lost"), after: random.percent(50) ? timeout : span(400, 2000))
        case 2:
            // The connection breaks, but the request is still on its way.
            plan(.arrival(order, answersTo: nil), after: span(300, 19_000))
            answer(order, .ambiguous(reason: "connection reset"), after: span(20, 3000))
        case 3 where order.delivery.kind == .notice:
            plan(.arrival(order, answersTo: answersTo), after: span(10, 300))
            plan(.arrival(order, answersTo: nil), after: span(10, 15_000))
        case 4:
            let retryAfter: Duration = random.percent(90) ? .milliseconds(random.within(100...5000)) : .seconds(120)
            answer(order, .transient(reason: "429", retryAfter: retryAfter))
        case 5:
            if random.percent(50) { plan(.arrival(order, answersTo: nil), after: span(5, 50)) }
            answer(order, .ambiguous(reason: "500"), after: span(60, 900))
        case 6: answer(order, .transient(reason: "connection refused", retryAfter: nil))
        case 7 where random.percent(30): answer(order, .permanent(reason: "invalid form body"))
        case 8 where random.percent(30):
            accounts[account(of: order.route)].isAccepted = false
            answer(order, .unavailable(.channel, reason: "401"))
        default: plan(.arrival(order, answersTo: answersTo), after: random.percent(90) ? span(10, 150) : span(150, 12_000))
        }
    }

    private func answer(_ order: SendOrder, _ outcome: Outcome, after wait: Int64? = nil) {
        plan(.answer(life: life, order.delivery, outcome), after: wait ?? span(10, 300))
    }

    func answered(_ id: DeliveryID, _ outcome: Outcome) {
        handOver(.attemptEnded(id, outcome))
        guard case .unavailable(.channel, _) = outcome, runner != nil else { return }
        // Its owner notices and tries again once a person has mended it.
        let index = checkers.route(of: id).map(account) ?? 0
        plan(.accountBack(index), after: span(1000, 120_000))
        plan(.connected(life: life, account: index), after: span(120_000, 200_000))
    }

    /// A request reaches the far side.
    func arrive(_ order: SendOrder, answersTo caller: Int?) {
        let outcome = order.delivery.kind == .turn ? runTurn(order) : store(order)
        log("     far side: \(order.delivery) \(outcome.words)")
        if let caller { plan(.answer(life: caller, order.delivery, outcome), after: span(5, 200)) }
    }

    private func store(_ order: SendOrder) -> Outcome {
        guard var place = places[order.route] else { return .permanent(reason: "unknown channel") }
        defer { places[order.route] = place }
        if !place.exists { return .permanent(reason: "unknown channel") }
        if !place.maySend { return .unavailable(.route, reason: "missing permission") }
        if let known = place.nonces[order.nonce], known.until > time {
            return .accepted(Receipt(id: String(place.messages[known.index].id), source: .reply))
        }
        nextMessage += 1
        statistics.messages += 1
        let message = FarPlace.Message(
            id: nextMessage, storedAt: time, trailer: order.trailer, nonce: order.nonce,
            isMarked: order.text.hasPrefix(NoticeText.possibleRepeat))
        place.messages.append(message)
        place.nonces[order.nonce] = (place.messages.count - 1, time + random.within(120_000_000...300_000_000))
        checkers.becameVisible(order, message, in: place, at: time)
        echo(order, message)
        agentWorks(order.session)
        return .accepted(Receipt(id: String(message.id), source: .reply))
    }

    private func echo(_ order: SendOrder, _ message: FarPlace.Message) {
        let index = account(of: order.route)
        let receipt = Receipt(id: String(message.id), source: .echo)
        if accounts[index].isReported, runner != nil {
            if !fault(15) { plan(.event(life: life, .receiptSeen(order.delivery, receipt)), after: span(1, 400)) }
        } else {
            accounts[index].missed.append((order.delivery, receipt))
        }
    }

    /// A turn sink remembers nothing: what arrives twice runs twice.
    private func runTurn(_ order: SendOrder) -> Outcome {
        turns[order.delivery, default: []].append(TurnRun(nonce: order.nonce, at: time))
        checkers.turnRan(order, turns[order.delivery] ?? [], at: time)
        agentWorks(order.session)
        return .accepted(Receipt(kind: .run, id: "run-\(order.nonce)-\(turns[order.delivery]?.count ?? 0)", source: .reply))
    }

    // MARK: Looking for receipts

    func readHistory(_ life: Int, _ order: SearchOrder) {
        guard life == self.life else { return }
        let isCommand = order.session.agent.map { plan.policy.commandAgents[$0] != nil } == true
        let result =
            order.delivery.kind == .notice ? searchPlace(order) : isCommand ? searchCommandTurn(order) : searchTurn(order)
        plan(.searchAnswer(life: life, order.delivery, result), after: random.percent(90) ? span(1, 300) : span(300, 8000))
    }

    func searchAnswered(_ id: DeliveryID, _ search: ReceiptSearch) { handOver(.searched(id, search)) }

    private func searchPlace(_ order: SearchOrder) -> ReceiptSearch {
        guard let place = places[order.route], place.exists else { return .cannotTell(reason: "the channel is gone") }
        if !accounts[account(of: order.route)].restWorks { return .tryAgain(reason: "no answer", retryAfter: nil) }
        if fault(12) { return .tryAgain(reason: "500", retryAfter: random.percent(20) ? .seconds(3) : nil) }
        if !place.mayReadHistory { return .cannotTell(reason: "history may not be read") }
        // A clock that was not set tells nothing about the far side's time: then everything counts.
        let since =
            order.since.clockSynchronised
            ? (order.since.wallMilliseconds - Machine.epochMilliseconds - 60_000) * 1000 : Int64.min
        if let message = place.messages.last(where: { $0.trailer == order.trailer && !$0.isDeleted && $0.storedAt >= since }) {
            return .found(Receipt(id: String(message.id), source: .history))
        }
        let noise = place.noise.filter { $0.at >= since }.reduce(0) { $0 + $1.count }
        return noise > 1000 ? .cannotTell(reason: "more than 1000 messages since") : .absent
    }

    private func searchTurn(_ order: SearchOrder) -> ReceiptSearch {
        if fault(10) { return .tryAgain(reason: "no answer", retryAfter: nil) }
        if fault(40) { return .cannotTell(reason: "the gateway keeps no record") }
        guard let run = turns[order.delivery]?.last(where: { $0.nonce == order.nonce }) else { return .absent }
        return .found(Receipt(kind: .run, id: "run-\(run.nonce)", source: .history))
    }
}
