/// JSON5 (https://spec.json5.org) with a place and a path for every value.
///
/// Foundation's decoder reads JSON5 too, but gives no line, keeps repeated keys and drops unknown ones, and so can't tell
/// an operator what is wrong with a file. The tests hold this parser and that decoder to the same verdicts.
public enum JSON5 {
    /// The largest text that is read: 1 MiB.
    public static let textMaximumBytes = 1 << 20
    /// How deep lists and objects can be nested.
    public static let nestingMaximumDepth = 64
    /// How many repeated keys are reported; further ones are passed over.
    public static let duplicatesMaximumCount = 100

    /// Parses a text. Any bytes can be given: the answer is a document or an error, never a trap.
    ///
    /// - Parameters:
    ///   - bytes: the text in UTF-8, with or without a byte order mark.
    ///   - maximumBytes: how large it may be; ``textMaximumBytes`` if nothing else is said.
    /// - Returns: the document; repeated keys are listed in it and are not an error here.
    /// - Throws: ``JSON5Error`` with the first place at which the text is not JSON5.
    public static func parse(_ bytes: [UInt8], maximumBytes: Int = textMaximumBytes) throws(JSON5Error) -> JSON5Document {
        guard bytes.count <= maximumBytes else {
            throw JSON5Error(
                .tooLarge, at: .start, "the text has \(bytes.count) bytes; at most \(maximumBytes) are read")
        }
        var parser = JSON5Parser(scanner: JSON5Scanner(try JSON5Text.decode(bytes)))
        return try parser.document()
    }
}

private struct JSON5Parser {
    var scanner: JSON5Scanner
    var duplicates: [JSON5Error] = []

    mutating func document() throws(JSON5Error) -> JSON5Document {
        try scanner.skipTrivia()
        guard scanner.current != nil else {
            throw JSON5Error(.empty, at: scanner.position, "there is no value, only blanks and comments")
        }
        let root = try value(path: .root, depth: 0)
        try scanner.skipTrivia()
        guard scanner.current == nil else { throw scanner.unexpected("the end of the text") }
        return JSON5Document(root: root, duplicates: duplicates)
    }

    private mutating func value(path: JSON5Path, depth: Int) throws(JSON5Error) -> JSON5Node {
        let position = scanner.position
        let value: JSON5Value
        guard let first = scanner.current else { throw scanner.unexpected("a value") }
        switch first {
        case "{": value = .object(try object(path: path, depth: depth + 1))
        case "[": value = .array(try array(path: path, depth: depth + 1))
        case "\"", "'": value = .string(try scanner.string())
        case "t":
            try scanner.word("true")
            value = .boolean(true)
        case "f":
            try scanner.word("false")
            value = .boolean(false)
        case "n":
            try scanner.word("null")
            value = .null
        case "0"..."9", "+", "-", ".", "I", "N": value = .number(try scanner.number())
        default:
            throw scanner.unexpected("a value", hint: JSON5Scanner.startsIdentifier(first) ? "text must be in quotes" : nil)
        }
        return JSON5Node(value: value, position: position, path: path)
    }

    private mutating func array(path: JSON5Path, depth: Int) throws(JSON5Error) -> [JSON5Node] {
        let start = try open(depth)
        var elements: [JSON5Node] = []
        while true {
            try scanner.skipTrivia()
            if scanner.take("]") { return elements }
            guard scanner.current != nil else { throw unterminated("list", from: start) }
            elements.append(try value(path: .index(elements.count, in: path), depth: depth))
            try scanner.skipTrivia()
            if scanner.take(",") { continue }
            guard scanner.current != nil else { throw unterminated("list", from: start) }
            guard scanner.current == "]" else { throw scanner.unexpected("',' or ']'") }
        }
    }

    private mutating func object(path: JSON5Path, depth: Int) throws(JSON5Error) -> [JSON5Member] {
        let start = try open(depth)
        var members: [JSON5Member] = []
        var lines: [String: Int] = [:]
        while true {
            try scanner.skipTrivia()
            if scanner.take("}") { return members }
            guard let first = scanner.current else { throw unterminated("object", from: start) }
            let position = scanner.position
            let key = first == "\"" || first == "'" ? try scanner.string() : try scanner.identifier()
            let keyPath = JSON5Path.key(key, in: path)
            if let line = lines[key], duplicates.count < JSON5.duplicatesMaximumCount {
                duplicates.append(
                    JSON5Error(
                        .duplicateKey, at: position, "\(keyPath) is given twice; the first is in line \(line)",
                        hint: "keep one of them"))
            }
            lines[key] = lines[key] ?? position.line
            try scanner.skipTrivia()
            guard scanner.take(":") else { throw scanner.unexpected("':' after the key") }
            try scanner.skipTrivia()
            members.append(JSON5Member(key: key, keyPosition: position, node: try value(path: keyPath, depth: depth)))
            try scanner.skipTrivia()
            if scanner.take(",") { continue }
            guard scanner.current != nil else { throw unterminated("object", from: start) }
            guard scanner.current == "}" else { throw scanner.unexpected("',' or '}'") }
        }
    }

    private mutating func open(_ depth: Int) throws(JSON5Error) -> SourcePosition {
        let start = scanner.position
        guard depth <= JSON5.nestingMaximumDepth else {
            throw JSON5Error(.tooDeep, at: start, "nested deeper than \(JSON5.nestingMaximumDepth) levels")
        }
        scanner.advance()
        return start
    }

    private func unterminated(_ what: String, from start: SourcePosition) -> JSON5Error {
        JSON5Error(
            .unterminated, at: start, "\(what == "object" ? "an object" : "a list") begins here and never ends",
            hint: "close it with \(what == "object" ? "}" : "]")")
    }
}
