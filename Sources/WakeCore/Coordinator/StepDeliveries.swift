extension Step {
    mutating func permitGranted(_ id: DeliveryID) {
        var value = progress(id)
        let wasAsked = value.permitRequested
        value.permitRequested = false
        guard wasAsked, let delivery = delivery(id), delivery.state == .held, gateIsOpen(delivery.route),
            turnInTheWay(of: delivery) == nil, var wake = wake(id.wake)
        else {
            if wasAsked { put(value, for: id) }
            return act(.returnPermit(id))
        }
        put(value, for: id)
        let message = Delivery.Message(text: text(of: wake, for: id), members: wake.notes.map(\.sentinel))
        move(id, .permitGranted(message))
        guard self.delivery(id)?.state == .sending, wake.state == .open else { return }
        wake.move(to: .sealed, at: now)
        put(wake)
        tell(Decision(code: .wakeSealed, wake: wake.id, session: wake.session))
    }

    private func text(of wake: Wake, for id: DeliveryID) -> String {
        let works = works(of: wake.session)
        guard id.kind == .turn else { return NoticeText.of(wake, works, policy.texts, at: now) }
        guard case .known(let missed) = progress(id).briefing else {
            return TurnText.of(wake, works, missed: [], policy.texts, at: now)
        }
        return TurnText.of(wake, works, missed: missed, policy.texts, at: now)
    }

    mutating func attemptEnded(_ id: DeliveryID, _ outcome: Outcome) {
        if let delivery = delivery(id), delivery.state == .sending {
            change(
                .attempt(
                    id, number: delivery.attempts, at: delivery.stateSince,
                    result: String(outcome.words.prefix(Limits.reasonCharacters))))
        }
        judge(id, outcome)
        move(id, .attemptEnded(outcome, open: openTime(of: id)))
    }

    /// How long the gate was open since the delivery came into its state.
    private func openTime(of id: DeliveryID) -> Duration {
        guard let delivery = delivery(id), gateIsOpen(delivery.route), let since = route(delivery.route).readySince else {
            return .zero
        }
        return min(now.elapsed(since: since) ?? .zero, now.elapsed(since: delivery.stateSince) ?? .zero)
    }

    mutating func searched(_ id: DeliveryID, _ search: ReceiptSearch) {
        var value = progress(id)
        value.searching = false
        put(value, for: id)
        judge(id, search)
        move(id, .searched(search))
    }

    mutating func waitOver(_ id: DeliveryID, _ since: Moment) {
        guard let delivery = delivery(id), case .waiting = delivery.state, delivery.stateSince == since else { return }
        move(id, .waitOver(open: openTime(of: id)))
    }

    mutating func move(_ id: DeliveryID, _ event: Delivery.Event) {
        guard let old = delivery(id) else { return }
        var delivery = old
        let directives = delivery.handle(event, at: now, jitter: dice.fraction(), policy: policy, life: life(of: old.route))
        if delivery != old {
            put(delivery)
            if delivery.state != old.state { moved(delivery, from: old) }
        }
        for directive in directives { carryOut(directive, for: delivery) }
    }

    private mutating func moved(_ delivery: Delivery, from old: Delivery) {
        tell(decision(code(delivery), delivery, reason(delivery)))
        if case .delivered(let receipt) = delivery.state {
            turnStarted(delivery, receipt)
            sessionWoken(delivery.session)
        } else if delivery.id.kind == .turn, old.mayRun, !delivery.mayRun {
            considerTurns(of: delivery.session.agent)
        }
        if old.state == .held, progress(delivery.id).permitRequested {
            withdrawPermit(delivery.id)
        }
        if delivery.state == .held {
            consider(delivery.id)
            armEscalation(delivery.id)
            needRoute(delivery.route)
        }
        if old.blocksLater, !delivery.blocksLater { considerNext(after: delivery) }
        if old.isActive != delivery.isActive { review(delivery.id.wake) }
    }

    private mutating func withdrawPermit(_ id: DeliveryID) {
        var value = progress(id)
        value.permitRequested = false
        put(value, for: id)
        act(.returnPermit(id))
    }

    /// A wake has ended when all its deliveries have; an operator's retry brings it back.
    private mutating func review(_ id: WakeID) {
        guard var wake = wake(id) else { return }
        let isOver = wake.deliveries.allSatisfy { delivery($0)?.isActive != true }
        guard isOver != (wake.state == .ended) else { return }
        wake.move(to: isOver ? .ended : .sealed, at: now)
        put(wake)
        if isOver {
            tell(Decision(code: .wakeEnded, wake: id, session: wake.session))
            jobsWokenBy(wake)
        }
    }

    private mutating func carryOut(_ directive: Delivery.Directive, for delivery: Delivery) {
        switch directive {
        case .returnPermit: act(.returnPermit(delivery.id))
        case .send: send(delivery)
        case .search(let wait):
            if wait > .zero { lookAgain(.search(delivery.id), after: wait) } else { startSearch(delivery.id) }
        case .block(.channel, let reason): channelChanged(delivery.route.channel, .blocked(reason: reason))
        case .block(.route, let reason): routeChecked(delivery.route, .blocked(reason: reason))
        case .wakeUp(let wait): lookAgain(.wait(delivery.id, since: delivery.stateSince), after: wait)
        }
    }

    private mutating func send(_ delivery: Delivery) {
        let capabilities: RouteCapabilities =
            if case .ready(let known) = route(delivery.route).state { known } else { RouteCapabilities() }
        let text = delivery.message?.text ?? ""
        act(
            .send(
                SendOrder(
                    delivery: delivery.id, session: delivery.session, route: delivery.route, capabilities: capabilities,
                    text: delivery.saysPossibleRepeat ? NoticeText.possibleRepeat + "\n" + text : text,
                    trailer: NoticeText.trailer(of: delivery.id.wake), nonce: delivery.nonce, attempt: delivery.attempts,
                    life: delivery.firstUnresolvedAttemptAt == nil || delivery.isPossibleRepeat ? nil : delivery.life)))
    }

    /// Searches once the channel is ready, so that what a resume replays counts first.
    mutating func startSearch(_ id: DeliveryID) {
        guard let delivery = delivery(id), delivery.state == .reconciling, let since = delivery.firstUnresolvedAttemptAt else {
            return
        }
        var value = progress(id)
        guard !value.searching else { return }
        value.searching = channel(delivery.route.channel).isReady && passesDoubt(delivery)
        value.searchOwed = !value.searching
        put(value, for: id)
        guard value.searching else { return }
        act(
            .search(
                SearchOrder(
                    delivery: id, session: delivery.session, route: delivery.route, trailer: NoticeText.trailer(of: id.wake),
                    nonce: delivery.nonce,
                    since: since)))
    }

    // MARK: Holds

    mutating func armHold(_ id: DeliveryID) {
        guard var delivery = delivery(id), delivery.isActive else { return }
        if now.elapsed(since: delivery.owedSince) == nil, now.clockSynchronised {
            // It was owed in an earlier boot before the clock was set: how long ago, nobody will ever know.
            delivery.owedSince = now
            put(delivery)
        }
        guard let held = now.elapsed(since: delivery.owedSince) else { return }
        lookAgain(.hold(delivery.id), after: max(.zero, policy.wakeHold - held))
    }

    mutating func holdOver(_ id: DeliveryID) {
        guard let delivery = delivery(id), delivery.isActive, let held = now.elapsed(since: delivery.owedSince) else { return }
        // The wall clock was stepped back since the timer was set.
        if held < policy.wakeHold { return lookAgain(.hold(id), after: policy.wakeHold - held) }
        move(id, .holdOver)
        // A request under way is left alone; what comes of it is not.
        if self.delivery(id)?.isActive == true { lookAgain(.hold(id), after: policy.attemptTimeout) }
    }

    mutating func armEscalation(_ id: DeliveryID) {
        guard let delivery = delivery(id), delivery.state == .held, !progress(id).escalated else { return }
        lookAgain(.escalation(id), after: policy.escalateAfter)
    }

    /// A gate shut for long is said everywhere, and the fallback taken where there is one.
    mutating func escalate(_ id: DeliveryID) {
        guard let delivery = delivery(id), delivery.state == .held else { return }
        var value = progress(id)
        // What was held since before this boot was held since its start at least, when the timer was set, whatever the wall clock says.
        let isOlder = delivery.stateSince.boot != now.boot
        let held = isOlder ? policy.escalateAfter : now.elapsed(since: delivery.stateSince) ?? .zero
        guard !value.escalated, held >= policy.escalateAfter else { return }
        if gateIsOpen(delivery.route) { return lookAgain(.escalation(id), after: policy.escalateAfter) }
        value.escalated = true
        put(value, for: id)
        tell(decision(.gateShutLong, delivery, base.shutGate(delivery.route)))
        guard let fallback = policy.fallbackRoute, fallback != delivery.route, delivery.attempts == 0, id.kind == .notice else {
            return
        }
        move(id, .rerouted(fallback))
        tell(decision(.fallbackTaken, delivery, fallback.description))
        needRoute(fallback)
        consider(id)
    }

    // MARK: Words

    private func code(_ delivery: Delivery) -> Decision.Code {
        switch delivery.state {
        case .held: .deliveryHeld
        case .sending: .deliverySending
        case .waiting: .deliveryWaiting
        case .reconciling: .deliveryReconciling
        case .delivered: .deliveryDelivered
        case .dead: .deliveryDead
        case .expired: .deliveryExpired
        case .cancelled: .deliveryCancelled
        case .unresolved: .deliveryUnresolved
        }
    }

    private func reason(_ delivery: Delivery) -> String? {
        switch delivery.state {
        case .dead(let reason), .unresolved(let reason): reason
        case .held: base.shutGate(delivery.route) ?? turnInTheWay(of: delivery)
        default: delivery.lastResult
        }
    }

    func decision(_ code: Decision.Code, _ delivery: Delivery, _ reason: String?) -> Decision {
        Decision(
            code: code, wake: delivery.id.wake, delivery: delivery.id, session: delivery.session,
            place: delivery.route.description,
            reason: reason)
    }
}
