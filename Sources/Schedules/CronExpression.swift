/// A cron expression: minute, hour, day of month, month and day of week, as cron has read them for decades.
///
/// Lists, ranges, steps and names (`JAN`, `MON`) are read, and `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`. Where
/// both day fields are restricted, a day that matches either is meant; where one of them begins with a star, both must match.
public struct CronExpression: Hashable, Sendable, CustomStringConvertible {
    /// The longest text that is read, in bytes.
    public static let maximumBytes = 256

    /// The expression as it was typed, without blanks around it.
    public let description: String

    /// The minutes and hours in order.
    let minutes: [Int]
    let hours: [Int]
    /// Whether the hour begins with a star: such jobs follow elapsed time, not the clock on the wall.
    let hasAnyHour: Bool

    private let daysOfMonth: Set<Int>
    private let months: Set<Int>
    private let daysOfWeek: Set<Int>
    private let eitherDay: Bool

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    /// Reads an expression.
    ///
    /// - Throws: ``ScheduleError`` that names the field, the value and what is allowed, or says that no day can ever match.
    public init(_ text: String) throws(ScheduleError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw ScheduleError(.expression, "the expression is longer than \(Self.maximumBytes) bytes", hint: Self.example)
        }
        let parts = text.split { $0 == " " || $0 == "\t" }
        let description = parts.joined(separator: " ")
        if parts.count == 1, parts[0].hasPrefix("@") {
            guard let fields = Self.shorthands[parts[0].lowercased()] else {
                throw ScheduleError(
                    .expression, "\(ScheduleError.quoted(parts[0])) is no shorthand",
                    hint: "there are @hourly, @daily, @weekly, @monthly and @yearly")
            }
            try self.init(fields: fields.split(separator: " "), description: description)
        } else {
            try self.init(fields: parts, description: description)
        }
    }

    private init(fields: [Substring], description: String) throws(ScheduleError) {
        guard fields.count == 5 else {
            throw ScheduleError(
                .expression, "\(ScheduleError.quoted(description)) has \(fields.count) fields, not 5", hint: Self.example)
        }
        self.description = description
        let hour = try (CronField.minute.parse(fields[0]), CronField.hour.parse(fields[1]))
        let day = try CronField.dayOfMonth.parse(fields[2])
        let month = try CronField.month.parse(fields[3])
        let weekday = try CronField.dayOfWeek.parse(fields[4])
        minutes = hour.0.numbers.sorted()
        hours = hour.1.numbers.sorted()
        hasAnyHour = hour.1.hasStar
        daysOfMonth = day.numbers
        months = month.numbers
        daysOfWeek = weekday.numbers
        eitherDay = !day.hasStar && !weekday.hasStar
        try checkThatItCanMatch()
    }

    private func checkThatItCanMatch() throws(ScheduleError) {
        guard !eitherDay, let earliest = daysOfMonth.min() else { return }
        guard !months.contains(where: { CivilDate.days(in: $0, isLeap: true) >= earliest }) else { return }
        throw ScheduleError(
            .expression, "the field day of month has no day that a month of \(ScheduleError.quoted(description)) has",
            hint: "February has at most 29 days; April, June, September and November have 30")
    }

    private static let example = "write five fields: minute hour day-of-month month day-of-week, such as \"30 9 * * MON-FRI\""

    /// Whether a day, counted from 1970-01-01, is one of its days.
    func matches(day: Int64) -> Bool {
        let date = CivilDate(dayNumber: day)
        guard months.contains(date.month) else { return false }
        let (byMonth, byWeek) = (daysOfMonth.contains(date.day), daysOfWeek.contains(CivilDate.weekday(ofDay: day)))
        return eitherDay ? byMonth || byWeek : byMonth && byWeek
    }
}
