/// A Discord id: 42 bits of milliseconds since 2015, then worker, process and counter.
public typealias Snowflake = UInt64

/// Makes ids that rise, whatever the clock does.
struct SnowflakeMint {
    static let epochMilliseconds: Int64 = 1_420_070_400_000
    private var last: Snowflake = 0

    mutating func next(wallMilliseconds: Int64) -> Snowflake {
        let fresh = Snowflake(max(0, wallMilliseconds - Self.epochMilliseconds)) << 22
        last = max(fresh, last + 1)
        return last
    }
}

/// Wall time as Discord writes it: ISO 8601 in UTC with microseconds.
func timestamp(wallMilliseconds: Int64) -> String {
    let seconds = wallMilliseconds.quotientAndRemainder(dividingBy: 1_000)
    let days = seconds.quotient / 86_400
    let second = seconds.quotient % 86_400
    // Days to civil date, after Howard Hinnant's algorithm.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(second / 3_600, 2)):"
        + "\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(seconds.remainder * 1_000, 6))+00:00"
}
