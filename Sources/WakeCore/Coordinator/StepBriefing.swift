/// What is found out between the opening of a gate and the first attempt. Only a gateway has ways of its own, and a life in which a person
/// could not be heard, so only deliveries through one wait for it.
extension Step {
    /// Whether it is known what has changed; else somebody is asked.
    mutating func isBriefed(_ delivery: Delivery) -> Bool {
        guard delivery.route.channel.gateway != nil, delivery.message == nil, let wake = wake(delivery.id.wake) else {
            return true
        }
        var value = progress(delivery.id)
        if case .known = value.briefing { return true }
        guard value.briefing == .none else { return false }
        value.briefing = .underWay
        put(value, for: delivery.id)
        act(
            .brief(
                BriefingOrder(
                    delivery: delivery.id, session: delivery.session, route: delivery.route, notes: wake.notes,
                    gateOpenSince: route(delivery.route).readySince ?? now)))
        return false
    }

    mutating func briefed(_ id: DeliveryID, _ briefing: Briefing) {
        var value = progress(id)
        // The gate has shut meanwhile, or it has ended.
        guard value.briefing == .underWay, let delivery = delivery(id), delivery.state == .held else { return }
        switch briefing {
        case .needed(let missed):
            value.briefing = .known(missed: missed)
            put(value, for: id)
            consider(id)
        case .done(let receipt): move(id, .doneByOthers(receipt))
        case .notYet(let reason, let wait):
            value.briefing = .waiting
            put(value, for: id)
            lookAgain(.brief(id), after: wait)
            tell(
                Decision(
                    code: .deliveryLeft, wake: id.wake, delivery: id, session: delivery.session,
                    place: delivery.route.description, reason: reason))
        }
    }

    mutating func briefAgain(_ id: DeliveryID) {
        var value = progress(id)
        guard value.briefing == .waiting else { return }
        value.briefing = .none
        put(value, for: id)
        consider(id)
    }

    /// The life of the gateway that a route leads through, where it is known.
    func life(of route: Route) -> Epoch? { route.channel.gateway.flatMap { epoch(.gateway($0)) } }
}
