/// Why the stand-in could not start.
public struct OpenClawLoopbackError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; an open set.
    public struct Code: Sendable, Hashable {
        /// The name, as logs show it.
        public let name: String

        /// An option has a bad value.
        public static let badOption = Code(name: "bad-option")
        /// The port can't be listened on.
        public static let port = Code(name: "port")
        /// A file in the state directory could not be read or written.
        public static let file = Code(name: "file")
    }

    /// What kind of failure.
    public let code: Code
    /// What is wrong, naming the input.
    public let message: String
    /// What lies beneath, in the words of the system.
    public let cause: String?
    /// What to do next.
    public let hint: String

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: String? = nil, hint: String) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }

    /// All of it on one line.
    public var description: String { "\(message)\(cause.map { ": \($0)" } ?? ""). \(hint)" }
}
