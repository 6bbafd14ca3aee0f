/// Durations of schedules: whole numbers with units, such as `20s`, `10m`, `1h 30m` or `7d`.
public enum ScheduleDuration {
    /// The longest duration, in days.
    public static let maximumDays: Int64 = 36_600

    private static let units: [(names: [String], seconds: Int64)] = [
        (["d", "day", "days"], 86_400), (["h", "hour", "hours"], 3_600), (["m", "min", "minute", "minutes"], 60),
        (["s", "sec", "second", "seconds"], 1),
    ]

    /// Reads a duration.
    ///
    /// - Returns: whole seconds, at least one.
    /// - Throws: ``ScheduleError`` with what to write instead.
    public static func parse(_ text: String) throws(ScheduleError) -> Int64 {
        var rest = Substring(text.prefix(65).lowercased()).filter { $0 != " " }[...]
        var (total, lastUnit): (Int64, Int) = (0, -1)
        guard !rest.isEmpty, text.utf8.count <= 64 else { throw problem(text, "is no duration") }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isLetter }
            rest = rest.dropFirst(digits.count + name.count)
            guard let number = Int64(digits) else { throw problem(text, "is no duration") }
            guard let unit = units.firstIndex(where: { $0.names.contains(String(name)) }) else {
                throw problem(
                    text, name.isEmpty ? "has a number without a unit" : "has the unknown unit \(ScheduleError.quoted(name))")
            }
            guard unit > lastUnit else { throw problem(text, "has its units out of order, or one of them twice") }
            lastUnit = unit
            let (part, overflows) = number.multipliedReportingOverflow(by: units[unit].seconds)
            guard !overflows, part <= maximumDays * 86_400, total + part <= maximumDays * 86_400 else {
                throw problem(text, "is longer than \(maximumDays) days")
            }
            total += part
        }
        guard total > 0 else { throw problem(text, "is zero") }
        return total
    }

    /// Writes whole seconds with the two largest units that say anything, such as `2h 5m`.
    public static func words(seconds: Int64) -> String {
        var left = max(0, seconds)
        var parts: [String] = []
        for unit in units {
            if left >= unit.seconds, parts.count < 2 { parts.append("\(left / unit.seconds)\(unit.names[0])") }
            left %= unit.seconds
        }
        return parts.isEmpty ? "0s" : parts.joined(separator: " ")
    }

    private static func problem(_ text: String, _ message: String) -> ScheduleError {
        ScheduleError(
            .duration, "\(ScheduleError.quoted(text)) \(message)",
            hint: "write for example 20s, 10m, 8h or 7d; the units are d, h, m and s, from the longest to the shortest")
    }
}
