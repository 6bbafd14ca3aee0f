/// Why a text is not the JSON5 that it should be.
public struct JSON5Error: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of fault it is. An open set: more may follow.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String
        /// The text is over the limit of ``JSON5/textMaximumBytes``.
        public static let tooLarge = Code(description: "tooLarge")
        /// Values are nested deeper than ``JSON5/nestingMaximumDepth``.
        public static let tooDeep = Code(description: "tooDeep")
        /// The bytes are not UTF-8.
        public static let notUTF8 = Code(description: "notUTF8")
        /// There is no value at all: nothing, or only blanks and comments.
        public static let empty = Code(description: "empty")
        /// Something stands where something else must stand.
        public static let unexpected = Code(description: "unexpected")
        /// A comment, string, list or object has no end.
        public static let unterminated = Code(description: "unterminated")
        /// An escape sequence means nothing, or half of a surrogate pair.
        public static let badEscape = Code(description: "badEscape")
        /// Looks like a number and is none, or is too large for one.
        public static let badNumber = Code(description: "badNumber")
        /// A key occurs twice in one object.
        public static let duplicateKey = Code(description: "duplicateKey")
    }

    /// What kind of fault it is.
    public let code: Code
    /// Where it stands.
    public let position: SourcePosition
    /// What is wrong, in words, without the place.
    public let message: String
    /// What to do about it, where that can be said.
    public let hint: String?

    init(_ code: Code, at position: SourcePosition, _ message: String, hint: String? = nil) {
        self.code = code
        self.position = position
        self.message = message
        self.hint = hint
    }

    /// `line:column: message`
    public var description: String { "\(position): \(message)" }
}
