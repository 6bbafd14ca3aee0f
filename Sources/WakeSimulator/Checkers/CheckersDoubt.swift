internal import WakeCore

/// A channel that refuses everything, as the answers tell it: three refusals in a row on two routes are enough to see it.
extension Checkers {
    struct Doubted {
        var refusals = 0
        var routes: Set<Route> = []
        /// When it could be seen.
        var since: Int64?
        /// Probes that were refused since then, and when the last one was.
        var failures = 1
        var lastRefusal: Int64 = 0
    }

    func doubt(_ id: DeliveryID, _ outcome: Outcome) {
        guard let value = known[id] else { return }
        let channel = value.route.channel
        switch outcome {
        case .accepted, .permanent, .unavailable: doubts[channel] = nil
        case .transient, .ambiguous:
            // One that has arrived after all, as its echo has told, counts for nothing.
            guard channels[channel]?.isReady == true, value.last?.state == .sending else { return }
            var doubted = doubts[channel] ?? Doubted()
            doubted.refusals += 1
            doubted.routes.insert(value.route)
            if let since = doubted.since {
                // What was under way by then is no probe.
                guard value.lastSendAt >= since else { return }
                doubted.failures += 1
                doubted.lastRefusal = time
            } else if doubted.refusals >= 3, doubted.routes.count >= 2 {
                (doubted.since, doubted.lastRefusal) = (time, time)
            }
            doubts[channel] = doubted
        }
    }

    /// In doubt one goes at a time, and not before three quarters of the backoff's bound.
    func checkCrowd(_ id: DeliveryID, _ channel: ChannelName) {
        guard let doubted = doubts[channel], let since = doubted.since else { return }
        for (other, value) in known where other != id && value.route.channel == channel {
            guard value.isUnderWay, value.lastSendAt >= since else { continue }
            report(.crowd, "\(id) is sent over \(channel), which refuses everything, while \(other) tries it")
        }
        var bound = policy.backoff.base.wholeMicroseconds
        for _ in 1..<doubted.failures where bound < policy.backoff.cap.wholeMicroseconds { bound *= 2 }
        bound = min(bound, policy.backoff.cap.wholeMicroseconds)
        guard time - doubted.lastRefusal < bound * 3 / 4 - 1000 else { return }
        report(.crowd, "\(id) tries \(channel) \((time - doubted.lastRefusal) / 1000) ms after refusal \(doubted.failures)")
    }
}
