public import WakeCore

/// Tells from the lives before this one whether the daemon is in a loop of restarts. Pure.
public struct RestartLoop: Hashable, Sendable {
    /// So many starts after an unclean end are a loop; 0: none ever is.
    public var loopStarts = 3
    /// Where they fall within that time.
    public var loopWithin: Duration = .seconds(300)
    /// How long after a planned restart the next one has to wait.
    public var cooldown: Duration = .seconds(30)

    /// The defaults.
    public init() {}

    /// Whether too many unclean starts have happened, this one included. A start is unclean where the life before it ended neither
    /// as planned nor because it was told to, and the machine was not restarted in between: a lost machine is not the daemon's doing.
    /// One clean end breaks the row, so that whoever stops the daemon and starts it again gets it whole.
    ///
    /// - Parameters:
    ///   - previous: the lives before this one, newest first.
    ///   - now: when this one started.
    /// - Returns: whether the last ``loopStarts`` starts were unclean and all within ``loopWithin``.
    public func isLooping(after previous: [StartRecord], at now: Moment) -> Bool {
        guard loopStarts > 0 else { return false }
        var count = 0
        var start = now
        for life in previous {
            guard life.ended == nil, life.started.boot == start.boot, Self.elapsed(since: start, at: now) <= loopWithin else {
                break
            }
            count += 1
            start = life.started
        }
        return count >= loopStarts
    }

    /// How much of the pause after the last planned restart is left.
    ///
    /// - Parameters:
    ///   - previous: the lives before this one, newest first.
    ///   - now: the time.
    /// - Returns: nil where the next restart needn't wait.
    public func cooldownLeft(after previous: [StartRecord], at now: Moment) -> Duration? {
        guard let last = previous.lazy.compactMap(\.ended).first(where: { $0.kind == .planned }) else { return nil }
        let left = cooldown - Self.elapsed(since: last.at, at: now)
        return left > .zero ? left : nil
    }

    /// By the wall clock where nothing better is known: a clock that is not set yet mostly shows the right day still.
    private static func elapsed(since earlier: Moment, at now: Moment) -> Duration {
        if let known = now.elapsed(since: earlier) { return known }
        let (span, overflow) = now.wallMilliseconds.subtractingReportingOverflow(earlier.wallMilliseconds)
        return .milliseconds(overflow ? .max : max(0, span))
    }
}
