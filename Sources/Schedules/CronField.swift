/// One of the five fields of a cron expression.
struct CronField: Hashable {
    /// The field's name in messages.
    let name: String
    /// The values that are allowed.
    let allowed: ClosedRange<Int>
    /// Names for the values from `allowed.lowerBound` on.
    var words: [String] = []

    static let minute = CronField(name: "minute", allowed: 0...59)
    static let hour = CronField(name: "hour", allowed: 0...23)
    static let dayOfMonth = CronField(name: "day of month", allowed: 1...31)
    static let month = CronField(
        name: "month", allowed: 1...12,
        words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    static let dayOfWeek = CronField(
        name: "day of week", allowed: 0...7, words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    /// What a field says: its values, and whether it begins with a star.
    struct Values: Hashable {
        var numbers: Set<Int>
        var hasStar: Bool
    }

    /// Reads a field: a list of `*`, `N`, `N-M`, each with an optional `/STEP`.
    func parse(_ text: Substring) throws(ScheduleError) -> Values {
        var numbers: Set<Int> = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) { numbers.formUnion(try parse(item: item)) }
        // Both 0 and 7 are Sunday.
        if allowed.upperBound == 7, numbers.remove(7) != nil { numbers.insert(0) }
        return Values(numbers: numbers, hasStar: text.first == "*")
    }

    private func parse(item: Substring) throws(ScheduleError) -> [Int] {
        let halves = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let range = try parse(range: halves[0], isStepped: halves.count == 2)
        guard halves.count == 2 else { return Array(range) }
        guard let step = Self.number(halves[1]), step >= 1, step <= allowed.upperBound else {
            throw problem("has the step \(ScheduleError.quoted(halves[1]))", "a step is a number from 1 to \(allowed.upperBound)")
        }
        return Array(stride(from: range.lowerBound, through: range.upperBound, by: step))
    }

    private func parse(range text: Substring, isStepped: Bool) throws(ScheduleError) -> ClosedRange<Int> {
        // A star stands for each value once: 7 is another name of 0.
        let last = allowed.upperBound == 7 ? 6 : allowed.upperBound
        if text == "*" { return allowed.lowerBound...last }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let low = try value(ends[0])
        guard ends.count == 2 else { return low...(isStepped ? max(low, last) : low) }
        let high = try value(ends[1])
        guard low <= high else {
            throw problem(
                "has the range \(ScheduleError.quoted(text)), which ends before it begins", "write the lower value first")
        }
        return low...high
    }

    private func value(_ text: Substring) throws(ScheduleError) -> Int {
        if let index = words.firstIndex(of: text.uppercased()) { return allowed.lowerBound + index }
        guard let number = Self.number(text), allowed.contains(number) else {
            throw problem("has the value \(ScheduleError.quoted(text))", allowance)
        }
        return number
    }

    private var allowance: String {
        let names = words.first.flatMap { first in words.last.map { ", or \(first) to \($0)" } } ?? ""
        return "allowed are \(allowed.lowerBound) to \(allowed.upperBound)\(names), as in *, */5, 1-5 or 1,3"
    }

    private func problem(_ message: String, _ hint: String) -> ScheduleError {
        ScheduleError(.expression, "the field \(name) \(message)", hint: hint)
    }

    /// Digits only: no signs, no blanks.
    private static func number(_ text: Substring) -> Int? {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
