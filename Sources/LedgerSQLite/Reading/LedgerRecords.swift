public import WakeCore

/// A wake with its parts and what was tried.
public struct WakeRecord: Hashable, Sendable {
    /// The wake.
    public let wake: Wake
    /// Its deliveries, notice first.
    public let deliveries: [Delivery]
    /// What was tried, oldest first; at most ``WakeCore/Limits/attemptsShown`` per delivery, the latest.
    public let attempts: [AttemptRecord]
}

/// One attempt.
public struct AttemptRecord: Hashable, Sendable {
    /// What was to be delivered.
    public let delivery: DeliveryID
    /// Which attempt, from 1.
    public let number: Int
    /// When it began.
    public let at: Moment
    /// What it came to, in words.
    public let result: String
}

/// A target's last seen epoch.
public struct EpochRecord: Hashable, Sendable {
    /// The target.
    public let target: RestartTarget
    /// Its epoch.
    public let epoch: Epoch
}

/// A channel's state as the daemon saw it last.
public struct ChannelRecord: Hashable, Sendable {
    /// The channel.
    public let channel: ChannelName
    /// Its state.
    public let state: ChannelState
    /// Since when, in milliseconds since 1970 by the wall clock.
    public let changedMilliseconds: Int64
}

/// What the last check of a route found.
public struct RouteRecord: Hashable, Sendable {
    /// The route.
    public let route: Route
    /// Its state then.
    public let state: RouteState
    /// When, in milliseconds since 1970 by the wall clock.
    public let checkedMilliseconds: Int64
}

/// A row of the inbox that could not be used.
public struct RefusedRow: Hashable, Sendable {
    /// Its number.
    public let row: Int64
    /// Why it could not be used.
    public let reason: String
    /// When that was found, in milliseconds since 1970 by the wall clock.
    public let refusedMilliseconds: Int64
}

/// How much there is of what.
public struct LedgerCounts: Hashable, Sendable {
    /// Sentinels that are open.
    public let openSentinels: Int
    /// Wakes that have not ended.
    public let liveWakes: Int
    /// Deliveries of those, by the names of their states.
    public let liveDeliveries: [String: Int]
    /// Deliveries that wait for an operator's word.
    public let unresolvedDeliveries: Int
    /// Rows that the daemon has not applied yet.
    public let inboxRows: Int
    /// Rows that it could not use.
    public let refusedRows: Int
}

/// Which wakes to list.
public enum WakeFilter: Hashable, Sendable {
    /// Those that have not ended.
    case live
    /// Those with a part that waits for an operator's word.
    case unresolved
    /// All of one session.
    case session(SessionKey)
    /// All.
    case all
}
