import ReveilleConfiguration
import Testing

@Suite("Duration text")
struct DurationTextTests {
    @Test(
        "numbers with units are read exactly",
        arguments: [
            ("1.5s", Duration.milliseconds(1_500)), ("2s", .seconds(2)), ("10min", .seconds(600)), ("8h", .seconds(28_800)),
            ("7d", .seconds(604_800)), ("250ms", .milliseconds(250)), ("0s", .zero), ("0ms", .zero), (".5s", .milliseconds(500)),
            ("1h 30min", .seconds(5_400)), ("1h30min", .seconds(5_400)), (" 5 s ", .seconds(5)), ("0.5d", .seconds(43_200)),
            ("0.000000001s", .nanoseconds(1)), ("1.000000000000s", .seconds(1)), ("0.000001ms", .nanoseconds(1)),
            ("1.25h", .seconds(4_500)),
            ("106751d", .seconds(106_751 * 86_400)),
        ])
    func reads(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(
        "anything else is refused with the reason and what to write",
        arguments: [
            ("", "is empty"), ("   ", "is empty"), ("5", "has no unit"), ("1.5", "has no unit"), ("-5s", "is negative"),
            ("5m", "unknown unit \"m\""),
            ("5 seconds", "unknown unit \"seconds\""), ("5S", "unknown unit \"S\""), ("s", "is no duration"),
            ("abc", "is no duration"),
            ("+5s", "is no duration"), ("5s5", "has a number without a unit"), ("1s 1h", "units out of order"),
            ("1s2s", "units out of order"),
            ("1.2.3s", "a number that is none"), (".s", "a number that is none"), ("0.0000000001s", "finer than a nanosecond"),
            ("0.0000001ms", "finer than a nanosecond"), ("1e3s", "unknown unit \"e\""), ("5s!", "is no duration"),
            ("5%", "a number without a unit"),
            ("106752d", "too long"), ("99999999999999999999s", "too long"), ("106751d 24h", "too long"),
            ("٥s", "is no duration"),
            ("0x5s", "unknown unit \"x\""), ("infinity", "is no duration"),
            (String(repeating: "9", count: 70), "too long for a duration"),
            ("5\u{0}s", "a number without a unit"), ("5s\n", "is no duration"),
        ])
    func refuses(text: String, reason: String) {
        let error = #expect(throws: DurationTextError.self) { try DurationText.parse(text) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.hint.isEmpty == false)
        #expect(error?.input == text)
    }

    @Test(
        "durations are written short, and read back the same",
        arguments: [
            (Duration.zero, "0s"), (.milliseconds(250), "250ms"), (.seconds(2), "2s"), (.milliseconds(1_500), "1.5s"),
            (.seconds(60), "1min"),
            (.seconds(90), "1min 30s"), (.seconds(600), "10min"), (.seconds(86_400), "1d"), (.seconds(5_400), "1h 30min"),
            (.nanoseconds(1), "0.000001ms"), (.milliseconds(60_500), "1min 500ms"), (.seconds(604_800), "7d"),
            (.microseconds(1_250), "1.25ms"),
        ])
    func writes(duration: Duration, text: String) throws {
        #expect(DurationText.format(duration) == text)
        #expect(try DurationText.parse(text) == duration)
    }

    @Test("what reads unit by mistake is told its right name")
    func advice() {
        let error = #expect(throws: DurationTextError.self) { try DurationText.parse("5m") }
        #expect(error?.hint.contains("write min") == true)
        #expect(DurationText.format(.seconds(-90)) == "-1min 30s")
    }
}
