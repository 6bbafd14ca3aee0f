public import WakeCore

/// Starts turns of agents.
///
/// Promises: a turn is started only within ``start(_:)``, once per call. Its outcome is `transient` or `unavailable` only if the far side
/// provably did not accept the turn. A call always returns, at the latest after the policy's attempt timeout.
public protocol TurnSink: Sendable {
    /// Whether it starts the turns of that session over that channel.
    func serves(_ session: SessionKey, over channel: ChannelName) -> Bool

    /// Hands the turn over; accepted means that the agent will have it, not that it is done.
    func start(_ order: SendOrder) async -> Outcome

    /// Finds out what became of a turn. Only ever says `absent` where the far side's record was read whole.
    func search(_ order: SearchOrder) async -> ReceiptSearch
}

/// Knows, once the gate of a delivery is open and before its first attempt, what has changed meanwhile.
///
/// Promises: it writes nothing. A call always returns; where nothing can be found out, the delivery is needed.
public protocol BriefingSource: Sendable {
    /// Whether it knows that channel.
    func briefs(_ channel: ChannelName) -> Bool

    /// Looks whether the delivery is still needed, and what was missed.
    func brief(_ order: BriefingOrder) async -> Briefing
}
