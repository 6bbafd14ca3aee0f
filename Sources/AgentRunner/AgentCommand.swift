/// An agent that is a command: what is run for each of its turns.
public struct AgentCommand: Hashable, Sendable {
    /// Where it reads what it is told.
    public enum Input: String, Hashable, Sendable, CaseIterable {
        /// On its standard input (default).
        case stdin
        /// In a file, whose path `{textFile}` stands for.
        case file
    }

    /// The longest text that may be an argument, in bytes: Linux allows no more for one (execve(2)).
    public static let argumentBytes = 128 * 1024 - 1

    /// Its id, as in session keys.
    public var id: String
    /// The program and its arguments; an argument that is a `TurnPlaceholder` stands for its value, as one argument whatever is
    /// in it.
    public var run: [String]
    /// Where it reads what it is told.
    public var input = Input.stdin
    /// The folder it runs in, an absolute path.
    public var directory: String
    /// What is added to its environment.
    public var environment: [String: String] = [:]
    /// How long a turn may take; default 1 h.
    public var timeLimit: Duration = .seconds(3_600)
    /// How much of what it prints is kept, in bytes; default 1 MiB.
    public var outputBytes = 1 << 20

    /// Makes one; see the properties for the defaults.
    public init(id: String, run: [String], directory: String) {
        self.id = id
        self.run = run
        self.directory = directory
    }
}
