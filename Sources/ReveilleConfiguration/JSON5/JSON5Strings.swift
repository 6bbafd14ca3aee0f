// Strings, their escapes, and unquoted keys (JSON5, sections 3 and 5).

extension JSON5Scanner {
    /// Reads a string; the cursor stands on its quote.
    mutating func string() throws(JSON5Error) -> String {
        let start = position
        guard let quote = current else { throw unexpected("a string") }
        advance()
        var text = String.UnicodeScalarView()
        while let scalar = current {
            if scalar == quote {
                advance()
                return String(text)
            }
            if scalar == "\n" || scalar == "\r" {
                throw JSON5Error(
                    .unterminated, at: start, "a string begins here and its line ends first",
                    hint: "close it with \(quote), or end the line with \\ to go on in the next")
            }
            if scalar == "\\" {
                try escape(into: &text)
            } else {
                text.append(scalar)
                advance()
            }
        }
        throw JSON5Error(.unterminated, at: start, "a string begins here and never ends", hint: "close it with \(quote)")
    }

    private mutating func escape(into text: inout String.UnicodeScalarView) throws(JSON5Error) {
        let start = position
        advance()
        guard let scalar = current else { throw unexpected("an escaped character") }
        switch scalar {
        case "u":
            text.append(try unicodeEscape(from: start))
            return
        case "x":
            advance()
            // Two hexadecimal digits are below 256, which is always a scalar.
            text.append(Unicode.Scalar(UInt8(truncatingIfNeeded: try hexadecimal(digits: 2, from: start))))
            return
        case "\r":
            advance()
            _ = take("\n")
            return
        case "\n", "\u{2028}", "\u{2029}": break
        case "b": text.append("\u{08}")
        case "f": text.append("\u{0C}")
        case "n": text.append("\n")
        case "r": text.append("\r")
        case "t": text.append("\t")
        case "v": text.append("\u{0B}")
        case "0":
            if let next = peek(1), ("0"..."9").contains(next) {
                throw JSON5Error(.badEscape, at: start, "\\0 before a digit means nothing in JSON5", hint: "write \\u0000")
            }
            text.append("\u{00}")
        case "1"..."9":
            throw JSON5Error(
                .badEscape, at: start, "\\\(scalar) means nothing in JSON5",
                hint: "write \\xHH or \\uHHHH for a character by number")
        default: text.append(scalar)
        }
        advance()
    }

    /// Reads `uHHHH`, or the two of a surrogate pair; the cursor stands on the `u`.
    private mutating func unicodeEscape(from start: SourcePosition) throws(JSON5Error) -> Unicode.Scalar {
        advance()
        let first = try hexadecimal(digits: 4, from: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, current == "\\", peek(1) == "u" else { throw halfPair(first, at: start) }
        let second = position
        advance()
        advance()
        let low = try hexadecimal(digits: 4, from: second)
        guard (0xDC00...0xDFFF).contains(low), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (low - 0xDC00))
        else { throw halfPair(first, at: start) }
        return scalar
    }

    private func halfPair(_ unit: UInt32, at start: SourcePosition) -> JSON5Error {
        JSON5Error(
            .badEscape, at: start,
            "\\u\(String(unit, radix: 16, uppercase: true)) is half of a surrogate pair, which is no character",
            hint: "write both halves, or the character itself")
    }

    private mutating func hexadecimal(digits: Int, from start: SourcePosition) throws(JSON5Error) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = current.flatMap(Self.hexadecimalValue) else {
                throw JSON5Error(
                    .badEscape, at: start, "an escape needs \(digits) hexadecimal digits here, and there is \(Self.show(current))"
                )
            }
            value = value << 4 | digit
            advance()
        }
        return value
    }

    static func hexadecimalValue(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 0x30
        case "a"..."f": scalar.value - 0x61 + 10
        case "A"..."F": scalar.value - 0x41 + 10
        default: nil
        }
    }

    /// Reads an unquoted key.
    mutating func identifier() throws(JSON5Error) -> String {
        var text = String.UnicodeScalarView()
        while let scalar = current {
            let start = position
            var part = scalar
            if scalar == "\\" {
                advance()
                guard current == "u" else { throw JSON5Error(.badEscape, at: start, "only \\uHHHH can stand in an unquoted key") }
                part = try unicodeEscape(from: start)
                guard Self.belongs(part, toIdentifierSoFar: text.isEmpty) else {
                    throw JSON5Error(
                        .badEscape, at: start, "\(Self.show(part)) can't stand in an unquoted key", hint: "quote the key")
                }
            } else {
                guard Self.belongs(part, toIdentifierSoFar: text.isEmpty) else { break }
                advance()
            }
            text.append(part)
        }
        guard !text.isEmpty else { throw unexpected("a key", hint: "quote a key that is no plain word") }
        return String(text)
    }

    private static func belongs(_ scalar: Unicode.Scalar, toIdentifierSoFar isFirst: Bool) -> Bool {
        isFirst ? startsIdentifier(scalar) : continuesIdentifier(scalar)
    }

    func unexpected(_ wanted: String, hint: String? = nil) -> JSON5Error {
        JSON5Error(.unexpected, at: position, "\(wanted) should stand here, and there is \(Self.show(current))", hint: hint)
    }
}
