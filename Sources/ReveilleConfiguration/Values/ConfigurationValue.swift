/// A value that was read and found good.
enum ConfigurationValue: Sendable, Hashable {
    case text(String)
    case texts([String])
    case integer(Int)
    case number(Double)
    case duration(Duration)

    /// The value as `config show` prints it and as ``ValueKind`` reads it back.
    var text: String {
        switch self {
        case .text(let text): text
        case .texts(let texts): texts.joined(separator: ", ")
        case .integer(let integer): "\(integer)"
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .duration(let duration): DurationText.format(duration)
        }
    }
}

/// A value as it arrives: from a file with a type, from the environment or a flag as mere text.
enum RawValue {
    case node(JSON5Value)
    case text(String)

    /// The value as it may be shown in a message.
    var shown: String {
        switch self {
        case .text(let text), .node(.string(let text)): ShownText.quoted(text)
        case .node(.number(let number)): ShownText.escaped(number.text)
        case .node(.boolean(let flag)): "\(flag)"
        case .node(let other): other.kindInWords
        }
    }
}
