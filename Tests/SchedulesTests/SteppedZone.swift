import Schedules

/// A zone whose clocks are changed at given times; a stand-in for the zones of the world.
struct SteppedZone: TimeZoneRules {
    /// The offset before the first change, in seconds.
    var first: Int64 = 3_600
    /// When the clocks are changed, in seconds of UTC, and the offset from then on, in order.
    var changes: [(at: Int64, offset: Int64)]

    func offsetSeconds(atUTC seconds: Int64) -> Int64 { changes.last { $0.at <= seconds }?.offset ?? first }

    /// Berlin in 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC.
    static let berlin = SteppedZone(changes: [
        (at: seconds("2026-03-29T01:00Z"), offset: 7_200), (at: seconds("2026-10-25T01:00Z"), offset: 3_600),
    ])
}

/// Seconds since 1970-01-01 UTC of a time with zone or offset.
func seconds(_ text: String) -> Int64 {
    guard let time = try? TimeText.parse(text, now: .min / 2, zone: FixedOffset.utc) else { fatalError("no time: \(text)") }
    return time / 1_000
}
