/// An agent that is a command: what is run for each of its turns.
public struct AgentCommand: Hashable, Sendable {
    /// Where it reads what it is told.
    public enum Input: String, Hashable, Sendable, CaseIterable {
        /// On its standard input (default).
        case stdin
        /// In a file, whose path `{textFile}` stands for.
        case file
    }

    /// What may stand as a whole argument in place of a value.
    public enum Placeholder: String, Hashable, Sendable, CaseIterable {
        case sessionKey, agent, wake, channel, to, textFile, text
    }

    /// The longest text that may be an argument, in bytes: Linux allows no more for one (execve(2)).
    public static let argumentBytes = 128 * 1024 - 1

    /// Its id, as in session keys.
    public var id: String
    /// The program and its arguments; an argument `{sessionKey}`, `{agent}`, `{wake}`, `{channel}`, `{to}`, `{textFile}` or `{text}` stands
    /// for its value, as one argument whatever is in it.
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

    /// What is wrong with an argument: a placeholder that there is not.
    public static func problem(of argument: String) -> String? {
        guard argument.hasPrefix("{"), argument.hasSuffix("}"), argument.count > 2 else { return nil }
        let name = String(argument.dropFirst().dropLast())
        guard name.allSatisfy(\.isLetter), Placeholder(rawValue: name) == nil else { return nil }
        let known = Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
        return "there is no placeholder \(argument); there are \(known)"
    }
}
