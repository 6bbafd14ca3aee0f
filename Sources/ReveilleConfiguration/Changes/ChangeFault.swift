/// Why a change of the configuration was refused. Nothing was changed.
public struct ChangeFault: Error, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Code: Sendable, Hashable {
        /// The change is not readable, or the configuration that it leads to is faulty; ``ChangeFault/issues`` has everything.
        case invalid
        /// The configuration is another one than the change was made for.
        case conflict(currentHash: String)
        /// The change does not say which configuration it was made for.
        case baseHashMissing(currentHash: String)
        /// A list would lose elements, and nobody said that it may.
        case arrayShrunk
        /// The change touches a key that no change may touch.
        case forbiddenKey
        /// Somebody else is changing the configuration and does not come to an end.
        case locked
        /// The disk is full.
        case diskFull
        /// The disk can't be written or read.
        case storage
        /// There is no such entry, or no such key.
        case notFound
    }

    /// What kind of fault it is.
    public let code: Code
    /// What is wrong, in one sentence.
    public let message: String
    /// Everything that is wrong, each with its path; the path is empty for what is about the whole.
    public let issues: [(path: String, message: String)]
    /// What to do about it.
    public let hint: String?

    /// Makes a fault.
    public init(_ code: Code, _ message: String, issues: [(path: String, message: String)] = [], hint: String? = nil) {
        self.code = code
        self.message = message
        self.issues = issues
        self.hint = hint
    }

    /// A configuration that would be faulty.
    init(_ problems: ConfigurationProblems, message: String) {
        let isToken = problems.list.contains { $0.code == .tokenMisplaced }
        self.init(
            isToken ? .forbiddenKey : .invalid, message,
            issues: problems.list.map { problem in
                let isOurs = if case .acceptedPatch = problem.origin { true } else { false }
                let place = isOurs ? "" : problem.origin.map { "\($0): " } ?? ""
                return (problem.path ?? "", place + problem.message + (problem.hint.map { " (\($0))" } ?? ""))
            },
            hint: problems.list.first { isToken ? $0.code == .tokenMisplaced : true }?.hint)
    }

    init(_ fault: FileFault, _ deed: String) {
        let number = "\(deed): \(fault.words)"
        if fault.isFull {
            self.init(.diskFull, number, hint: "free space where the ledger lies; the configuration is as it was")
        } else {
            self.init(.storage, number, hint: "look at the file system where the ledger lies; the configuration is as it was")
        }
    }

    /// The message and every issue, one a line.
    public var description: String {
        ([message] + issues.map { $0.path.isEmpty ? "  \($0.message)" : "  \($0.path): \($0.message)" }).joined(separator: "\n")
    }
}
