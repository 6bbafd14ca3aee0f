/// How long to wait before the next attempt: full jitter, random(0, min(cap, base × factor^n)).
///
/// Full jitter spreads the retries of many senders best of all simple schedules (M. Brooker, "Exponential Backoff and Jitter").
public struct Backoff: Hashable, Sendable {
    /// The bound of the first wait; default 250 ms.
    public var base: Duration = .milliseconds(250)
    /// How much the bound grows with each attempt; default 2.
    public var factor = 2.0
    /// The bound's bound; default 60 s.
    public var cap: Duration = .seconds(60)

    /// The defaults.
    public init() {}

    /// The wait after the given number of failed attempts.
    ///
    /// - Parameters:
    ///   - failures: from 1.
    ///   - retryAfter: what the far side asked for, up to ``Limits/retryAfter``; it always wins over the schedule.
    ///   - jitter: where in 0..<bound the wait falls.
    /// - Returns: how long to wait.
    public func wait(failures: Int, retryAfter: Duration?, jitter: UnitFraction) -> Duration {
        if let retryAfter { return min(max(.zero, retryAfter), Limits.retryAfter) }
        var bound = Double(base.wholeMicroseconds)
        let limit = Double(cap.wholeMicroseconds)
        for _ in 1..<max(failures, 1) where bound < limit { bound *= factor }
        return .microseconds(Int64(min(bound, limit) * jitter.value))
    }

    /// The wait before the next probe of a channel in doubt: only one goes at a time, so there are no others to be spread from, and
    /// the last quarter of the bound is jitter enough.
    func probeWait(failures: Int, jitter: UnitFraction) -> Duration {
        wait(failures: failures, retryAfter: nil, jitter: UnitFraction(0.75 + 0.25 * jitter.value))
    }
}
