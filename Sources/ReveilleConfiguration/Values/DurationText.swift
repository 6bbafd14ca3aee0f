/// Durations as people write them: `750ms`, `1.5s`, `10min`, `8h`, `7d`, `1h 30min`.
///
/// The one notation for configuration and command line alike. Always with a unit: a bare number is refused, since nobody
/// remembers whether it meant seconds or milliseconds.
public enum DurationText {
    /// The longest text that is read.
    public static let textMaximumCharacters = 64

    /// The units from long to short, with their length in nanoseconds.
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000),
    ]

    /// What people write for a unit, and what to write instead.
    private static let otherNames: [String: String] = [
        "m": "min", "mins": "min", "minute": "min", "minutes": "min", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
        "msec": "ms", "millis": "ms", "milliseconds": "ms", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d",
        "days": "d",
    ]

    /// Reads a duration.
    ///
    /// - Parameter text: one or more numbers with units (`ms`, `s`, `min`, `h`, `d`), from the longest to the shortest, each at
    ///   most once, blanks between them allowed; a number may have a fraction. Exact to the nanosecond.
    /// - Returns: the duration, zero or more and below 292 years.
    /// - Throws: ``DurationTextError`` with the reason and what to write instead.
    public static func parse(_ text: String) throws(DurationTextError) -> Duration {
        let problem = { (message: String, hint: String) in DurationTextError(input: text, message: message, hint: hint) }
        guard text.utf8.count <= textMaximumCharacters else { throw problem("is too long for a duration", example) }
        var rest = Substring(text).utf8.drop { $0 == 0x20 }
        while rest.last == 0x20 { rest.removeLast() }
        guard let first = rest.first else { throw problem("is empty", example) }
        if first == UInt8(ascii: "-") { throw problem("is negative", "a duration is zero or more: \(example)") }
        var total: Int64 = 0
        var unitsLeft = units[...]
        while !rest.isEmpty {
            let number = rest.prefix { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
            rest = rest.dropFirst(number.count).drop { $0 == 0x20 }
            let name = String(Substring(rest.prefix { (0x61...0x7A).contains($0 | 0x20) || $0 >= 0x80 }))
            rest = rest.dropFirst(name.utf8.count)
            guard !number.isEmpty else { throw problem("is no duration", example) }
            if name.isEmpty, rest.isEmpty, unitsLeft.count == units.count, let plain = Double(String(Substring(number))),
                plain.isFinite
            {
                let bare = String(Substring(number))
                throw problem("has no unit", "write \"\(bare)s\" for seconds or \"\(bare)min\" for minutes")
            }
            guard let unit = unitsLeft.firstIndex(where: { $0.name == name }) else {
                throw problem(refusal(ofUnit: name), advice(for: name))
            }
            guard let part = nanoseconds(Substring(number), unit: units[unit].nanoseconds) else {
                throw problem("has a number that is none, or finer than a nanosecond", example)
            }
            let (sum, overflows) = total.addingReportingOverflow(part)
            guard !overflows, part != .max else { throw problem("is too long: durations end at 292 years", example) }
            total = sum
            unitsLeft = units[(unit + 1)...]
            rest = rest.drop { $0 == 0x20 }
        }
        return .nanoseconds(total)
    }

    /// Writes a duration as short as can be without losing anything: `10min`, `1.5s`, `250ms`, `1h 30min`.
    ///
    /// What is finer than a nanosecond is cut off; a negative duration gets a minus, which ``parse(_:)`` refuses.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if seconds < 0 || attoseconds < 0 { return "-" + format(.zero - duration) }
        let nanoseconds = attoseconds / 1_000_000_000
        var parts: [String] = []
        var left = seconds
        for unit in units where unit.name != "ms" && unit.name != "s" {
            let length = unit.nanoseconds / 1_000_000_000
            if left >= length { parts.append("\(left / length)\(unit.name)") }
            left %= length
        }
        if left == 0, nanoseconds > 0 {
            parts.append(decimal(nanoseconds / 1_000_000, nanoseconds % 1_000_000, digits: 6) + "ms")
        } else if left > 0 || nanoseconds > 0 {
            parts.append(decimal(left, nanoseconds, digits: 9) + "s")
        }
        return parts.isEmpty ? "0s" : parts.joined(separator: " ")
    }

    private static let example = "write for example \"2s\", \"750ms\", \"10min\", \"8h\" or \"7d\""

    private static func refusal(ofUnit name: String) -> String {
        if name.isEmpty { return "has a number without a unit" }
        if units.contains(where: { $0.name == name }) { return "has its units out of order, or one of them twice" }
        return "has an unknown unit \(ShownText.quoted(name))"
    }

    private static func advice(for name: String) -> String {
        if let unit = otherNames[name.lowercased()] { return "write \(unit); the units are ms, s, min, h and d" }
        return "the units are ms, s, min, h and d, from the longest to the shortest"
    }

    /// `number` times `unit`; nil if it is no number or not a whole count of nanoseconds; `.max` if it does not fit.
    private static func nanoseconds(_ number: Substring, unit: Int64) -> Int64? {
        let halves = number.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, !halves[0].isEmpty || (halves.count == 2 && !halves[1].isEmpty) else { return nil }
        guard let whole = halves[0].isEmpty ? 0 : Int64(halves[0]) else { return .max }
        let (product, overflows) = whole.multipliedReportingOverflow(by: unit)
        guard !overflows else { return .max }
        var fraction: Int64 = 0
        var step = unit
        for digit in halves.count == 2 ? halves[1].utf8 : Substring().utf8 {
            if step % 10 == 0 {
                step /= 10
                fraction += step * Int64(digit - UInt8(ascii: "0"))
            } else if digit != UInt8(ascii: "0") {
                return nil
            }
        }
        let (sum, overflowsToo) = product.addingReportingOverflow(fraction)
        return overflowsToo ? .max : sum
    }

    private static func decimal(_ whole: Int64, _ fraction: Int64, digits: Int) -> String {
        guard fraction > 0 else { return "\(whole)" }
        var text = "\(fraction)"
        text = String(repeating: "0", count: max(0, digits - text.count)) + text
        while text.last == "0" { text.removeLast() }
        return "\(whole).\(text)"
    }
}

/// Why a text is no duration.
public struct DurationTextError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text as it was given.
    public let input: String
    /// What is wrong with it, as the rest of a sentence that begins with the text.
    public let message: String
    /// What to write instead.
    public let hint: String

    /// The text in quotes, and what is wrong with it.
    public var description: String { "\(ShownText.quoted(input)) \(message)" }
}
