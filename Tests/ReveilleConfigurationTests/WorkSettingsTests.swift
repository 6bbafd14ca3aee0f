import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Settings of work that goes on")
struct WorkSettingsTests {
    @Test(
        "a text with an unknown field, or a brace alone, is refused with what there is",
        arguments: [
            ("texts.turn", "{gaol}", "there is no field {gaol}; there are {file} {goal}"),
            ("texts.notice", "{notes", "'{' without its '}'"),
            ("texts.notice", "{steps}", "there is no field {steps}"),
            ("agents.infra", "{ run: ['x', '--to={to}'] }", "has {to} within other text"),
            ("agents.infra", "{ run: ['x', '{sesionKey}'] }", "is no placeholder"),
            ("lease.quietHours", "22-7", "is no part of the day"),
            ("lease.quietHours", "22:00-22:00", "is no part of the day"),
            ("lease.quietHours", "24:00-07:00", "is no part of the day"),
            ("runStates.files", "['relative.json']", "is not an absolute path"),
            ("runStates.files", "['/a*/b.json']", "before its last part"),
        ])
    func faulty(key: String, value: String, words: String) throws {
        let parts = key.split(separator: ".")
        let written = value.hasPrefix("[") || value.hasPrefix("{ run") ? value : "'\(value.replacing("'", with: "\\'"))'"
        let problems = ConfigurationLoader.check(Array("{ \(parts[0]): { \(parts[1]): \(written) } }".utf8), name: "test")
        #expect("\(problems)".contains(words), "\(problems)")
    }

    @Test(
        "the quiet hours may go over midnight",
        arguments: [
            ("22:00-07:00", 21 * 60 + 59, nil as Int?), ("22:00-07:00", 22 * 60, 540), ("22:00-07:00", 0, 420),
            ("22:00-07:00", 6 * 60 + 59, 1),
            ("22:00-07:00", 7 * 60, nil), ("12:00-13:30", 12 * 60 + 30, 60), ("12:00-13:30", 0, nil),
        ])
    func quiet(text: String, minute: Int, left: Int?) throws { #expect(try #require(QuietHours(text)).left(at: minute) == left) }
}
