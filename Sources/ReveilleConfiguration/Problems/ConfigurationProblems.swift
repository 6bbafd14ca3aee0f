/// Everything that is wrong with the configuration, found in one go.
public struct ConfigurationProblems: Error, Sendable, CustomStringConvertible {
    /// How many problems are listed; of more, only the number is told.
    public static let listMaximumCount = 100

    /// The problems in the order in which the layers are read: files, environment, flags.
    public private(set) var list: [ConfigurationProblem] = []
    /// How many more there were beyond ``listMaximumCount``.
    public private(set) var unlistedCount = 0

    /// No problem yet.
    public init() {}

    /// One problem.
    public init(_ problem: ConfigurationProblem) {
        list = [problem]
    }

    /// Whether there is none.
    public var isEmpty: Bool { list.isEmpty }

    /// Takes one more. It is not even worked out if the list is full, so that a file of faults costs no time.
    public mutating func append(_ problem: @autoclosure () -> ConfigurationProblem) {
        if list.count < Self.listMaximumCount {
            list.append(problem())
        } else {
            unlistedCount += 1
        }
    }

    /// The status to exit with, from sysexits(3): 66 if all that is wrong is a named file that is not there, 77 if a token can't
    /// be used for its permissions, else 78.
    public var exitStatus: Int32 {
        if list.allSatisfy({ $0.code == .fileMissing }) { return 66 }
        if list.allSatisfy({ $0.code == .tokenExposed }) { return 77 }
        return 78
    }

    /// The problems for a person: `Error:` with what is wrong, then `Try:` with what to do, numbered if they are several.
    public var description: String {
        guard list.count > 1 else {
            guard let only = list.first else { return "Error: nothing is wrong with the configuration" }
            return "Error: \(only)" + (only.hint.map { "\nTry: \($0)" } ?? "")
        }
        var lines = ["Error: the configuration has \(list.count + unlistedCount) problems:"]
        lines += list.enumerated().map { "  \($0 + 1). \($1)" }
        if unlistedCount > 0 { lines.append("  … and \(unlistedCount) more") }
        let hints = list.enumerated().compactMap { number, problem in problem.hint.map { "  \(number + 1). \($0)" } }
        return (lines + (hints.isEmpty ? [] : ["Try:"] + hints)).joined(separator: "\n")
    }
}
