/// A cursor over the scalars of a text that knows its line and column.
struct JSON5Scanner {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    private var column = 1

    init(_ scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    var position: SourcePosition { SourcePosition(line: line, column: column) }

    var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    func peek(_ distance: Int) -> Unicode.Scalar? {
        index + distance < scalars.count ? scalars[index + distance] : nil
    }

    mutating func advance() {
        guard let passed = current else { return }
        index += 1
        if passed == "\n" || (passed == "\r" && current != "\n") {
            line += 1
            column = 1
        } else {
            column += 1
        }
    }

    /// Passes `scalar` if it comes next.
    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        advance()
        return true
    }

    /// Passes blanks and comments.
    mutating func skipTrivia() throws(JSON5Error) {
        while let scalar = current {
            if scalar == "/" {
                try skipComment()
            } else if Self.isBlank(scalar) {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(JSON5Error) {
        let start = position
        switch peek(1) {
        case "/":
            while let scalar = current, !Self.endsLine(scalar) { advance() }
        case "*":
            advance()
            advance()
            while current != nil {
                if current == "*", peek(1) == "/" {
                    advance()
                    advance()
                    return
                }
                advance()
            }
            throw JSON5Error(.unterminated, at: start, "a comment begins here and never ends", hint: "close it with */")
        default:
            throw JSON5Error(.unexpected, at: start, "a lone '/'", hint: "comments are // to the end of the line, or /* … */")
        }
    }

    /// The line terminators of JSON5, section 8: LF, CR, U+2028 and U+2029.
    static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\r" || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    /// The white space of JSON5, section 8; a byte order mark counts as such.
    static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\n", "\r", "\u{0B}", "\u{0C}", "\u{A0}", "\u{FEFF}", "\u{2028}", "\u{2029}": true
        default: !scalar.isASCII && scalar.properties.generalCategory == .spaceSeparator
        }
    }

    /// Whether `scalar` can begin an identifier (ECMAScript 5.1, section 7.6).
    static func startsIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "$", "_": return true
        default:
            guard !scalar.isASCII else { return false }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber: return true
            default: return false
            }
        }
    }

    /// Whether `scalar` can go on in an identifier (ECMAScript 5.1, section 7.6).
    static func continuesIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        if startsIdentifier(scalar) { return true }
        switch scalar {
        case "0"..."9", "\u{200C}", "\u{200D}": return true
        default:
            guard !scalar.isASCII else { return false }
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: return true
            default: return false
            }
        }
    }

    /// A scalar as it can be shown in a message: itself in quotes, or its number.
    static func show(_ scalar: Unicode.Scalar?) -> String {
        guard let scalar else { return "the end of the text" }
        if scalar.value >= 0x21 && scalar.value <= 0x7E { return "'\(scalar)'" }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .otherLetter, .mathSymbol, .currencySymbol, .otherSymbol, .otherPunctuation,
            .initialPunctuation, .finalPunctuation:
            return "'\(scalar)'"
        default:
            let number = String(scalar.value, radix: 16, uppercase: true)
            return "U+" + String(repeating: "0", count: max(0, 4 - number.count)) + number
        }
    }
}
