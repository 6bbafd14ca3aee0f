/// The day's allowance of Identify frames, as `GET /gateway/bot` tells it.
///
/// Running it down makes Discord end every session of the bot *and reset its token*, so part of it is never spent: a bot that
/// identifies in a loop must stop long before. Rule: Discord, events/gateway, "Session Start Limit Object".
public struct IdentifyBudget: Hashable, Sendable {
    /// The least time between two identifies of one connection slot; faster ones are answered with op 9.
    public static let spacing = Duration.seconds(5)

    /// Identifies in a day (1,000 for most bots).
    public let total: Int
    /// What is left of them.
    public private(set) var remaining: Int
    /// When `remaining` becomes `total` again, as time since boot.
    public let resetAt: Duration
    /// How many of them are never spent: a twentieth of the total, at least 5 (but never all of a small total).
    public var reserve: Int { min(max(5, total / 20), max(0, total - 1)) }

    /// Takes the figures as received at `now`; negative ones count as 0, and a reset lies at most 48 h ahead.
    public init(total: Int, remaining: Int, resetAfterMilliseconds: Int64, now: Duration) {
        self.total = max(0, total)
        self.remaining = max(0, remaining)
        self.resetAt = now + .milliseconds(min(max(0, resetAfterMilliseconds), 48 * 3_600_000))
    }

    /// Whether one more Identify may be sent.
    public func allowsIdentify(at now: Duration) -> Bool {
        now >= resetAt && total > 0 || remaining > reserve
    }

    /// Counts one Identify.
    public mutating func spend() {
        remaining = max(0, remaining - 1)
    }
}
