internal import WakeCore

/// What the daemon was told, and what people asked for.
extension Checkers {
    func hear(_ event: Event) {
        switch event {
        case .channelChanged(let name, let state):
            guard channels[name] != state else { return }
            channels[name] = state
            doubts[name] = nil
            for route in routes.keys where route.channel == name { routes[route] = nil }
            if state.isReady { takeLooksAhead(of: name) }
        case .routeChecked(let route, let state):
            if channels[route.channel]?.isReady == true {
                routes[route] = state
            } else {
                ahead[route] = state.isReady ? (state, time) : nil
            }
        case .attemptEnded(let id, .unavailable(let place, let reason)):
            // What had arrived all the same, by its echo, is not heard of again.
            guard let value = known[id], value.last?.isActive == true else { return updateGates() }
            let route = value.route
            routes[route] = .blocked(reason: reason)
            ahead[route] = nil
            if place == .channel {
                channels[route.channel] = .blocked(reason: reason)
                for other in routes.keys where other.channel == route.channel { routes[other] = nil }
            }
        default: break
        }
        updateGates()
    }

    /// What was found ready before its channel was counts for the next generation, while it is fresh.
    private func takeLooksAhead(of name: ChannelName) {
        for (route, look) in ahead where route.channel == name {
            if time - look.at <= policy.lookFreshness.wholeMicroseconds { routes[route] = look.state }
            ahead[route] = nil
        }
    }

    /// What counts only once the step is done.
    func finishHearing(_ event: Event) {
        switch event {
        case .attemptEnded(let id, let outcome):
            doubt(id, outcome)
            ended(id, outcome)
        case .searched(let id, let search): searched(id, search)
        case .receiptSeen(let id, _): if let channel = known[id]?.route.channel { doubts[channel] = nil }
        case .routeChecked(let route, .gone):
            for id in Array(known.keys) where known[id]?.route == route { known[id]?.sawGone = true }
        case .epochObserved(let target, _, _, _): unitsSeen[target] = unitsSeen[target] ?? 0
        default: break
        }
    }

    private func ended(_ id: DeliveryID, _ outcome: Outcome) {
        known[id]?.isUnderWay = false
        known[id]?.retryAfter = nil
        switch outcome {
        case .accepted, .unavailable: break
        case .transient(_, let retryAfter):
            known[id]?.failures += 1
            known[id]?.retryAfter = retryAfter
        case .permanent: known[id]?.sawPermanent = true
        case .ambiguous:
            known[id]?.failures += 1
            becameUnclear(id)
        }
    }

    func becameUnclear(_ id: DeliveryID) {
        guard let value = known[id] else { return }
        known[id]?.needsLook = true
        known[id]?.firstUnclearAt = value.firstUnclearAt ?? value.lastSendAt
        if value.wasLateRepeat { known[id]?.lateRepeatIsUnclear = true }
    }

    private func searched(_ id: DeliveryID, _ search: ReceiptSearch) {
        guard let value = known[id] else { return }
        if case .tryAgain = search {} else { doubts[value.route.channel] = nil }
        known[id]?.retryAfter = nil
        switch search {
        case .found, .absent:
            known[id]?.needsLook = false
            // What is not there while the request may be on its way proves nothing.
            guard time - value.lastSendAt >= policy.attemptTimeout.wholeMicroseconds else { return }
            known[id]?.firstUnclearAt = nil
            known[id]?.lateRepeatIsUnclear = false
        case .prevented:
            known[id]?.needsLook = false
            known[id]?.firstUnclearAt = nil
            known[id]?.lateRepeatIsUnclear = false
        case .cannotTell:
            known[id]?.needsLook = false
            if let nonce = value.nonces.last { known[id]?.cannotTell.insert(nonce) }
            known[id]?.cannotTell.insert("ever")
        case .tryAgain(_, let retryAfter):
            known[id]?.failures += 1
            known[id]?.retryAfter = retryAfter
        }
    }

    // MARK: Gates

    func isOpen(_ route: Route) -> Bool { channels[route.channel]?.isReady == true && routes[route]?.isReady == true }

    func updateGates() {
        for route in Set(routes.keys).union(openSince.keys) { gate(route, isOpen: isOpen(route)) }
    }

    func gate(_ route: Route, isOpen: Bool) {
        if isOpen {
            if openSince[route] == nil { openSince[route] = time }
        } else if let since = openSince.removeValue(forKey: route) {
            openTotal[route, default: 0] += time - since
        }
    }

    /// How long the gate was open in all.
    func open(_ route: Route) -> Int64 { (openTotal[route] ?? 0) + (openSince[route].map { time - $0 } ?? 0) }

    // MARK: People

    func asked(_ request: RestartRequest, trueEpoch: Int?, at time: Int64) {
        asked[request.id] = Asked(request: request, trueEpoch: trueEpoch, at: time)
    }

    func acknowledged(_ id: SentinelID, at time: Int64) { asked[id]?.isAcknowledged = true }

    /// The asker got an error: it may have been recorded or not.
    func maybeAsked(_ id: SentinelID) {}

    func operated(_ command: OperatorCommand, at time: Int64) {
        self.time = time
        switch command {
        case .cancelSentinel(let id): asked[id]?.cancelled = true
        case .cancelWake(let id): cancelledWakes.insert(id)
        case .markDelivered(let id): markedWakes.insert(id)
        case .cancelTurn: break
        case .retryWake(let id): retriedWakes[id, default: 0] += 1
        }
    }

    /// How often an operator asked to send it again.
    func retries(_ id: DeliveryID) -> Int { retriedWakes[id.wake] ?? 0 }

    func route(of id: DeliveryID) -> Route? { known[id]?.route }

    func told(_ decision: Decision, at time: Int64) { told.append(decision) }

    func permitAsked(_ id: DeliveryID) {}

    func unitSeen(_ unit: Unit) {
        unitsSeen[unit.target] = unit.epochNumber
        unitUpSince[unit.target] = unit.upSince
    }
}
