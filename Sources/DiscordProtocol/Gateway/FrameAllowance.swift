/// How many frames may still be sent on one gateway connection: 120 in 60 s, of which 3 are kept for heartbeats.
///
/// Going over closes the connection with 4008. Rule: Discord, events/gateway, "Rate Limiting"; the reserve is our own.
public struct FrameAllowance: Hashable, Sendable {
    /// Frames in one window.
    public static let limit = 120
    /// Frames of the window that only scheduled heartbeats may use.
    public static let heartbeatReserve = 3
    /// The length of the window.
    public static let window = Duration.seconds(60)

    private var sentAt: [Duration] = []

    /// A connection on which nothing was sent yet.
    public init() {}

    /// Takes one frame if the window has room, and says whether it had.
    public mutating func take(at now: Duration, isScheduledBeat: Bool) -> Bool {
        sentAt.removeAll { now - $0 >= Self.window }
        let room = isScheduledBeat ? Self.limit : Self.limit - Self.heartbeatReserve
        guard sentAt.count < room else { return false }
        sentAt.append(now)
        return true
    }

    /// When a scheduled heartbeat fits again.
    public func nextBeat(after now: Duration) -> Duration {
        guard sentAt.count >= Self.limit, let oldest = sentAt.first else { return now }
        return max(now, oldest + Self.window)
    }
}
