// Numbers (JSON5, section 6): decimal with or without digits on either side of the point, hexadecimal, signs, Infinity, NaN.

extension JSON5Scanner {
    /// Reads a number; the cursor stands on its sign, first digit, point, `I` or `N`.
    mutating func number() throws(JSON5Error) -> JSON5Number {
        let start = position
        var sign = ""
        if current == "+" || current == "-" {
            sign = current == "-" ? "-" : "+"
            advance()
        }
        let number: JSON5Number
        switch current {
        case "I":
            try word("Infinity")
            number = JSON5Number(text: sign + "Infinity", value: sign == "-" ? -.infinity : .infinity)
        case "N":
            try word("NaN")
            number = JSON5Number(text: sign + "NaN", value: .nan)
        case "0" where peek(1) == "x" || peek(1) == "X":
            number = try hexadecimalNumber(sign: sign, from: start)
        default:
            number = try decimalNumber(sign: sign, from: start)
        }
        if let next = current, Self.continuesIdentifier(next) || next == "." || next == "\\" {
            throw JSON5Error(
                .badNumber, at: start, "\(Self.show(next)) can't follow the number \(Self.clip(number.text))",
                hint: "quote it if it is meant as text")
        }
        return number
    }

    /// Passes a word such as `true`, and refuses a longer one that begins like it.
    mutating func word(_ word: String) throws(JSON5Error) {
        let start = position
        for scalar in word.unicodeScalars {
            guard take(scalar) else { throw notAWord(at: start) }
        }
        if let next = current, Self.continuesIdentifier(next) || next == "\\" { throw notAWord(at: start) }
    }

    private func notAWord(at start: SourcePosition) -> JSON5Error {
        JSON5Error(
            .unexpected, at: start, "a bare word that is none of true, false, null, Infinity and NaN",
            hint: "quote it if it is text")
    }

    private mutating func hexadecimalNumber(sign: String, from start: SourcePosition) throws(JSON5Error) -> JSON5Number {
        advance()
        advance()
        var digits = ""
        while let scalar = current, Self.hexadecimalValue(scalar) != nil {
            digits.unicodeScalars.append(scalar)
            advance()
        }
        guard !digits.isEmpty else { throw JSON5Error(.badNumber, at: start, "0x without a hexadecimal digit after it") }
        return try finite(text: sign + "0x" + digits, source: "0x" + digits, isNegative: sign == "-", at: start)
    }

    private mutating func decimalNumber(sign: String, from start: SourcePosition) throws(JSON5Error) -> JSON5Number {
        let whole = digits()
        if whole.count > 1, whole.first == "0" {
            throw JSON5Error(
                .badNumber, at: start, "a number can't begin with 0", hint: "leave the zero out; octal numbers are not JSON5")
        }
        var fraction: String?
        if take(".") { fraction = digits() }
        guard !whole.isEmpty || fraction?.isEmpty == false else { throw unexpected(fraction == nil ? "a number" : "a digit") }
        var text = sign + whole + (fraction.map { "." + $0 } ?? "")
        var source = (whole.isEmpty ? "0" : whole) + "." + (fraction.flatMap { $0.isEmpty ? nil : $0 } ?? "0")
        if current == "e" || current == "E" {
            advance()
            var exponent = "e"
            if current == "+" || current == "-" {
                exponent += current == "-" ? "-" : "+"
                advance()
            }
            let power = digits()
            guard !power.isEmpty else { throw unexpected("a digit of the exponent") }
            text += exponent + power
            source += exponent + power
        }
        return try finite(text: text, source: source, isNegative: sign == "-", at: start)
    }

    private mutating func digits() -> String {
        var digits = ""
        while let scalar = current, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            advance()
        }
        return digits
    }

    private func finite(
        text: String, source: String, isNegative: Bool, at start: SourcePosition
    ) throws(JSON5Error) -> JSON5Number {
        guard let magnitude = Double(source), magnitude.isFinite else {
            throw JSON5Error(.badNumber, at: start, "\(Self.clip(text)) is too large for a number")
        }
        return JSON5Number(text: text, value: isNegative ? -magnitude : magnitude)
    }

    private static func clip(_ text: String) -> String {
        text.utf8.count <= 40 ? text : text.prefix(40) + "…"
    }
}
