extension Step {
    mutating func channelChanged(_ name: ChannelName, _ state: ChannelState) {
        let old = channel(name)
        guard old != state else { return }
        put(state, for: name)
        if doubt(name) != nil { put(nil, for: name) }
        tell(Decision(code: .channelChanged, place: name.description, reason: state.words))
        // What was known of its routes belonged to the old generation.
        for place in (base.routesOfChannel[name] ?? []).sorted() {
            put(RouteInfo(), for: place)
            for id in active(on: place) {
                gateShut(id)
                if state.isReady { resumeSearch(id) }
            }
            if state.isReady { needRoute(place) }
        }
    }

    mutating func gateShut(_ id: DeliveryID) {
        var value = progress(id)
        guard value.permitRequested else { return }
        value.permitRequested = false
        put(value, for: id)
        act(.returnPermit(id))
    }

    mutating func resumeSearch(_ id: DeliveryID) {
        if progress(id).searchOwed { startSearch(id) }
    }

    /// Has a route checked, once per generation, if its channel is ready and nobody has looked.
    mutating func needRoute(_ place: Route) {
        guard channel(place.channel).isReady else { return }
        var info = route(place)
        guard info.state == .unknown, !info.isChecking, info.failures == 0 else { return }
        info.isChecking = true
        put(info, for: place)
        act(.checkRoute(place))
    }

    mutating func recheck(_ place: Route, _ since: Moment) {
        guard channel(place.channel).isReady, base.byRoute[place] != nil else { return }
        var info = route(place)
        guard !info.isChecking, !info.state.isReady, info.checkedAt == since else { return }
        info.isChecking = true
        put(info, for: place)
        act(.checkRoute(place))
    }

    mutating func routeChecked(_ place: Route, _ state: RouteState) {
        guard channel(place.channel).isReady else { return }
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
}
