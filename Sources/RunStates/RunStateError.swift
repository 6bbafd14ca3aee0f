/// Why a run state can't be read or changed, in words that a person can act on.
public struct RunStateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// There is no file.
        public static let missing = Code("missing")
        /// It ends in the middle: somebody may be writing it.
        public static let halfWritten = Code("half-written")
        /// It is no JSON, or no object.
        public static let notJSON = Code("not-json")
        /// It is larger than any run state.
        public static let tooLarge = Code("too-large")
        /// A field is not what it must be.
        public static let wrongField = Code("wrong-field")
        /// It does not fit what was asked for: nothing is pending, or something else is.
        public static let conflict = Code("conflict")
        /// The file can't be read, written or locked.
        public static let unavailable = Code("unavailable")
    }

    /// What kind of failure.
    public var code: Code
    /// What is wrong.
    public var message: String
    /// What to do next.
    public var hint: String

    /// Makes an error.
    public init(_ code: Code, _ message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// What is wrong, without the hint.
    public var description: String { message }
}
