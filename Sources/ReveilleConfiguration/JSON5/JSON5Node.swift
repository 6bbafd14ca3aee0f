/// A parsed JSON5 document: its value, and the keys that occurred more than once.
public struct JSON5Document: Sendable {
    /// The value at the top.
    public let root: JSON5Node
    /// One error for each key that repeats an earlier one of the same object, in the order of the text.
    public let duplicates: [JSON5Error]
}

/// A value of a JSON5 document, with the place where it begins.
public struct JSON5Node: Sendable {
    /// What stands there.
    public let value: JSON5Value
    /// Where its first character stands.
    public let position: SourcePosition
    /// The way to it from the root.
    public let path: JSON5Path
}

/// What a JSON5 value can be.
public enum JSON5Value: Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case boolean(Bool)
    /// A number, the infinities and NaN included.
    case number(JSON5Number)
    /// A string with its escapes resolved.
    case string(String)
    /// The elements of an array, in order.
    case array([JSON5Node])
    /// The members of an object, in order, repeated keys included.
    case object([JSON5Member])

    /// Whether it is `null`.
    var isNull: Bool { if case .null = self { true } else { false } }

    /// What a person would call it: `a number`, `an object` …
    public var kindInWords: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// A key with its value.
public struct JSON5Member: Sendable {
    /// The key, with its escapes resolved.
    public let key: String
    /// Where the key begins (its quote, if it has one).
    public let keyPosition: SourcePosition
    /// The value.
    public let node: JSON5Node
}

/// A number of a JSON5 document, as it was written and as what it means.
public struct JSON5Number: Sendable, Hashable {
    /// The number as it stands in the text.
    public let text: String
    /// The nearest binary floating-point number; can be infinite or NaN only where the text says so.
    public let value: Double

    /// The number as an integer; nil if it has a fraction, is not finite or does not fit.
    public var integer: Int? { Int(exactly: value) }
}
