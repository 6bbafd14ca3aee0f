// A channel in doubt: it is up, but what goes over it is refused for reasons that are not the message's own. One delivery after
// another probes it, and the others wait, held and uncharged, until an answer proves that the far side serves.

extension Step {
    /// What an attempt's end says about its channel.
    mutating func judge(_ id: DeliveryID, _ outcome: Outcome) {
        guard let delivery = delivery(id) else { return }
        switch outcome {
        // It arrived all the same, as its echo has told.
        case .transient where delivery.state != .sending, .ambiguous where delivery.state != .sending: break
        case .transient(_, let retryAfter): refused(delivery, retryAfter)
        case .ambiguous: refused(delivery, nil)
        // Whatever was said about the message, somebody looked at it.
        case .accepted, .permanent, .unavailable: served(delivery.route.channel)
        }
    }

    /// What a search's end says about its channel. A failed one begins no doubt: it may be the history's own trouble.
    mutating func judge(_ id: DeliveryID, _ search: ReceiptSearch) {
        guard let delivery = delivery(id) else { return }
        switch search {
        case .tryAgain(_, let retryAfter):
            if doubt(delivery.route.channel)?.since != nil { refused(delivery, retryAfter) }
        case .found, .absent, .prevented, .cannotTell: served(delivery.route.channel)
        }
    }

    /// An echo is an answer too: what it tells of got through.
    mutating func receiptSeen(_ id: DeliveryID, _ receipt: Receipt) {
        if let delivery = delivery(id) { served(delivery.route.channel) }
        move(id, .receiptSeen(receipt))
    }

    private mutating func refused(_ delivery: Delivery, _ retryAfter: Duration?) {
        let name = delivery.route.channel
        guard channel(name).isReady else { return }
        var value = doubt(name) ?? Doubt()
        if value.since != nil {
            // What was under way when the doubt began says nothing new.
            guard value.probe == delivery.id else { return }
            value.probe = nil
            value.failures += 1
            return waitForProbe(name, value, retryAfter)
        }
        value.note(refusalOn: delivery.route)
        guard value.isEnough else { return put(value, for: name) }
        value.since = now
        value.failures = 1
        tell(Decision(code: .channelDoubted, place: name.description, reason: "\(value.refusals) attempts in a row were refused"))
        waitForProbe(name, value, retryAfter)
        for place in (base.routesOfChannel[name] ?? []).sorted() {
            for id in active(on: place) where id != delivery.id { gateShut(id) }
        }
    }

    private mutating func waitForProbe(_ name: ChannelName, _ doubt: Doubt, _ retryAfter: Duration?) {
        var value = doubt
        // A wait that one place asks for is not the whole channel's, and a limit on all is the transport's to keep: up to the cap only.
        let asked = min(retryAfter ?? .zero, policy.backoff.cap)
        let wait = max(policy.backoff.probeWait(failures: value.failures, jitter: dice.fraction()), asked)
        value.probeAtMicroseconds = now.advanced(by: wait).boottimeMicroseconds
        put(value, for: name)
        lookAgain(.probe(name, since: value.since ?? now), after: wait)
    }

    /// The far side serves: all go on, paced by their permits.
    private mutating func served(_ name: ChannelName) {
        guard let value = doubt(name) else { return }
        put(nil, for: name)
        guard value.since != nil else { return }
        tell(Decision(code: .channelTrusted, place: name.description))
        for place in (base.routesOfChannel[name] ?? []).sorted() {
            for id in active(on: place) {
                consider(id)
                resumeSearch(id)
            }
        }
    }

    /// Whether a delivery may go to the far side now; in doubt it becomes the probe by that.
    mutating func passesDoubt(_ delivery: Delivery) -> Bool {
        let name = delivery.route.channel
        guard var value = doubt(name), value.since != nil else { return true }
        guard !isProbing(value, name), now.boottimeMicroseconds >= value.probeAtMicroseconds else { return false }
        value.probe = delivery.id
        value.lastRoute = delivery.route
        put(value, for: name)
        lookAgain(.probe(name, since: value.since ?? now), after: policy.backoff.cap)
        return true
    }

    /// The probe may have been cancelled, rerouted, or shut out by its own route meanwhile.
    private func isProbing(_ doubt: Doubt, _ name: ChannelName) -> Bool {
        guard let id = doubt.probe, let delivery = delivery(id), delivery.route.channel == name else { return false }
        return delivery.state == .sending || progress(id).permitRequested || progress(id).searching
    }

    /// Sends the next probe. Where nobody may go yet, the first that may is one; whatever becomes of a probe, it is looked at again.
    mutating func probe(_ name: ChannelName, _ since: Moment) {
        guard let value = doubt(name), value.since == since, now.boottimeMicroseconds >= value.probeAtMicroseconds else { return }
        if isProbing(value, name) { return lookAgain(.probe(name, since: since), after: policy.backoff.cap) }
        guard let id = nextProbe(name, after: value.lastRoute) else { return }
        if delivery(id)?.state == .held { consider(id) } else { startSearch(id) }
    }

    /// The oldest that may go, of the next route around that has one.
    private func nextProbe(_ name: ChannelName, after last: Route?) -> DeliveryID? {
        let places = (base.routesOfChannel[name] ?? []).sorted()
        let start = last.flatMap { last in places.firstIndex { $0 > last } } ?? 0
        for place in places[start...] + places[..<start] {
            for id in active(on: place) where mayGo(id) || progress(id).searchOwed { return id }
        }
        return nil
    }
}
