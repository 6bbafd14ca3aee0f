/// Why the loopback would not do what it was asked to.
public struct LoopbackError: Error, Sendable, CustomStringConvertible {
    /// The kinds of refusal.
    public struct Code: Sendable, Hashable {
        /// The name, as logs show it.
        public let name: String

        /// A fault, an action or one of their fields is unknown or has a bad value.
        public static let badScript = Code(name: "bad-script")
        /// An option has a bad value.
        public static let badOption = Code(name: "bad-option")
        /// A file could not be read or written.
        public static let file = Code(name: "file")
        /// A channel, guild, message or session does not exist.
        public static let unknownObject = Code(name: "unknown-object")
    }

    /// What kind of refusal this is.
    public let code: Code
    /// What is wrong, naming the input.
    public let message: String
    /// What to do next.
    public let hint: String

    /// Makes an error.
    public init(_ code: Code, _ message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// Message and hint on one line.
    public var description: String { "\(message). \(hint)" }
}
