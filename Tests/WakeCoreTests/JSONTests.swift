import Testing

@testable import WakeCore

@Suite("JSON")
struct JSONTests {
    @Test(
        "documents come back as they were",
        arguments: [
            "null", "true", "false", "0", "-12", "9223372036854775807", "1.5", "\"\"", "\"a\\\"b\\\\c\\n\"", "[]", "{}",
            "[1,[2,[3]]]",
            "{\"b\":1,\"a\":{\"c\":[null]}}", "\"größer \u{1F680}\"",
        ])
    func roundTrip(text: String) throws {
        let value = try JSONValue.parse(text: text)
        #expect(value.text == text)
        #expect(try JSONValue.parse(text: value.text) == value)
    }

    @Test("white space, escapes and numbers are read as RFC 8259 says")
    func reading() throws {
        #expect(try JSONValue.parse(text: " \t\r\n[ 1 , 2 ] \n") == [1, 2])
        #expect(try JSONValue.parse(text: #""\u00e9\/\ud83d\ude80""#) == "é/\u{1F680}")
        #expect(try JSONValue.parse(text: #""\ud83d x""#) == "\u{FFFD} x")
        #expect(try JSONValue.parse(text: #""\ud83d\u0041""#) == "\u{FFFD}A")
        #expect(try JSONValue.parse(text: "1e3").integer == 1000)
        #expect(try JSONValue.parse(text: "9223372036854775808").integer == nil)
        #expect(try JSONValue.parse([0x22, 0xFF, 0x22]) == "\u{FFFD}")
        #expect(try JSONValue.parse(text: #"{"a":1,"a":2}"#)["a"] == 2)
    }

    @Test(
        "what is no document is refused with the place",
        arguments: [
            ("", 0), ("nul", 0), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{a:1}", 1), ("01", 2), ("1.", 2), ("-", 1),
            ("1e", 2),
            ("\"abc", 4), ("\"\\x\"", 3), ("\"\\u12g4\"", 5), ("\"a\nb\"", 2), ("1 2", 2), ("1e999", 5), ("[", 1), ("{\"a\":", 5),
        ])
    func refusing(text: String, offset: Int) {
        do throws(JSONError) {
            _ = try JSONValue.parse(text: text)
            Issue.record("'\(text)' was taken for JSON")
        } catch {
            #expect(error.offsetBytes == offset, "\(error)")
        }
    }

    @Test("depth is bounded")
    func depth() throws {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        _ = try JSONValue.parse(text: deep)
        #expect(throws: JSONError.self) { try JSONValue.parse(text: "[" + deep + "]") }
        #expect(throws: JSONError.self) { try JSONValue.parse(text: String(repeating: "[{\"a\":", count: 100_000)) }
    }

    @Test("no bytes make the parser trap, and what it reads it prints and reads again")
    func junk() throws {
        var dice = Dice(high: 11, low: 12)
        let alphabet = Array("{}[]\",:\\u0123456789abcdefnrt-+.eE \n".utf8) + [0x00, 0x80, 0xC3, 0xFF, 0xED, 0xA0]
        for _ in 0..<20_000 {
            let count = Int(dice.fraction().value * 24)
            let bytes = (0..<count).map { _ in alphabet[Int(dice.fraction().value * Double(alphabet.count))] }
            guard let value = try? JSONValue.parse(bytes) else { continue }
            #expect(try JSONValue.parse(value.bytes) == value)
        }
    }

    @Test("members keep their order; setting replaces, appends and removes")
    func objects() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        #expect(JSONValue.object(object).text == #"{"a":3,"b":2,"c":4}"#)
        object["b"] = nil
        #expect(object.members.map(\.key) == ["a", "c"])
        #expect(JSONValue.number(.infinity).text == "null")
    }
}
