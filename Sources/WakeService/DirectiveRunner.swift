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
    /// What is stored for people only and is not yet: the newest state of each place.
    private var unwritten: [String: Change] = [:]

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
                try record(changes, ledger)
                coordinator.adopt(changes)
            } else {
                try performer.perform(directive)
            }
        }
    }

    /// What nothing waits for rides with the next commit, so that an opening gate costs no commit of its own before the attempt's.
    private mutating func record(_ changes: [Change], _ ledger: some Ledger) throws(WakeError) {
        if changes.contains(where: \.isAwaited) {
            try ledger.commit(unwritten.isEmpty ? changes : older(than: changes) + changes)
            unwritten = [:]
        } else {
            for change in changes where change.isDurable { unwritten[change.place] = change }
        }
    }

    private func older(than changes: [Change]) -> [Change] {
        guard changes.contains(where: { $0.isDurable && !$0.isAwaited }) else { return Array(unwritten.values) }
        let newer = Set(changes.lazy.filter { $0.isDurable && !$0.isAwaited }.map(\.place))
        return unwritten.filter { !newer.contains($0.key) }.map(\.value)
    }

    /// Writes what people read and nothing waited for; to be called when all that an event set going has begun.
    ///
    /// - Throws: what the ledger throws, but for a full disk: then it is written when there is room.
    public mutating func writeForPeople(_ ledger: some Ledger) throws(WakeError) {
        guard !unwritten.isEmpty else { return }
        do {
            try ledger.commit(Array(unwritten.values))
            unwritten = [:]
        } catch {
            if error.code != .diskFull { throw error }
        }
    }

    /// Only the ledger still knows a sentinel that has ended.
    private func known(_ event: Event, _ ledger: some Ledger) throws(WakeError) -> Event {
        if case .withdrawn(let request, let row) = event, try ledger.knowsSentinel(request.id) {
            return .commanded(.cancelSentinel(request.id), ended: nil, inboxRow: row)
        }
        guard case .requested(let request, let row) = event, coordinator.sentinels[request.id] == nil,
            try ledger.knowsSentinel(request.id)
        else { return event }
        return .requestedAgain(request.id, inboxRow: row)
    }
}

extension Change {
    /// What a row for people is about.
    fileprivate var place: String {
        switch self {
        case .channel(let name, _): name.description
        case .route(let route, _): route.description
        default: preconditionFailure("\(self) is about no place")
        }
    }
}
