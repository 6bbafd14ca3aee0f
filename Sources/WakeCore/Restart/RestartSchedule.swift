/// What is to be done about one scheduled restart now.
public enum RestartSchedule: Hashable, Sendable {
    /// Its delay is not over.
    case notYet(remaining: Duration)
    /// Carry it out.
    case due
    /// Its delay was over too long ago: a person would not expect it any more.
    case tooLate
    /// The target has already restarted by itself: nothing is left to do.
    case alreadyHappened
    /// The wall clock is needed and not synchronised yet.
    case clockUnknown

    /// Decides by the recorded epoch first, then by time: a restart is carried out only while the epoch equals the recorded one.
    /// An epoch is nil where the target has none, or where it is not known.
    public static func of(
        requestedAt: Moment, delay: Duration, recorded: Epoch?, current: Epoch?, now: Moment, maximumLateness: Duration
    ) -> RestartSchedule {
        if let recorded, let current, current.differs(from: recorded) { return .alreadyHappened }
        guard let elapsed = now.elapsed(since: requestedAt) else { return .clockUnknown }
        if elapsed < delay { return .notYet(remaining: delay - elapsed) }
        return elapsed - delay > maximumLateness ? .tooLate : .due
    }
}
