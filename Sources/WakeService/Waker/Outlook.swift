public import WakeCore

/// What the waker sees at one time: what is open, and what is held for which channel.
public struct Outlook: Hashable, Sendable {
    /// Open sentinels.
    public var openSentinels = 0
    /// Wakes that have not ended.
    public var openWakes = 0
    /// Wakes with a delivery that is not sent yet, by the channel that it waits for.
    public var held: [ChannelName: Int] = [:]
    /// Deliveries that a person must decide about.
    public var unresolved = 0
    /// Whether the ledger has no room.
    public var isLedgerFull = false

    /// An empty one.
    public init() {}

    init(_ coordinator: Coordinator, isLedgerFull: Bool) {
        openSentinels = coordinator.sentinels.count
        openWakes = coordinator.wakes.count
        self.isLedgerFull = isLedgerFull
        var waiting: [ChannelName: Set<WakeID>] = [:]
        for delivery in coordinator.deliveries.values {
            if delivery.isActive { waiting[delivery.route.channel, default: []].insert(delivery.id.wake) }
            if case .unresolved = delivery.state { unresolved += 1 }
        }
        held = waiting.mapValues(\.count)
    }

    /// In words, for one status line: what is held and why, else how the channels are.
    ///
    /// - Parameters:
    ///   - channels: each channel's state, and since when.
    ///   - now: when it is read.
    /// - Returns: one line.
    public func words(_ channels: [ChannelName: (state: ChannelState, since: Moment)], at now: Moment) -> String {
        if isLedgerFull { return "the ledger is full: nothing is begun until there is room" }
        var parts = Set(held.keys).union(channels.keys).sorted().map { name in
            let owed = held[name] ?? 0
            let state = Self.words(channels[name], at: now)
            return owed > 0 ? "holding \(owed) wake\(owed == 1 ? "" : "s") for \(name), \(state)" : "\(name) \(state)"
        }
        if openSentinels > 0 { parts.append("\(openSentinels) sentinel\(openSentinels == 1 ? "" : "s") open") }
        if unresolved > 0 { parts.append("\(unresolved) unresolved: reveille wake list --unresolved") }
        return parts.isEmpty ? "nothing is held" : parts.joined(separator: "; ")
    }

    private static func words(_ channel: (state: ChannelState, since: Moment)?, at now: Moment) -> String {
        guard let (state, since) = channel else { return "which nobody has reported on yet" }
        let span = now.elapsed(since: since).map { " for \(NoticeText.span($0))" } ?? ""
        return switch state {
        case .ready: "ready"
        case .unknown, .connecting: "connecting\(span)"
        case .down(let reason, _): "down\(span): \(reason)"
        case .blocked(let reason): "blocked: \(reason)"
        }
    }

    /// Whether something is waited for, so that the words change with time.
    public func isWaiting(_ channels: some Sequence<ChannelState>) -> Bool {
        !held.isEmpty || isLedgerFull || channels.contains { !$0.isReady }
    }
}

extension Waker {
    /// What it sees now. Answered by the loop that does the work, after everything that came before: whoever has an answer knows that
    /// the loop keeps up, and that what was handed in is on disk.
    ///
    /// - Returns: nil once the waker has ended.
    public nonisolated func outlook() async -> Outlook? {
        let (answers, continuation) = AsyncStream.makeStream(of: Outlook.self)
        ask(continuation)
        for await answer in answers { return answer }
        return nil
    }
}
