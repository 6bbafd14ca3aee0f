/// One thing that is wrong with the configuration.
public struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of problem it is. An open set: more may follow.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code, as machines may read it.
        public let description: String
        /// A file that was named explicitly is not there.
        public static let fileMissing = Code(description: "fileMissing")
        /// A file is there and can't be read.
        public static let fileUnreadable = Code(description: "fileUnreadable")
        /// A file is over its size limit, or there are too many files or entries.
        public static let tooLarge = Code(description: "tooLarge")
        /// A file is not UTF-8.
        public static let notUTF8 = Code(description: "notUTF8")
        /// A file is not JSON5.
        public static let notJSON5 = Code(description: "notJSON5")
        /// A key occurs twice in one object.
        public static let duplicateKey = Code(description: "duplicateKey")
        /// There is no such key.
        public static let unknownKey = Code(description: "unknownKey")
        /// A value has the wrong type, is out of range or means nothing.
        public static let badValue = Code(description: "badValue")
        /// Two values contradict each other.
        public static let contradiction = Code(description: "contradiction")
        /// A token stands where it must not stand.
        public static let tokenMisplaced = Code(description: "tokenMisplaced")
        /// There is no token.
        public static let tokenMissing = Code(description: "tokenMissing")
        /// A token can be read by others, or belongs to someone else.
        public static let tokenExposed = Code(description: "tokenExposed")
        /// What was found can't be a token.
        public static let tokenMalformed = Code(description: "tokenMalformed")
    }

    /// What kind of problem it is.
    public let code: Code
    /// Where it comes from; nil if it is nowhere in particular.
    public let origin: ConfigurationOrigin?
    /// The key that it is about, as `a.b.c`; nil if it is about a whole file.
    public let path: String?
    /// What is wrong, in words.
    public let message: String
    /// What to do about it.
    public let hint: String?

    /// Makes a problem.
    public init(_ code: Code, origin: ConfigurationOrigin? = nil, path: String? = nil, message: String, hint: String? = nil) {
        self.code = code
        self.origin = origin
        self.path = path
        self.message = message
        self.hint = hint
    }

    /// `origin: path: message`, in one line.
    public var description: String {
        [origin?.description, path, message].compactMap(\.self).joined(separator: ": ")
    }
}

/// Why a value is refused: the rest of a sentence that begins with the value.
struct ValueFault: Error {
    let message: String
    let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
