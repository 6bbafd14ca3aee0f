/// Points in time as people write them: ISO 8601 with or without a zone, or `+20s` from now.
public enum TimeText {
    /// How long ago a point in time may be and still count as now.
    public static let pastAllowanceMilliseconds: Int64 = 60_000

    /// Reads the point in time of a one-shot job.
    ///
    /// - Parameters:
    ///   - text: `2026-12-01T09:30`, with seconds, fractions of them, `Z` or an offset such as `+01:00` where wanted; or `+` and a
    ///     duration.
    ///   - now: milliseconds since 1970-01-01 UTC.
    ///   - zone: the zone of a time that names none.
    /// - Returns: milliseconds since 1970-01-01 UTC; now, where the time passed within the last minute.
    /// - Throws: ``ScheduleError``; for a past time with how long ago that was.
    public static func parse(_ text: String, now: Int64, zone: any TimeZoneRules) throws(ScheduleError) -> Int64 {
        if text.hasPrefix("+") { return now + (try ScheduleDuration.parse(String(text.dropFirst()))) * 1_000 }
        let time = try absolute(text, zone: zone)
        guard time < now else { return time }
        if now - time <= pastAllowanceMilliseconds { return now }
        let ago = ScheduleDuration.words(seconds: (now - time) / 1_000)
        throw ScheduleError(
            .past, "\(ScheduleError.quoted(text)) is in the past: it was \(ago) ago",
            hint: "give a time that is still to come, or +20s for 20 seconds from now")
    }

    private static func absolute(_ text: String, zone: any TimeZoneRules) throws(ScheduleError) -> Int64 {
        var scanner = Digits(text)
        guard text.utf8.count <= 40, let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2),
            scanner.take("-"),
            let day = scanner.number(2), scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.number(2), scanner.take(":"), let minute = scanner.number(2)
        else { throw problem(text, "is no point in time") }
        guard let date = CivilDate(year: Int64(year), month: month, day: day) else {
            throw problem(text, "names a day that the calendar does not have")
        }
        var (second, milliseconds) = (0, Int64(0))
        if scanner.take(":") {
            guard let number = scanner.number(2) else { throw problem(text, "is no point in time") }
            second = number
            if scanner.take(".") { milliseconds = try fraction(of: text, &scanner) }
        }
        guard hour < 24, minute < 60, second < 60 else { throw problem(text, "names a time of day that there is not") }
        let local = date.dayNumber * CivilDate.secondsOfDay + Int64(hour * 3_600 + minute * 60 + second)
        return try utc(ofLocal: local, text, &scanner, zone) * 1_000 + milliseconds
    }

    private static func fraction(of text: String, _ scanner: inout Digits) throws(ScheduleError) -> Int64 {
        let digits = scanner.digits()
        guard (1...9).contains(digits.count), let value = Int64((digits + "00").prefix(3)) else {
            throw problem(text, "has a fraction of a second that is none")
        }
        return value
    }

    private static func utc(
        ofLocal local: Int64, _ text: String, _ scanner: inout Digits, _ zone: any TimeZoneRules
    ) throws(ScheduleError) -> Int64 {
        if scanner.isAtEnd {
            switch zone.instant(ofLocal: local) {
            case .once(let instant), .twice(let instant, _), .skipped(let instant): return instant
            }
        }
        if scanner.take("Z") || scanner.take("z"), scanner.isAtEnd { return local }
        let isAhead = scanner.take("+")
        guard isAhead || scanner.take("-"), let hours = scanner.number(2) else {
            throw problem(text, "ends with something unreadable")
        }
        _ = scanner.take(":")
        guard let minutes = scanner.isAtEnd ? 0 : scanner.number(2), scanner.isAtEnd, hours <= 14, minutes < 60 else {
            throw problem(text, "has an offset that is none")
        }
        return local - Int64(hours * 3_600 + minutes * 60) * (isAhead ? 1 : -1)
    }

    private static func problem(_ text: String, _ message: String) -> ScheduleError {
        ScheduleError(
            .time, "\(ScheduleError.quoted(text)) \(message)",
            hint: "write for example 2026-12-01T09:30, 2026-12-01T09:30:00+01:00, 2026-12-01T08:30Z or +20s")
    }
}

/// Reads a text of digits and marks from its beginning.
private struct Digits {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard rest.first.map(UInt32.init) == mark.value else { return false }
        rest = rest.dropFirst()
        return true
    }

    mutating func digits() -> String {
        let found = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(found.count)
        return String(Substring(found))
    }

    /// A number of exactly so many digits.
    mutating func number(_ count: Int) -> Int? {
        let found = rest.prefix(count)
        guard found.count == count, found.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return Int(Substring(found))
    }
}
