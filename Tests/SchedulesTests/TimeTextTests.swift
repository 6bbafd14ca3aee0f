import Schedules
import Testing

@Suite("Points in time, durations and schedules")
struct TimeTextTests {
    private let now = seconds("2026-11-26T12:00Z") * 1_000

    @Test(
        "a time is read with offset, with Z, or in the zone where it names none",
        arguments: [
            ("2026-12-01T09:30Z", "2026-12-01T09:30Z"), ("2026-12-01T09:30", "2026-12-01T08:30Z"),
            ("2026-12-01 09:30:05", "2026-12-01T08:30:05Z"), ("2026-12-01T09:30:00-05:00", "2026-12-01T14:30Z"),
            ("2026-12-01T09:30+0530", "2026-12-01T04:00Z"), ("+20s", "2026-11-26T12:00:20Z"), ("+1h 30m", "2026-11-26T13:30Z"),
            ("2027-03-28T02:30", "2027-03-28T01:30Z"),
        ])
    func times(text: String, expected: String) throws {
        #expect(try TimeText.parse(text, now: now, zone: SteppedZone.berlin) == seconds(expected) * 1_000)
    }

    @Test("fractions of a second are kept to the millisecond")
    func fractions() throws {
        #expect(try TimeText.parse("2026-12-01T00:00:00.5Z", now: now, zone: FixedOffset.utc) % 1_000 == 500)
    }

    @Test("what passed within the last minute counts as now; what is longer ago is refused, with how long ago it was")
    func past() throws {
        #expect(try TimeText.parse("2026-11-26T11:59:10Z", now: now, zone: FixedOffset.utc) == now)
        let error = #expect(throws: ScheduleError.self) {
            try TimeText.parse("2026-11-26T09:55:00Z", now: now, zone: FixedOffset.utc)
        }
        #expect(error?.code == .past)
        #expect(error?.message.contains("2h 5m ago") == true)
    }

    @Test(
        "nonsense is refused",
        arguments: [
            "", "soon", "2026-02-29T00:00Z", "2026-13-01T00:00Z", "2026-12-01", "2026-12-01T24:00Z", "2026-12-01T09:60Z",
            "2026-12-01T09:30:61Z", "2026-12-01T09:30X", "2026-12-01T09:30ZZ", "2026-12-01T09:30+15:00", "2026-12-01T09:30:00.Z",
            "+", "+20", "+20 parsecs", "+0s", "+99999999999999999999d", "+40000d", "+1s 1h",
        ])
    func nonsense(text: String) {
        let error = #expect(throws: ScheduleError.self) { try TimeText.parse(text, now: now, zone: FixedOffset.utc) }
        #expect(error?.hint != nil)
    }

    @Test("a repeating job keeps to its anchor, and the next time is strictly later")
    func every() {
        let job = JobSchedule.every(seconds: 600, anchor: 1_000)
        #expect(job.next(after: 0, in: FixedOffset.utc) == 1_000)
        #expect(job.next(after: 1_000, in: FixedOffset.utc) == 601_000)
        #expect(job.next(after: 601_500, in: FixedOffset.utc) == 1_201_000)
        #expect(!job.isOneShot)
    }

    @Test("a one-shot job is due once")
    func once() {
        let job = JobSchedule.at(5_000)
        #expect(job.next(after: 4_999, in: FixedOffset.utc) == 5_000)
        #expect(job.next(after: 5_000, in: FixedOffset.utc) == nil)
        #expect(job.isOneShot)
    }
}
