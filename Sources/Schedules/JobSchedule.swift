/// When a job is due.
public enum JobSchedule: Hashable, Sendable {
    /// Once, at that time: milliseconds since 1970-01-01 UTC.
    case at(Int64)
    /// Every so many seconds, at least one, counted from an anchor in milliseconds since 1970-01-01 UTC.
    case every(seconds: Int64, anchor: Int64)
    /// Whenever the clocks of a zone match an expression; the zone by its name, such as `Europe/Berlin`.
    case cron(CronExpression, zone: String)

    /// Whether it is due only once.
    public var isOneShot: Bool {
        if case .at = self { return true }
        return false
    }

    /// The first time after another at which the job is due; both in milliseconds since 1970-01-01 UTC.
    ///
    /// - Parameters:
    ///   - milliseconds: the time after which it is sought.
    ///   - zone: the rules of the zone that a cron schedule names; nothing else looks at it.
    /// - Returns: strictly later than `milliseconds`; nil if there is none.
    public func next(after milliseconds: Int64, in zone: any TimeZoneRules) -> Int64? {
        switch self {
        case .at(let time): return time > milliseconds ? time : nil
        case .every(let seconds, let anchor):
            let step = max(1, seconds) * 1_000
            guard milliseconds >= anchor else { return anchor }
            return anchor + ((milliseconds - anchor) / step + 1) * step
        case .cron(let expression, _):
            return expression.next(afterUTC: milliseconds.floorDivided(by: 1_000), in: zone).map { $0 * 1_000 }
        }
    }
}
