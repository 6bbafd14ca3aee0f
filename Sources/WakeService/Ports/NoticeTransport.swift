public import WakeCore

/// Sends notices through one channel.
///
/// Promises: nothing is written to the far side but within ``send(_:)``, once per call. Its outcome is `transient` or `unavailable` only
/// if the far side provably did not accept the message. A call always returns, at the latest after the policy's attempt timeout.
public protocol NoticeTransport: Sendable {
    /// Whether it sends through that channel.
    func serves(_ channel: ChannelName) -> Bool

    /// Waits until the far side's limits allow one send over the route. Cancelling the task, or ``releasePermit(_:)``, ends the wait.
    ///
    /// - Returns: whether the permit is held now; it is used up by ``send(_:)`` or given back by ``releasePermit(_:)``.
    func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool

    /// Takes a permit where it can be had without waiting for anything. Never blocks. By default none can.
    ///
    /// - Returns: whether the permit is held now, as by ``acquirePermit(_:over:)``.
    func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool

    /// Gives a permit back unused, or ends the wait for one. Does nothing where none is held or awaited.
    func releasePermit(_ delivery: DeliveryID)

    /// Sends one notice.
    func send(_ order: SendOrder) async -> Outcome
}

extension NoticeTransport {
    /// Never: permits must be waited for.
    public func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool { false }
}

/// Finds out whether a place can be written to.
public protocol RouteCheck: Sendable {
    /// Whether it checks that channel's routes.
    func serves(_ channel: ChannelName) -> Bool

    /// Looks at the place; also while the channel is still connecting. `unknown` means that the look itself failed and is worth
    /// repeating.
    func check(_ route: Route) async -> RouteState
}

/// Finds out what became of an attempt.
public protocol ReceiptLookup: Sendable {
    /// Whether it searches that channel.
    func serves(_ channel: ChannelName) -> Bool

    /// Searches for the receipt. Only ever says `absent` where history may be read and was read whole.
    func search(_ order: SearchOrder) async -> ReceiptSearch
}

/// What serves one channel.
public protocol ChannelServant: Sendable {
    /// The channel.
    var channel: ChannelName { get }
}

extension ChannelServant {
    /// Whether it is that channel.
    public func serves(_ channel: ChannelName) -> Bool { channel == self.channel }
}
