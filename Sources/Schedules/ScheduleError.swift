/// Why a text is no schedule, in words that a person can act on.
public struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// A cron expression can't be read, or can never match.
        public static let expression = Code("cron-expression")
        /// A point in time can't be read.
        public static let time = Code("time")
        /// A point in time has already passed.
        public static let past = Code("past")
        /// A duration can't be read.
        public static let duration = Code("duration")
    }

    /// What kind of failure.
    public var code: Code
    /// What is wrong: the field or the value, and why.
    public var message: String
    /// What lies beneath, where there is more to say.
    public var cause: String?
    /// What is allowed, or what to write instead.
    public var hint: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }

    /// Message and cause, without the hint.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }

    /// A text of a stranger in quotes, shortened and without control characters, fit for a message.
    static func quoted(_ text: some StringProtocol) -> String {
        let clean = text.unicodeScalars.prefix(60).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) }
        return "\"\(String(clean))\(text.unicodeScalars.count > 60 ? "…" : "")\""
    }
}
