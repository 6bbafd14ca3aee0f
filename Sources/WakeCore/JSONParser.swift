/// Why bytes are no JSON document.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in words.
    public let problem: String
    /// Where, as an offset in bytes.
    public let offsetBytes: Int

    /// For people.
    public var description: String { "\(problem) at byte \(offsetBytes)" }
}

extension JSONValue {
    /// Reads one JSON document (RFC 8259). Never traps, whatever the bytes.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8. Invalid sequences inside strings become U+FFFD.
    ///   - maximumDepth: how deeply arrays and objects may nest; default 128.
    /// - Returns: the document.
    /// - Throws: ``JSONError`` with the offset of the first fault.
    public static func parse(_ bytes: some Collection<UInt8>, maximumDepth: Int = 128) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: Array(bytes), maximumDepth: maximumDepth)
        return try parser.document()
    }

    /// Reads one JSON document from text; see ``parse(_:maximumDepth:)-(Collection<UInt8>,_)``.
    public static func parse(text: String, maximumDepth: Int = 128) throws(JSONError) -> JSONValue {
        try parse(text.utf8, maximumDepth: maximumDepth)
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var at = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw fault("something follows the document") }
        return value
    }

    func fault(_ problem: String) -> JSONError { JSONError(problem: problem, offsetBytes: at) }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard let byte = next else { throw fault("the document ends too early") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("not a JSON value")
        }
    }

    mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = word.utf8CodeUnitCount
        let matches =
            at + count <= bytes.count
            && word.withUTF8Buffer { expected in expected.elementsEqual(bytes[at..<at + count]) }
        guard matches else { throw fault("not a JSON value") }
        at += count
        return value
    }

    mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= maximumDepth else { throw fault("nested more than \(maximumDepth) deep") }
        at += 1
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth))
            if try closes(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= maximumDepth else { throw fault("nested more than \(maximumDepth) deep") }
        at += 1
        var object = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(object)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("a member's name must be a string") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw fault("':' expected") }
            at += 1
            object.append(key, try value(depth: depth))
            if try closes(with: UInt8(ascii: "}")) { return .object(object) }
        }
    }

    mutating func closes(with end: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        guard let byte = next else { throw fault("the document ends too early") }
        guard byte == end || byte == UInt8(ascii: ",") else { throw fault("',' or '\(Character(UnicodeScalar(end)))' expected") }
        at += 1
        return byte == end
    }

    mutating func number() throws(JSONError) -> JSONValue {
        let start = at
        var isWhole = true
        if next == UInt8(ascii: "-") { at += 1 }
        let first = next
        let count = digits()
        guard count > 0 else { throw fault("a digit expected") }
        guard first != UInt8(ascii: "0") || count == 1 else { throw fault("a number must not begin with 0") }
        if next == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            guard digits() > 0 else { throw fault("a digit expected") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            guard digits() > 0 else { throw fault("a digit expected") }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw fault("a number out of range") }
        return .number(value)
    }

    mutating func digits() -> Int {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        return at - start
    }

    mutating func string() throws(JSONError) -> String {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
        if next == UInt8(ascii: "\"") {
            defer { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
        var text = Array(bytes[start..<at])
        while true {
            guard let byte = next else { throw fault("a string without an end") }
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text.append(contentsOf: String(Character(try escape())).utf8)
            case 0..<0x20:
                at -= 1
                throw fault("a control character in a string")
            default: text.append(byte)
            }
        }
    }

    mutating func escape() throws(JSONError) -> UnicodeScalar {
        guard let byte = next else { throw fault("a string without an end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw fault("an unknown escape")
        }
    }

    mutating func unicodeEscape() throws(JSONError) -> UnicodeScalar {
        let unit = try hexadecimal()
        guard (0xD800...0xDBFF).contains(unit) else { return UnicodeScalar(unit) ?? "\u{FFFD}" }
        let back = at
        if next == UInt8(ascii: "\\"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u") {
            at += 2
            let low = try hexadecimal()
            if (0xDC00...0xDFFF).contains(low) {
                return UnicodeScalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            }
            at = back
        }
        return "\u{FFFD}"
    }

    mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw fault("four hexadecimal digits expected") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[at])).hexDigitValue, bytes[at] < 0x80 else {
                throw fault("four hexadecimal digits expected")
            }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }
}
