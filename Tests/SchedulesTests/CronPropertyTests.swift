import Schedules
import Testing
import WakeTesting

@Suite("Cron expressions, against a walk over every minute")
struct CronPropertyTests {
    @Test("no time is left out, none is made up, and each is later than the one before", arguments: 0..<60 as Range<UInt64>)
    func everyMinute(seed: UInt64) throws {
        var dice = SplitMix(seed: seed)
        let sample = Sample(&dice)
        let expression = try CronExpression(sample.text)
        let start = seconds("2026-01-01T00:00Z") + dice.within(0...200) * 86_400
        let change = start + dice.within(1...8) * 86_400 + dice.within(0...1_439) * 60
        let step = [-3_600, 3_600, -1_800, 1_800][dice.below(4)] as Int64
        let zone = SteppedZone(first: 3_600, changes: [(at: change, offset: 3_600 + step)])
        let end = start + 12 * 86_400

        var found: [Int64] = []
        var time = start
        while found.count < 20_000, let next = expression.next(afterUTC: time, in: zone), next <= end {
            #expect(next > time)
            found.append(next)
            time = next
        }
        #expect(found == sample.walk(from: start, through: end, zone), "\(sample.text), changed at \(change) by \(step)")
    }
}

/// A random expression, and what it means, told without the reader that is under test.
private struct Sample {
    var fields: [Set<Int64>] = []
    var stars: [Bool] = []
    var text = ""

    private static let ranges: [ClosedRange<Int64>] = [0...59, 0...23, 1...31, 1...12, 0...6]

    init(_ dice: inout SplitMix) {
        var parts: [String] = []
        for range in Self.ranges {
            let low = dice.within(range)
            let high = dice.within(low...range.upperBound)
            let step = dice.within(1...7)
            let isMonth = range == 1...12
            switch isMonth ? 0 : dice.below(4) {
            case 0: add("*", Set(range), &parts)
            case 1: add("\(low)-\(high)/\(step)", Set(stride(from: low, through: high, by: Int(step))), &parts)
            case 2: add("\(high),\(low)", [low, high], &parts)
            default: add("*/\(step)", Set(stride(from: range.lowerBound, through: range.upperBound, by: Int(step))), &parts)
            }
        }
        text = parts.joined(separator: " ")
    }

    private mutating func add(_ part: String, _ values: Set<Int64>, _ parts: inout [String]) {
        parts.append(part)
        stars.append(part.hasPrefix("*"))
        fields.append(values)
    }

    /// Every due time after the start. The clocks' highest reading so far tells what is a repeat and what was skipped.
    func walk(from start: Int64, through end: Int64, _ zone: SteppedZone) -> [Int64] {
        var due: [Int64] = []
        var highest = start + zone.offsetSeconds(atUTC: start)
        for minute in stride(from: start + 60, through: end, by: 60) {
            let local = minute + zone.offsetSeconds(atUTC: minute)
            if stars[1] {
                if matches(local) { due.append(minute) }
            } else if stride(from: highest + 60, through: local, by: 60).contains(where: matches) {
                due.append(minute)
            }
            highest = max(highest, local)
        }
        return due
    }

    private func matches(_ local: Int64) -> Bool {
        guard fields[0].contains(local / 60 % 60), fields[1].contains(local / 3_600 % 24) else { return false }
        let day = local / 86_400
        let (byMonth, byWeek) = (fields[2].contains(dayOfMonth(day)), fields[4].contains((day + 4) % 7))
        return stars[2] || stars[4] ? byMonth && byWeek : byMonth || byWeek
    }

    /// Counted off from the first of 2026, a year of 365 days.
    private func dayOfMonth(_ day: Int64) -> Int64 {
        var left = day - 20_454
        for length in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as [Int64] {
            if left < length { return left + 1 }
            left -= length
        }
        return left + 1
    }
}
