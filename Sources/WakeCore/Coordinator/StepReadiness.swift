extension Step {
    mutating func channelChanged(_ name: ChannelName, _ state: ChannelState) {
        let old = channel(name)
        guard old != state else { return }
        put(state, for: name)
        if doubt(name) != nil { put(nil, for: name) }
        tell(Decision(code: .channelChanged, place: name.description, reason: state.words))
        let places = (base.routesOfChannel[name] ?? []).sorted()
        for place in places {
            put(carriedOver(route(place), to: state), for: place)
            let isOpen = gateIsOpen(place)
            for id in active(on: place) {
                gateShut(id)
                if state.isReady { resumeSearch(id) }
                if isOpen { consider(id) }
            }
        }
        var looks = state.isReady ? places.count : roomForLooksAhead(in: name)
        for place in places where looks > 0 && needsLook(place) {
            look(at: place)
            looks -= 1
        }
    }

    /// What was known of a route belonged to the old generation; but for a look that was made while its channel connected.
    private func carriedOver(_ info: RouteInfo, to state: ChannelState) -> RouteInfo {
        guard info.isAhead, let askedAt = info.askedAt else { return RouteInfo() }
        // Kept as it is until the next ready, so that a channel that flaps does not have its routes looked at each time.
        guard state.isReady else { return info }
        let age = now.elapsed(since: askedAt) ?? policy.lookFreshness + .seconds(1)
        let counts = info.isChecking ? age <= policy.lookPatience : info.state.isReady && age <= policy.lookFreshness
        guard counts else { return RouteInfo() }
        var kept = info
        kept.isAhead = false
        kept.readySince = info.isChecking ? nil : now
        return kept
    }

    mutating func gateShut(_ id: DeliveryID) {
        var value = progress(id)
        let wasRequested = value.permitRequested
        value.permitRequested = false
        // What was found out belonged to the old state of the place.
        value.briefing = .none
        if value != progress(id) { put(value, for: id) }
        if wasRequested { act(.returnPermit(id)) }
    }

    mutating func resumeSearch(_ id: DeliveryID) {
        if progress(id).searchOwed { startSearch(id) }
    }

    /// Has a route checked, if nobody has looked: once per generation, and once ahead of it, while its channel connects.
    mutating func needRoute(_ place: Route) {
        guard needsLook(place), channel(place.channel).isReady || roomForLooksAhead(in: place.channel) > 0 else { return }
        look(at: place)
    }

    private func needsLook(_ place: Route) -> Bool {
        let info = route(place)
        return info.state == .unknown && !info.isChecking && !info.isAhead && info.failures == 0
    }

    /// Few, so that the looks hold up neither the connection itself nor those that follow it.
    private func roomForLooksAhead(in name: ChannelName) -> Int {
        guard channel(name) == .connecting else { return 0 }
        return policy.looksAhead - (base.routesOfChannel[name] ?? []).count { route($0).isAhead }
    }

    private mutating func look(at place: Route) {
        var info = route(place)
        info.isChecking = true
        info.isAhead = !channel(place.channel).isReady
        info.askedAt = now
        put(info, for: place)
        act(.checkRoute(place))
    }

    mutating func recheck(_ place: Route, _ since: Moment) {
        guard channel(place.channel).isReady, base.byRoute[place] != nil else { return }
        let info = route(place)
        guard !info.isChecking, !info.state.isReady, info.checkedAt == since else { return }
        look(at: place)
    }

    mutating func routeChecked(_ place: Route, _ state: RouteState) {
        guard channel(place.channel).isReady else { return checkedAhead(place, state) }
        let waiting = active(on: place)
        guard !waiting.isEmpty else { return }
        var info = route(place)
        let old = info.state
        info.isChecking = false
        info.state = state
        info.failures = state == .unknown ? info.failures + 1 : 0
        info.checkedAt = now
        info.readySince = state.isReady ? (old.isReady ? info.readySince : now) : nil
        put(info, for: place)
        if old != state { tell(Decision(code: .routeChanged, place: place.description, reason: state.words)) }
        switch state {
        case .ready: for id in waiting { consider(id) }
        case .unknown:
            lookAgain(
                .route(place, since: now),
                after: policy.backoff.wait(failures: info.failures, retryAfter: nil, jitter: dice.fraction()))
        case .blocked:
            for id in waiting { gateShut(id) }
            lookAgain(.route(place, since: now), after: policy.routeRecheck)
        case .gone(let reason):
            for id in waiting { move(id, .destinationGone(reason: reason)) }
            // What is under way stays, and may have to be held again.
            lookAgain(.route(place, since: now), after: policy.routeRecheck)
        }
    }

    /// Only a place that is ready counts ahead of time: any other is looked at again once its channel is ready.
    private mutating func checkedAhead(_ place: Route, _ state: RouteState) {
        var info = route(place)
        guard info.isAhead, info.isChecking || !state.isReady else { return }
        info.isChecking = false
        info.checkedAt = now
        info.state = state.isReady ? state : .unknown
        put(info, for: place)
        if state.isReady { tell(Decision(code: .routeChanged, place: place.description, reason: state.words)) }
    }
}
