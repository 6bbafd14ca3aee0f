import Testing

@testable import DiscordLoopback

@Suite("JSON") struct JSONTests {
    @Test(
        "what is JSON is read and written back",
        arguments: ["null", "[1,-2,3.5,1e300]", "{\"b\":1,\"a\":[{}]}", "\"\\\"\\\\\\n\"", "{\"deep\":[[[[]]]]}", "-0.5"])
    func roundTrip(text: String) throws {
        let value = try JSON(parsing: text)
        #expect(try JSON(parsing: value.text) == value)
    }

    @Test(
        "what is no JSON is refused",
        arguments: ["", "{", "[1,]", "{\"a\"}", "01", "1.", "nul", "\"\u{1}\"", "\"\\x\"", "[1] 2", "'a'", "{\"a\":1,}", "-"])
    func refused(text: String) {
        #expect(throws: JSONFault.self) { try JSON(parsing: text) }
    }

    @Test("nesting has a limit")
    func depth() {
        #expect(throws: JSONFault.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
    }

    @Test("surrogate pairs join; half of one becomes the replacement character")
    func surrogates() throws {
        #expect(try JSON(parsing: "\"\\ud83d\\ude00\"") == "😀")
        #expect(try JSON(parsing: "\"\\ud83dx\"") == "\u{FFFD}x")
        #expect(try JSON(parsing: "\"\\ud83d\\u0041\"") == "\u{FFFD}A")
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: JSONFault.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test("times are written as Discord writes them")
    func times() {
        #expect(timestamp(wallMilliseconds: 1_700_000_000_123) == "2023-11-14T22:13:20.123000+00:00")
        #expect(timestamp(wallMilliseconds: 1_709_164_800_000) == "2024-02-29T00:00:00.000000+00:00")
    }
}
