public import Logging
import Synchronization
public import WakeCore

/// The keys of all log metadata, in one table: the same thing has the same key in every line.
public enum LogKey {
    /// The decision's code, such as `deliveryDelivered`.
    public static let event = "event"
    /// A sentinel's id.
    public static let sentinel = "sentinel"
    /// A wake's id.
    public static let wake = "wake"
    /// A delivery's id.
    public static let delivery = "delivery"
    /// A session key.
    public static let session = "session"
    /// A channel, route or target.
    public static let place = "place"
    /// Why.
    public static let reason = "reason"
    /// An error's words.
    public static let error = "error"
}

/// The least level that is written, for all handlers at once; may be changed while they write.
public final class SharedLogLevel: Sendable {
    private let value: Mutex<Logger.Level>

    /// Begins with that level.
    public init(_ level: Logger.Level) { value = Mutex(level) }

    /// The level.
    public var level: Logger.Level {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

extension Logger {
    /// Writes one decision as one line: a constant message, the data in metadata.
    public func log(_ decision: Decision) {
        log(
            level: decision.needsOperator ? .warning : .info, "\(decision.code.message)",
            metadata: decision.metadata)
    }
}

extension Decision {
    /// The decision's data under the keys of ``LogKey``.
    public var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [LogKey.event: "\(code.rawValue)"]
        metadata[LogKey.sentinel] = sentinel.map { "\($0)" }
        metadata[LogKey.wake] = wake.map { "\($0)" }
        metadata[LogKey.delivery] = delivery.map { "\($0)" }
        metadata[LogKey.session] = session.map { "\($0)" }
        metadata[LogKey.place] = place.map { "\($0)" }
        metadata[LogKey.reason] = reason.map { "\($0)" }
        return metadata
    }
}

extension Decision.Code {
    /// The line's constant message.
    public var message: String {
        switch self {
        case .sentinelArmed: "sentinel armed"
        case .sentinelRefused: "restart request refused"
        case .sentinelRestarting: "restart begins"
        case .sentinelFired: "sentinel fired"
        case .sentinelNotRestarted: "restart did not happen"
        case .sentinelTargetFailed: "target failed"
        case .sentinelExpired: "sentinel expired"
        case .sentinelCancelled: "sentinel cancelled"
        case .wakeOpened: "wake opened"
        case .wakeJoined: "sentinel joined an open wake"
        case .wakeSealed: "wake sealed"
        case .wakeEnded: "wake ended"
        case .deliveryHeld: "delivery held"
        case .deliveryLeft: "delivery left to others for now"
        case .deliverySending: "attempt recorded, sending"
        case .deliveryWaiting: "delivery backs off"
        case .deliveryReconciling: "result unclear, looking for a receipt"
        case .deliveryDelivered: "delivered"
        case .deliveryDead: "delivery failed for good"
        case .deliveryExpired: "delivery expired"
        case .deliveryCancelled: "delivery cancelled"
        case .deliveryUnresolved: "delivery unresolved, an operator must decide"
        case .gateShutLong: "gate shut for long"
        case .fallbackTaken: "fallback route taken"
        case .channelChanged: "channel changed"
        case .channelDoubted: "channel in doubt: one delivery at a time tries it"
        case .channelTrusted: "channel serves again"
        case .routeChanged: "route changed"
        case .commandRefused: "command refused"
        case .inboxRefused: "inbox row set aside"
        case .turnStarted: "turn runs"
        case .turnEnded: "turn ended"
        case .turnFailed: "turn failed"
        case .leaseRenewed: "work goes on"
        case .leaseSeenTo: "a person sees to the work"
        case .leaseRunOut: "work stands still"
        case .leaseGivenUp: "work stands still for good, a person must look"
        case .jobAdded: "job added"
        case .jobRemoved: "job removed"
        case .jobFired: "job runs"
        case .jobSkipped: "job skipped"
        case .jobMissed: "job missed its time"
        }
    }
}
