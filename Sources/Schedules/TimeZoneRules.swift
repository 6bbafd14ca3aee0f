/// What a zone's clocks show at any time.
public protocol TimeZoneRules: Sendable {
    /// How far local time is ahead of UTC at a time.
    ///
    /// - Parameter seconds: seconds since 1970-01-01 UTC.
    /// - Returns: seconds, negative west of Greenwich.
    func offsetSeconds(atUTC seconds: Int64) -> Int64
}

/// A zone whose clocks never change.
public struct FixedOffset: TimeZoneRules, Hashable {
    /// How far local time is ahead of UTC.
    public let seconds: Int64

    /// Coordinated Universal Time.
    public static let utc = FixedOffset(seconds: 0)

    /// Makes a zone.
    public init(seconds: Int64) { self.seconds = seconds }

    /// Always the same.
    public func offsetSeconds(atUTC _: Int64) -> Int64 { seconds }
}

/// Where a local time falls.
enum LocalInstant: Hashable {
    /// At one time of UTC.
    case once(Int64)
    /// At two: the clocks were set back between them.
    case twice(first: Int64, second: Int64)
    /// Nowhere: the clocks were set forward over it, at that time of UTC.
    case skipped(at: Int64)
}

extension TimeZoneRules {
    /// Finds when the clocks show a local time, given as seconds since 1970-01-01 by those clocks.
    func instant(ofLocal local: Int64) -> LocalInstant {
        // No zone is further than 14 hours from UTC, so that a day to either side is surely before and after.
        let (before, after) = (
            offsetSeconds(atUTC: local - CivilDate.secondsOfDay), offsetSeconds(atUTC: local + CivilDate.secondsOfDay)
        )
        let found = Set([local - before, local - after].filter { $0 + offsetSeconds(atUTC: $0) == local }).sorted()
        if let first = found.first, let last = found.last {
            return first == last ? .once(first) : .twice(first: first, second: last)
        }
        var (low, high) = (local - CivilDate.secondsOfDay, local + CivilDate.secondsOfDay)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle + offsetSeconds(atUTC: middle) < local { low = middle } else { high = middle }
        }
        return .skipped(at: high)
    }
}
