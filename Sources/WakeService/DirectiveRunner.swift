public import WakeCore

/// Carries out every directive but `record`. Returns at once; what comes of it comes back as an event.
public protocol DirectivePerformer {
    /// Begins it.
    mutating func perform(_ directive: Directive) throws(WakeError)
}

/// The write-ahead rule, in one place: what an event changes is committed, then adopted, and only then is anything done about it.
///
/// The simulator drives the same runner.
public struct DirectiveRunner: Sendable {
    /// All live state, as far as it is durable.
    public private(set) var coordinator: Coordinator

    /// Starts with what the ledger holds.
    ///
    /// - Throws: what the ledger throws.
    public init(policy: Policy, ledger: some Ledger, at now: Moment) throws(WakeError) {
        coordinator = Coordinator(policy: policy)
        let oldest = now.advanced(by: .zero - policy.loopWindow)
        coordinator.adopt(try ledger.load(endedWakesSince: oldest))
    }

    /// Leads one event to its end.
    ///
    /// - Throws: ``WakeError/Code/diskFull`` where nothing happened and the same event may be handed in again; any other error means
    ///   that the ledger must be opened anew.
    public mutating func run(
        _ event: Event, at now: Moment, dice: Dice, ledger: some Ledger, performer: inout some DirectivePerformer
    ) throws(WakeError) {
        for directive in coordinator.step(try known(event, ledger), at: now, dice: dice) {
            if case .record(let changes) = directive {
                if changes.contains(where: \.isDurable) { try ledger.commit(changes) }
                coordinator.adopt(changes)
            } else {
                try performer.perform(directive)
            }
        }
    }

    /// Only the ledger still knows a sentinel that has ended.
    private func known(_ event: Event, _ ledger: some Ledger) throws(WakeError) -> Event {
        guard case .requested(let request, let row) = event, coordinator.sentinels[request.id] == nil,
            try ledger.knowsSentinel(request.id)
        else { return event }
        return .requestedAgain(request.id, inboxRow: row)
    }
}
