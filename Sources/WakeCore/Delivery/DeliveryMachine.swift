extension Delivery {
    /// What happened to a delivery.
    public enum Event: Hashable, Sendable {
        /// The transport may send it now: its gate is open and the rate limits allow it.
        case permitGranted(Message)
        /// The attempt came to an end. `open` is how much of its time the gate was open.
        case attemptEnded(Outcome, open: Duration)
        /// A search for the receipt came to an end.
        case searched(ReceiptSearch)
        /// Its receipt was seen without asking: an echo of our nonce.
        case receiptSeen(Receipt)
        /// Somebody else has done it, before our first attempt.
        case doneByOthers(Receipt)
        /// The wait is over. `open` is how much of its time the gate was open.
        case waitOver(open: Duration)
        /// The daemon started anew: claims of an earlier life are void.
        case daemonStarted
        /// It was held too long.
        case holdOver
        /// Its destination is gone.
        case destinationGone(reason: String)
        /// This session has been woken by its own restarts too often.
        case loopSuspected(reason: String)
        /// Move to another route, before anything was sent.
        case rerouted(Route)
        /// A person took it back.
        case cancelled
        /// An operator wants it sent again.
        case retried
        /// An operator says that it arrived.
        case markedDelivered
    }

    /// What the shell must do.
    public enum Directive: Hashable, Sendable {
        /// Give the permit back: nothing is sent.
        case returnPermit
        /// Send it. The attempt is durable by then.
        case send
        /// Look for the receipt, after a wait.
        case search(after: Duration)
        /// The place was found unavailable.
        case block(Outcome.Place, reason: String)
        /// Look at it again when this long has passed.
        case wakeUp(after: Duration)
    }

    /// Moves on by one event. What does not fit the state changes nothing.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - now: when.
    ///   - jitter: the chance in a backoff.
    ///   - policy: the operator's choices.
    ///   - life: the present life of the gateway that the route leads through; nil where there is none, or it is not known.
    /// - Returns: what to do, in order.
    public mutating func handle(
        _ event: Event, at now: Moment, jitter: UnitFraction, policy: Policy, life: Epoch? = nil
    ) -> [Directive] {
        switch event {
        case .permitGranted(let message): return begin(message, at: now, policy, life)
        case .attemptEnded(let outcome, let open):
            return state == .sending ? end(outcome, open, at: now, jitter, policy) : late(outcome, at: now)
        case .searched(let search): return state == .reconciling ? conclude(search, at: now, jitter, policy, life) : []
        case .receiptSeen(let receipt): return seen(receipt, at: now)
        case .doneByOthers(let receipt):
            if state == .held, attempts == 0 { deliver(receipt, at: now) }
            return []
        case .waitOver(let open):
            guard case .waiting = state else { return [] }
            openTime += open
            move(to: .held, at: now)
            return []
        case .daemonStarted: return recover(at: now)
        case .holdOver: return giveUp(as: .expired, because: "it was held for too long", at: now)
        case .destinationGone(let reason): return giveUp(as: .dead(reason: reason), because: reason, at: now)
        case .loopSuspected(let reason):
            if state == .held, attempts == 0 { move(to: .unresolved(reason: reason), at: now) }
            return []
        case .rerouted(let other):
            if mayBeDropped, attempts == 0 { route = other }
            return []
        case .cancelled: return cancel(at: now)
        case .retried: return retry(at: now)
        case .markedDelivered:
            if case .unresolved = state { deliver(Receipt(kind: .operator, id: "operator", source: .operator), at: now) }
            return []
        }
    }

    private var isDelivered: Bool { if case .delivered = state { true } else { false } }

    /// Nothing is under way and nothing is unclear, so that ending it loses no knowledge.
    private var mayBeDropped: Bool {
        switch state {
        case .held, .waiting: firstUnresolvedAttemptAt == nil
        default: false
        }
    }

    /// Ends what waits; where an old attempt is still unclear, honestly as unresolved. A request under way is left alone.
    private mutating func giveUp(as end: State, because reason: String, at now: Moment) -> [Directive] {
        switch state {
        case .held, .waiting, .reconciling:
            let isUnclear = firstUnresolvedAttemptAt != nil
            move(to: isUnclear ? .unresolved(reason: "an attempt may have arrived, and \(reason)") : end, at: now)
        default: break
        }
        return []
    }

    private mutating func move(to next: State, at now: Moment) {
        state = next
        stateSince = now
    }

    private mutating func deliver(_ receipt: Receipt, at now: Moment) {
        firstUnresolvedAttemptAt = nil
        lastResult = "\(receipt.source.rawValue): \(receipt.id)"
        move(to: .delivered(receipt), at: now)
    }

    private mutating func begin(_ message: Message, at now: Moment, _ policy: Policy, _ life: Epoch?) -> [Directive] {
        guard state == .held else { return [.returnPermit] }
        if firstUnresolvedAttemptAt != nil, !isPossibleRepeat, !nonceProtects(at: now, policy, life) {
            // The window closed while it was held: what became of the old attempt must be known first.
            move(to: .reconciling, at: now)
            return [.returnPermit, .search(after: .zero)]
        }
        if self.message == nil { self.message = message }
        if firstUnresolvedAttemptAt == nil { self.life = life }
        attempts += 1
        move(to: .sending, at: now)
        return [.send]
    }

    /// Whether a repeat with the same nonce can't show twice: the far side surely remembers the first unclear attempt. Places of our own
    /// remember notices; a gateway remembers both kinds, but forgets them with its life.
    private func nonceProtects(at now: Moment, _ policy: Policy, _ life: Epoch?) -> Bool {
        guard let first = firstUnresolvedAttemptAt, let elapsed = now.elapsed(since: first) else { return false }
        if route.channel.gateway != nil {
            guard let life, let before = self.life, !life.differs(from: before) else { return false }
        } else if id.kind == .turn {
            return false
        }
        return elapsed + policy.attemptTimeout <= policy.nonceWindow
    }

    private mutating func end(
        _ outcome: Outcome, _ open: Duration, at now: Moment, _ jitter: UnitFraction, _ policy: Policy
    ) -> [Directive] {
        lastResult = outcome.words
        let began = stateSince
        switch outcome {
        case .accepted(let receipt):
            deliver(receipt, at: now)
            return []
        case .transient(_, let retryAfter):
            failures += 1
            openTime += open
            return backOff(retryAfter: retryAfter, at: now, jitter, policy)
        case .unavailable(let place, let reason):
            attempts -= 1
            return hold(at: now) + [.block(place, reason: reason)]
        case .permanent(let reason):
            // An older attempt may have arrived all the same.
            if firstUnresolvedAttemptAt != nil { return search(at: now, after: .zero) }
            move(to: .dead(reason: reason), at: now)
            return []
        case .ambiguous:
            failures += 1
            firstUnresolvedAttemptAt = firstUnresolvedAttemptAt ?? began
            return search(at: now, after: .zero)
        }
    }

    private mutating func late(_ outcome: Outcome, at now: Moment) -> [Directive] {
        // Given up as unclear, answered after all: an acceptance is proof, anything else adds nothing.
        if case .accepted(let receipt) = outcome { return seen(receipt, at: now) }
        return []
    }

    private mutating func seen(_ receipt: Receipt, at now: Moment) -> [Directive] {
        guard attempts > 0, !isDelivered else { return [] }
        deliver(receipt, at: now)
        return []
    }

    private mutating func hold(at now: Moment) -> [Directive] {
        if cancelRequested { return applyCancel(at: now) }
        move(to: .held, at: now)
        return []
    }

    /// Nothing is under way any more: ends, once it is known what became of an older attempt.
    private mutating func applyCancel(at now: Moment) -> [Directive] {
        if firstUnresolvedAttemptAt != nil { return search(at: now, after: .zero) }
        move(to: .cancelled, at: now)
        return []
    }

    private mutating func backOff(
        retryAfter: Duration?, at now: Moment, _ jitter: UnitFraction, _ policy: Policy
    ) -> [Directive] {
        if cancelRequested { return applyCancel(at: now) }
        if openTime >= policy.deliveryBudget, firstUnresolvedAttemptAt == nil {
            let spent = policy.deliveryBudget.wholeMilliseconds / 1000
            move(to: .dead(reason: "not accepted in \(spent) s of trying; last: \(lastResult ?? "nothing")"), at: now)
            return []
        }
        let wait = policy.backoff.wait(failures: failures, retryAfter: retryAfter, jitter: jitter)
        move(to: .waiting(until: now.advanced(by: wait)), at: now)
        return [.wakeUp(after: wait)]
    }

    private mutating func search(at now: Moment, after wait: Duration) -> [Directive] {
        move(to: .reconciling, at: now)
        return [.search(after: wait)]
    }

    private mutating func conclude(
        _ search: ReceiptSearch, at now: Moment, _ jitter: UnitFraction, _ policy: Policy, _ life: Epoch?
    ) -> [Directive] {
        switch search {
        case .found(let receipt):
            deliver(receipt, at: now)
            return []
        case .absent: return absent(at: now, jitter, policy, life)
        case .prevented: return neverArrived(at: now, jitter, policy)
        case .tryAgain(let reason, let retryAfter):
            lastResult = "search failed: \(reason)"
            failures += 1
            return [.search(after: policy.backoff.wait(failures: failures, retryAfter: retryAfter, jitter: jitter))]
        case .cannotTell(let reason): return decideUnclear(reason, at: now, jitter, policy, life)
        }
    }

    private mutating func absent(
        at now: Moment, _ jitter: UnitFraction, _ policy: Policy, _ life: Epoch?
    ) -> [Directive] {
        let searched = now.elapsed(since: stateSince) ?? .zero
        guard searched >= policy.attemptTimeout else {
            // The request may still be on its way: a repeat is safe under the same nonce, else time must tell.
            lastResult = "searched: not there yet"
            if nonceProtects(at: now, policy, life), !cancelRequested { return again(at: now, jitter, policy) }
            return [.search(after: policy.attemptTimeout - searched)]
        }
        return neverArrived(at: now, jitter, policy)
    }

    private mutating func neverArrived(at now: Moment, _ jitter: UnitFraction, _ policy: Policy) -> [Directive] {
        lastResult = "searched: provably absent"
        firstUnresolvedAttemptAt = nil
        isPossibleRepeat = false
        return again(at: now, jitter, policy)
    }

    /// Back to the gate; after a failure of the far side not before a wait, or a server that errs would be asked without pause.
    private mutating func again(at now: Moment, _ jitter: UnitFraction, _ policy: Policy) -> [Directive] {
        failures > 0 ? backOff(retryAfter: nil, at: now, jitter, policy) : hold(at: now)
    }

    private mutating func decideUnclear(
        _ reason: String, at now: Moment, _ jitter: UnitFraction, _ policy: Policy, _ life: Epoch?
    ) -> [Directive] {
        lastResult = "searched: can't tell, \(reason)"
        if cancelRequested {
            move(to: .unresolved(reason: "cancelled while an attempt was under way, and \(reason)"), at: now)
        } else if nonceProtects(at: now, policy, life) {
            return again(at: now, jitter, policy)
        } else if policy.unclearResult(for: id.kind) == .preferDelivery, !isPossibleRepeat {
            // Once only: a second unclear repeat would be a third message.
            isPossibleRepeat = true
            return again(at: now, jitter, policy)
        } else {
            move(to: .unresolved(reason: "an attempt may have arrived, and \(reason)"), at: now)
        }
        return []
    }

    private mutating func recover(at now: Moment) -> [Directive] {
        switch state {
        case .sending:
            firstUnresolvedAttemptAt = firstUnresolvedAttemptAt ?? stateSince
            return search(at: now, after: .zero)
        case .reconciling: return search(at: now, after: .zero)
        case .waiting(let until):
            // A clock that was not set tells nothing; then all of it is waited again.
            let whole = until.elapsed(since: stateSince) ?? .zero
            return [.wakeUp(after: max(.zero, whole - (now.elapsed(since: stateSince) ?? .zero)))]
        default: return []
        }
    }

    private mutating func cancel(at now: Moment) -> [Directive] {
        switch state {
        case .held, .waiting:
            cancelRequested = true
            return applyCancel(at: now)
        case .sending, .reconciling: cancelRequested = true
        case .unresolved, .dead, .expired: move(to: .cancelled, at: now)
        case .delivered, .cancelled: break
        }
        return []
    }

    private mutating func retry(at now: Moment) -> [Directive] {
        switch state {
        case .unresolved, .dead, .expired:
            if attempts > 0 { round += 1 }
            isOutOfOrder = true
            isPossibleRepeat = false
            owedSince = now
            firstUnresolvedAttemptAt = nil
            failures = 0
            openTime = .zero
            cancelRequested = false
            move(to: .held, at: now)
        case .waiting: move(to: .held, at: now)
        default: break
        }
        return []
    }
}
