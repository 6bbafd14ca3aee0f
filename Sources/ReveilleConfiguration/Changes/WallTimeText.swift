/// A wall time as ISO 8601 has it, without Foundation.
enum WallTimeText {
    /// `2026-11-25T22:10:00.000Z`, in the proleptic Gregorian calendar.
    static func format(milliseconds: Int64) -> String {
        let dayMilliseconds: Int64 = 86_400_000
        let inDay = ((milliseconds % dayMilliseconds) + dayMilliseconds) % dayMilliseconds
        let (year, month, day) = date(day: (milliseconds - inDay) / dayMilliseconds)
        let seconds = inDay / 1_000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(seconds / 3_600, 2) + ":"
            + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "." + padded(inDay % 1_000, 3) + "Z"
    }

    /// The date of a day counted from 1970, by way of years that begin in March, so that the leap day comes last.
    private static func date(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
