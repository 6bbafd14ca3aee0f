import Testing

/// Texts that a JSON5 parser is asked about: good, bad and nasty.
enum Corpus {
    struct Text: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        init(_ text: String) { bytes = Array(text.utf8) }
        init(bytes: [UInt8]) { self.bytes = bytes }
        var testDescription: String { String(decoding: bytes, as: UTF8.self).debugDescription }
    }

    static let agreed: [Text] =
        (values + numbers + strings + comments + keys + structure).map { Text($0) } + broken.map { Text(bytes: $0) }

    private static let values = [
        "null", "true", "false", "{}", "[]", "[1,2]", "[1,2,]", "{a:1,}", "'a'", "\"a\"", " 1 ", "tru", "truex", "True",
        "undefined", "nul",
        "[null,true,false]", "{null:null,true:true}",
    ]

    private static let numbers = [
        "0", "-0", "+0", "1", "+1", "-1", "1.5", ".5", "5.", "-.5", "+.5", "-5.", ".", "+", "-", "+.", "5.e3", ".5e3", "1e3",
        "1E3", "1e+3",
        "1e-3", "1e", "0x0", "0x1F", "0X1f", "-0x1F", "+0xff", "0x", "0xg", "0x1.5", "01", "-01", "00", "08", "0.5", "1.5.5",
        "--1",
        "+-1", "- 1", "1 2", "1a", "1_000", "Infinity", "-Infinity", "+Infinity", "NaN", "-NaN", "+NaN", "infinity", "Infinit",
        "Infinityx", "nan",
        "9007199254740993", "123456789012345678901234567890", "1e308", "1e309", "-1e400", "0.1", "3.141592653589793238462643",
        "[1e5]",
        "{a:0x10}", "[+1,-1]", "0e0", "1٣",
    ]

    private static let strings = [
        "''", "\"\"", "'\"'", "\"'\"", "'\\''", "\"\\\"\"", "'\\\\'", "'\\/'", "'\\b\\f\\n\\r\\t'", "'\\01'", "'\\1'", "'\\9'",
        "'\\x41'", "'\\x4'", "'\\xZZ'", "'\\u0041'", "'\\u004'", "'\\uD83D\\uDE00'", "'\\uD83D'", "'\\uDE00'", "'\\uD83D\\u0041'",
        "'\\uD83Dx'",
        "'\\uDE00\\uD83D'", "'a\nb'", "'a\rb'", "'a\u{2028}b'", "'a\u{2029}b'",
        "'é😀'", "'", "\"", "'abc", "'abc\"", "\"abc'", "'\\", "'\\u'", "'\u{FEFF}'", "'e\u{301}'",
    ]

    private static let comments = [
        "// a\n1", "1 // a", "/* a */1", "1/* a */", "/* a", "/*/1", "/**/1", "/***/1", "/* // */1", "// /* \n1", "/ 1", "1 /",
        "#a\n1",
        "[1,/* a */2,// b\n3]", "{a/**/:/**/1/**/,/**/}", "//a\r1", "/* a\n b */ 1", "", " ", "// only", "/* only */",
    ]

    private static let keys = [
        "{a:1}", "{'a':1}", "{\"a\":1}", "{$:1}", "{_:1}", "{a1:1}", "{1a:1}", "{1:1}", "{a-b:1}", "{a b:1}", "{é:1}",
        "{ünïcödé:1}",
        "{:1}", "{a:}", "{a}", "{a 1}", "{'a' 1}", "{if:1,for:2}", "{'':1}", "{'a\\u0062':1}", "{日本:1}",
    ]

    private static let structure = [
        "[,]", "[,1]", "[1,,2]", "{,}", "{a:1,,b:2}", "{a:1 b:2}", "[1 2]", "[", "]", "{", "}", "[1", "{a:1", "[}", "{]", "[1}",
        "{a:1]", "[]]",
        "{}{}", "1,", ",1", "[[[[[[]]]]]]", "{a:{b:{c:[{d:1}]}}}", "\u{FEFF}{}", "\u{0B}1", "\u{0C}1",
        "\t\n\r 1", "[1]\u{1}",
    ]

    private static let broken: [[UInt8]] = [
        [0xFF], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
        [0x80], [0x5B, 0x31, 0x5D, 0xFE],
    ]

    /// A text on which the two differ.
    struct Difference: Sendable, CustomTestStringConvertible {
        let text: Text
        /// What it means to us, in plain JSON; nil if we refuse it.
        let meaning: String?
        let reason: String

        init(_ text: String, means meaning: String?, _ reason: String) {
            self.text = Text(text)
            self.meaning = meaning
            self.reason = reason
        }

        var testDescription: String { "\(text.testDescription): \(reason)" }
    }

    /// We are stricter with the first few, and keep to the letter of JSON5 in the rest.
    static let different: [Difference] = [
        Difference("{a:1,a:2}", means: nil, "a repeated key is a mistake; Foundation keeps one of the two"),
        Difference("{a:1,'\\u0061':1}", means: nil, "the same key in two spellings"),
        Difference(
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65), means: nil,
            "64 levels are enough; Foundation has 512"),
        Difference("\u{0}1", means: nil, "Foundation guesses that this is UTF-16"),
        Difference("1\u{0}", means: nil, "Foundation guesses that this is UTF-16"),
        Difference("'\\v'", means: "\"\\u000B\"", "Foundation lacks \\v"),
        Difference("'\\0'", means: "\"\\u0000\"", "Foundation lacks \\0"),
        Difference("'\\a'", means: "\"a\"", "section 5.1: any other escaped character is itself"),
        Difference("'\\é'", means: "\"é\"", "section 5.1: any other escaped character is itself"),
        Difference("'a\\\nb'", means: "\"ab\"", "section 5.2: Foundation keeps the line end"),
        Difference("'a\\\r\nb'", means: "\"ab\"", "section 5.2: Foundation keeps the line end"),
        Difference("'a\\\rb'", means: "\"ab\"", "section 5.2: Foundation keeps the line end"),
        Difference("'a\\\u{2028}b'", means: "\"ab\"", "section 5.2: Foundation refuses it"),
        Difference("'tab\there'", means: "\"tab\\there\"", "section 5: only line ends are forbidden inside"),
        Difference("{\\u0061:1}", means: "{\"a\":1}", "section 3: Foundation does not resolve it"),
        Difference("{a\\u0062:1}", means: "{\"ab\":1}", "section 3: Foundation does not resolve it"),
        Difference("\u{A0}1", means: "1", "section 8: Foundation knows ASCII blanks alone"),
        Difference("\u{2003}1", means: "1", "section 8: Foundation knows ASCII blanks alone"),
        Difference("\u{2028}1", means: "1", "section 8: Foundation knows ASCII blanks alone"),
        Difference("0x7FFFFFFFFFFFFFFF", means: "9223372036854775807", "Foundation makes no Double of it"),
        Difference("-0.0e-5", means: "-0.0", "Foundation refuses zeros with an exponent"),
    ]

    /// Foundation's decoder traps on these, so that only we can be asked.
    static let trapping = ["1e+", "[1e+", "{a:1e-}"].map { Text($0) }
}
