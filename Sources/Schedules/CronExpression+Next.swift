extension CronExpression {
    /// No expression that can match stays silent longer: a leap day on one weekday comes after 40 years at most.
    private static let searchDays: Int64 = 41 * 366

    /// The first time after another at which it is due; both in seconds since 1970-01-01 UTC.
    ///
    /// A fixed time that the clocks skip is due at the first moment after the gap; one that they show twice is due the first
    /// time. With any hour (`*`), what is skipped is left out and what comes twice is due twice.
    ///
    /// - Returns: nil if none comes within 41 years.
    public func next(afterUTC seconds: Int64, in zone: any TimeZoneRules) -> Int64? {
        let local = seconds + zone.offsetSeconds(atUTC: seconds)
        // From the day before on: clocks that were set back may show yesterday again.
        let firstDay = local.floorDivided(by: CivilDate.secondsOfDay) - 1
        for day in firstDay...(firstDay + Self.searchDays) {
            guard let found = next(afterUTC: seconds, onDay: day, in: zone) else { continue }
            // Where clocks are set back over midnight, something of the next day may come before the repeat of this one.
            return [found, next(afterUTC: seconds, onDay: day + 1, in: zone)].compactMap(\.self).min()
        }
        return nil
    }

    private func next(afterUTC seconds: Int64, onDay day: Int64, in zone: any TimeZoneRules) -> Int64? {
        guard matches(day: day) else { return nil }
        let midnight = day * CivilDate.secondsOfDay
        let offset = zone.offsetSeconds(atUTC: midnight - CivilDate.secondsOfDay)
        let isPlain = offset == zone.offsetSeconds(atUTC: midnight + 2 * CivilDate.secondsOfDay)
        var earliest: Int64?
        for hour in hours {
            for minute in minutes {
                let local = midnight + Int64(hour * 3_600 + minute * 60)
                if isPlain {
                    guard local - offset > seconds else { continue }
                    return local - offset
                }
                for instant in due(atLocal: local, in: zone) where instant > seconds {
                    earliest = min(earliest ?? instant, instant)
                }
            }
        }
        return earliest
    }

    private func due(atLocal local: Int64, in zone: any TimeZoneRules) -> [Int64] {
        switch zone.instant(ofLocal: local) {
        case .once(let instant): [instant]
        case .twice(let first, let second): hasAnyHour ? [first, second] : [first]
        case .skipped(let end): hasAnyHour ? [] : [end]
        }
    }
}
