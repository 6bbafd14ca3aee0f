import ReveilleConfiguration
import Testing

@Suite("JSON5 parser")
struct JSON5ParserTests {
    private func parse(_ text: String) throws -> JSON5Document { try JSON5.parse(Array(text.utf8)) }

    private func refusal(_ bytes: [UInt8]) -> JSON5Error? {
        do {
            _ = try JSON5.parse(bytes)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ text: String) -> JSON5Error? { refusal(Array(text.utf8)) }

    @Test("every key and value knows its line, column and path")
    func positions() throws {
        let text = "{\n  // é\n  outer: {\r\n    'in ner': [1, 0x10],\r    /* é */ x: true }\n}"
        guard case .object(let members) = try parse(text).root.value, case .object(let inner) = members[0].node.value,
            case .array(let elements) = inner[0].node.value
        else { throw Wrong() }
        #expect(members[0].keyPosition == SourcePosition(line: 3, column: 3))
        #expect(members[0].node.position == SourcePosition(line: 3, column: 10))
        #expect(inner[0].keyPosition == SourcePosition(line: 4, column: 5))
        #expect(elements[1].position == SourcePosition(line: 4, column: 19))
        #expect("\(elements[1].path)" == "outer.\"in ner\"[1]")
        #expect(inner[1].keyPosition == SourcePosition(line: 5, column: 13))
    }

    @Test("numbers keep their text and tell whether they are whole")
    func numbers() throws {
        guard case .array(let nodes) = try parse("[0x1F, 2.0, 2.5, Infinity, NaN, -7, 1e300]").root.value else { throw Wrong() }
        let numbers = nodes.compactMap { if case .number(let number) = $0.value { number } else { nil } }
        #expect(numbers.map(\.integer) == [31, 2, nil, nil, nil, -7, nil])
        #expect(numbers.map(\.text) == ["0x1F", "2.0", "2.5", "Infinity", "NaN", "-7", "1e300"])
    }

    @Test("repeated keys are all reported, with the line of the first")
    func duplicates() throws {
        let document = try parse("{\n a: 1,\n 'a': 2,\n b: { c: 1, c: 2 },\n a: 3\n}")
        #expect(document.duplicates.map(\.position.line) == [3, 4, 5])
        #expect(document.duplicates[0].message == "a is given twice; the first is in line 2")
        #expect(document.duplicates[1].message.hasPrefix("b.c is given twice"))
    }

    @Test(
        "bytes that are not UTF-8 are refused with their offset and line",
        arguments: [
            (bytes: Array("{\n a: '".utf8) + [0xC3, 0x28], offset: 7, line: 2, column: 6),
            (bytes: [0xFF, 0xFE, 0x7B, 0x00], offset: 0, line: 1, column: 1),
            (bytes: Array("'é".utf8) + [0xED, 0xA0, 0x80], offset: 3, line: 1, column: 3),
            (bytes: Array("1".utf8) + [0xE2, 0x82], offset: 1, line: 1, column: 2),
        ])
    func notUTF8(bytes: [UInt8], offset: Int, line: Int, column: Int) throws {
        let error = try #require(refusal(bytes))
        #expect(error.code == .notUTF8)
        #expect(error.message.contains("byte \(offset) "))
        #expect(error.position == SourcePosition(line: line, column: column))
        #expect(error.hint != nil)
    }

    @Test("half a surrogate pair is refused where it stands")
    func surrogates() throws {
        for text in ["{\n a: 'x\\uD83D'}", "{\n a: 'x\\uDE00'}", "{\n a: 'x\\uD83D\\uD83D'}", "{\n a: 'x\\ud83d\\n'}"] {
            let error = try #require(refusal(text))
            #expect(error.code == .badEscape)
            #expect(error.position == SourcePosition(line: 2, column: 7))
            #expect(error.message.contains("surrogate"))
        }
    }

    @Test(
        "errors point at the place and say what was wanted",
        arguments: [
            ("{a:1 b:2}", "1:6", "',' or '}' should stand here, and there is 'b'"),
            ("{\n  a: yes\n}", "2:6", "a value should stand here, and there is 'y'"),
            ("{\n  a: 'x\n}", "2:6", "a string begins here and its line ends first"),
            ("{a:1", "1:1", "an object begins here and never ends"),
            ("[1,\n[2", "2:1", "a list begins here and never ends"),
            ("\n\n/* x", "3:1", "a comment begins here and never ends"),
            ("{a:007}", "1:4", "a number can't begin with 0"),
            ("{a:1e999}", "1:4", "1e999 is too large for a number"),
            ("{} x", "1:4", "the end of the text should stand here, and there is 'x'"),
            ("{a:2s}", "1:4", "'s' can't follow the number 2"),
            ("{a:trueish}", "1:4", "a bare word that is none of true, false, null, Infinity and NaN"),
            ("{a:\u{7}}", "1:4", "a value should stand here, and there is U+0007"),
        ])
    func places(text: String, position: String, message: String) throws {
        let error = try #require(refusal(text))
        #expect("\(error.position)" == position)
        #expect(error.message == message)
    }

    @Test("nesting ends at 64 levels and texts at 1 MiB")
    func limits() throws {
        let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        #expect(refusal(deep(64)) == nil)
        #expect(refusal(deep(65))?.code == .tooDeep)
        #expect(refusal(String(repeating: "{a:", count: 100_000))?.code == .tooDeep)
        #expect(refusal([UInt8](repeating: 0x20, count: 1 << 20))?.code == .empty)
        #expect(refusal([UInt8](repeating: 0x20, count: 1 << 20 + 1))?.code == .tooLarge)
    }

    @Test("no bytes make it trap")
    func anyBytes() {
        let seed = Array("{a:'\\u00e9\\x41\\\n',\"b\":[+0x1F,-.5e+3,Infinity,NaN,],/**/$_:null}//\u{2028}\u{FEFF}".utf8)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...next(4) {
                switch next(4) {
                case 0: bytes[next(bytes.count)] = UInt8(next(256))
                case 1: bytes.remove(at: next(bytes.count))
                case 2: bytes.insert(seed[next(seed.count)], at: next(bytes.count))
                default: bytes = Array(bytes.prefix(next(bytes.count) + 1)) + seed.suffix(next(8) + 1)
                }
            }
            _ = refusal(bytes)
            _ = ConfigurationLoader.check(bytes, name: "x")
        }
    }
}

struct Wrong: Error {}
