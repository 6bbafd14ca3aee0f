import Schedules
import Testing

@Suite("Cron expressions")
struct CronExpressionTests {
    @Test(
        "the next time is the one that a reader of cron expects",
        arguments: [
            ("30 9 * * *", "2026-12-01T08:00Z", "2026-12-01T09:30Z"),
            ("30 9 * * *", "2026-12-01T09:30Z", "2026-12-02T09:30Z"),
            ("*/15 * * * *", "2026-12-01T08:44:59Z", "2026-12-01T08:45Z"),
            ("0 0 29 2 *", "2026-03-01T00:00Z", "2028-02-29T00:00Z"),
            ("0 0 29 2 *", "2096-03-01T00:00Z", "2104-02-29T00:00Z"),
            ("0 12 * JAN,mar MON-WED", "2026-12-01T00:00Z", "2027-01-04T12:00Z"),
            ("0 0 * * 7", "2026-11-26T00:00Z", "2026-11-29T00:00Z"),
            ("5/20 3 * * *", "2026-12-01T03:05Z", "2026-12-01T03:25Z"),
            ("@hourly", "2026-12-01T03:05Z", "2026-12-01T04:00Z"),
            ("@daily", "2026-12-31T03:05Z", "2027-01-01T00:00Z"),
            ("@weekly", "2026-11-26T00:00Z", "2026-11-29T00:00Z"),
            ("@monthly", "2026-11-26T00:00Z", "2026-12-01T00:00Z"),
            ("@yearly", "2026-11-26T00:00Z", "2027-01-01T00:00Z"),
        ])
    func nextTime(expression: String, after: String, expected: String) throws {
        let next = try CronExpression(expression).next(afterUTC: seconds(after), in: FixedOffset.utc)
        #expect(next == seconds(expected))
    }

    @Test("where both day fields are restricted, either is enough; a star in one makes it both")
    func eitherDay() throws {
        let either = try CronExpression("0 0 13 * FRI")
        #expect(either.next(afterUTC: seconds("2026-12-10T12:00Z"), in: FixedOffset.utc) == seconds("2026-12-11T00:00Z"))
        #expect(either.next(afterUTC: seconds("2026-12-11T12:00Z"), in: FixedOffset.utc) == seconds("2026-12-13T00:00Z"))
        let both = try CronExpression("0 0 */2 * FRI")
        #expect(both.next(afterUTC: seconds("2026-12-03T12:00Z"), in: FixedOffset.utc) == seconds("2026-12-11T00:00Z"))
    }

    @Test(
        "nonsense is refused with the field, the value and what is allowed",
        arguments: [
            ("61 * * * *", ["minute", "\"61\"", "0 to 59"]), ("* 24 * * *", ["hour", "\"24\"", "0 to 23"]),
            ("* * 0 * *", ["day of month", "\"0\"", "1 to 31"]), ("* * * 13 *", ["month", "\"13\"", "JAN to DEC"]),
            ("* * * * 8", ["day of week", "\"8\"", "SUN to SAT"]), ("* * * * MOON", ["day of week", "\"MOON\""]),
            ("*/0 * * * *", ["minute", "step", "\"0\""]), ("*/x * * * *", ["minute", "step", "\"x\""]),
            ("9-5 * * * *", ["minute", "\"9-5\"", "before it begins"]), ("1,,2 * * * *", ["minute", "\"\""]),
            ("-1 * * * *", ["minute", "\"\""]), ("+1 * * * *", ["minute", "\"+1\""]),
            ("* * * *", ["4 fields", "five fields"]), ("0 * * * * *", ["6 fields"]), ("", ["0 fields"]),
            ("@fortnightly", ["@fortnightly", "@weekly"]), ("0 0 30 2 *", ["day of month", "February"]),
            ("0 0 31 2,4,6 *", ["day of month", "June"]), ("* * 99999999999999999999 * *", ["day of month"]),
            (String(repeating: "1,", count: 200), ["256 bytes"]),
        ])
    func nonsense(expression: String, words: [String]) {
        let error = #expect(throws: ScheduleError.self) { try CronExpression(expression) }
        let text = "\(error?.description ?? "") \(error?.hint ?? "")"
        for word in words { #expect(text.contains(word), "\(text)") }
        #expect(error?.hint != nil)
    }

    @Test("a time that the clocks skip is due at the first moment after the gap, once")
    func springGap() throws {
        let gapEnd = seconds("2026-03-29T01:00Z")
        let job = try CronExpression("0,30 2 * * *")
        #expect(job.next(afterUTC: gapEnd - 3_600, in: SteppedZone.berlin) == gapEnd)
        #expect(job.next(afterUTC: gapEnd, in: SteppedZone.berlin) == seconds("2026-03-30T00:00Z"))
    }

    @Test("a time that the clocks show twice is due the first time only")
    func autumnRepeat() throws {
        let job = try CronExpression("30 2 * * *")
        let first = seconds("2026-10-25T00:30Z")
        #expect(job.next(afterUTC: first - 60, in: SteppedZone.berlin) == first)
        #expect(job.next(afterUTC: first, in: SteppedZone.berlin) == seconds("2026-10-26T01:30Z"))
    }

    @Test("with any hour, a job goes on through the gap and the repeat at its own pace")
    func anyHour() throws {
        let job = try CronExpression("30 * * * *")
        for day in ["2026-03-29", "2026-10-25"] {
            var time = seconds("\(day)T00:00Z")
            for hour in 0..<4 {
                let next = try #require(job.next(afterUTC: time, in: SteppedZone.berlin))
                #expect(next == seconds("\(day)T0\(hour):30Z"))
                time = next
            }
        }
    }
}
