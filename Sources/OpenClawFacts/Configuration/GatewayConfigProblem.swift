/// One thing in a gateway's configuration that can't be followed.
public struct GatewayConfigProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of problem; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// A file can't be read.
        public static let unreadable = Code("unreadable")
        /// All files together are over ``GatewayConfigFile/maximumBytes``.
        public static let tooLarge = Code("too-large")
        /// More than ``GatewayConfigFile/maximumFiles`` are included.
        public static let tooManyFiles = Code("too-many-files")
        /// A file is not JSON5, or holds no object.
        public static let notJSON5 = Code("not-json5")
        /// An `$include` is neither a path nor a list of paths, or what it includes can't stand where it is included.
        public static let badInclude = Code("bad-include")
        /// An `$include` leads out of the folder of the main file.
        public static let outside = Code("outside")
        /// A file includes itself, by way of others or not.
        public static let cycle = Code("cycle")
        /// Includes are nested deeper than ``GatewayConfigFile/maximumDepth``.
        public static let tooDeep = Code("too-deep")
        /// A text refers to a variable that is not set.
        public static let missingVariable = Code("missing-variable")
        /// A secret lies where it can't be read from.
        public static let unsupportedSecret = Code("unsupported-secret")
    }

    /// What kind of problem.
    public let code: Code
    /// The file that it is in.
    public let file: String
    /// The key in the whole configuration, such as `gateway.auth.token`; empty if it is about a whole file.
    public let path: String
    /// What is wrong.
    public let reason: String
    /// What to do about it.
    public let hint: String

    init(_ code: Code, file: String, path: String, _ reason: String, hint: String) {
        self.code = code
        self.file = file
        self.path = path
        self.reason = reason
        self.hint = hint
    }

    /// `file: path: reason`, in one line.
    public var description: String { [file, path, reason].filter { !$0.isEmpty }.joined(separator: ": ") }
}
