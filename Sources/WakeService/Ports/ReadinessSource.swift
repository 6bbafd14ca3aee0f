public import WakeCore

/// The owner of a channel: keeps it connected and tells its state.
///
/// Promises: nothing starts before ``run(reportingTo:)`` and nothing outlives it. Every change of state is reported, in order; each
/// time the channel becomes ready its generation grows. It returns when its task is cancelled, after a clean goodbye.
public protocol ReadinessSource: Sendable {
    /// The channel that it owns.
    var channel: ChannelName { get }

    /// Runs until cancelled.
    func run(reportingTo sink: any ReadinessSink) async throws
}

/// Where sources report to. Calls never block.
public protocol ReadinessSink: Sendable {
    /// A channel's state is now this.
    func report(_ channel: ChannelName, _ state: ChannelState)

    /// An event of the transport carried the nonce of one of our deliveries.
    func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt)

    /// A person wrote there.
    func reportActivity(_ route: Route)
}

/// Where a transport keeps what lets it resume. Losing it costs an identify, nothing else; so failures are only logged.
public protocol TransportSessionStore: Sendable {
    /// What was stored last for the channel, as the transport wrote it.
    func loadSession(of channel: ChannelName) async -> String?

    /// Stores it; nil forgets it.
    func storeSession(_ session: String?, of channel: ChannelName) async
}
