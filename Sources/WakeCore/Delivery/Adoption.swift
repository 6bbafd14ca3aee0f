// A ledger that was copied or restored may speak of things that its original has long delivered. Until an operator adopts it, what
// is open in it is held as unresolved; afterwards every delivery first looks for its receipt, so that nothing shows twice.

extension Delivery {
    /// The delivery as held back: unresolved, with nothing forgotten. It can be retried, marked delivered or cancelled like any other.
    ///
    /// - Parameters:
    ///   - reason: why, and what to do about it.
    ///   - now: when.
    /// - Returns: nil where it has ended, and there is nothing to hold back.
    public func heldForAdoption(reason: String, at now: Moment) -> Delivery? {
        guard isActive else { return nil }
        var held = self
        held.state = .unresolved(reason: reason)
        held.stateSince = now
        return held
    }

    /// The delivery as taken up again by an operator's word: the original may have sent it, so it looks for a receipt first, from the
    /// time since which it is owed.
    ///
    /// - Returns: nil where it is not unresolved.
    public func adopted(at now: Moment) -> Delivery? {
        guard case .unresolved = state else { return nil }
        var adopted = self
        adopted.firstUnresolvedAttemptAt = firstUnresolvedAttemptAt ?? owedSince
        adopted.state = .reconciling
        adopted.stateSince = now
        return adopted
    }
}

extension Wake {
    /// The wake with all its deliveries held back: nothing joins it any more.
    public func heldForAdoption(at now: Moment) -> Wake {
        var held = self
        held.move(to: .ended, at: now)
        return held
    }

    /// The wake as taken up again. The original may have told its notes, so they are fixed.
    public func adopted(at now: Moment) -> Wake {
        var adopted = self
        adopted.move(to: .sealed, at: now)
        return adopted
    }
}
