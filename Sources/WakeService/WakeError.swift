/// What went wrong, in words that an operator can act on. Codes may be added; treat unknown ones as failures.
public struct WakeError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, as in logs and JSON.
        public let description: String

        /// Makes a code.
        public init(_ name: String) { description = name }

        /// The file system has no room; nothing was written and nothing is promised.
        public static let diskFull = Code("disk-full")
        /// A write failed and nobody can say whether it took effect; the ledger must be opened anew.
        public static let outcomeUnknown = Code("outcome-unknown")
        /// The ledger's file is damaged.
        public static let ledgerCorrupt = Code("ledger-corrupt")
        /// The file is no ledger of ours.
        public static let notALedger = Code("not-a-ledger")
        /// The ledger was written by a newer version.
        public static let ledgerNewer = Code("ledger-newer")
        /// The ledger can't be opened or written: missing folder, permissions, read-only or network file system.
        public static let ledgerUnavailable = Code("ledger-unavailable")
        /// Another process holds the ledger.
        public static let ledgerLocked = Code("ledger-locked")
        /// What was asked for is not valid.
        public static let invalidRequest = Code("invalid-request")
        /// What is asked does not answer now; later it may.
        public static let unavailable = Code("unavailable")
        /// There is no such thing.
        public static let notFound = Code("not-found")
    }

    /// What kind of failure.
    public let code: Code
    /// What was wrong with what, naming the input.
    public let message: String
    /// What lies beneath, in the words of whoever said it.
    public let cause: String?
    /// What to do next.
    public let hint: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }

    /// Message and cause, without the hint.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
