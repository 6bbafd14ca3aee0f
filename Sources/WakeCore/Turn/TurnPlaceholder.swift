/// What may stand as a whole argument of an agent's command in place of a value, such as `{sessionKey}`.
public enum TurnPlaceholder: String, Hashable, Sendable, CaseIterable {
    case sessionKey, agent, wake, channel, to, textFile, text

    /// As it is written.
    public var written: String { "{\(rawValue)}" }

    /// The placeholder that an argument is; nil where it is none.
    public init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.written == argument }) else { return nil }
        self = found
    }

    /// What is wrong with an argument of a command, and what to do; nil where nothing is.
    public static func problem(of argument: String) -> (message: String, hint: String)? {
        if TurnPlaceholder(argument: argument) != nil { return nil }
        for placeholder in allCases where holds(argument, placeholder.written) {
            return (
                "has \(placeholder.written) within other text",
                "make it an argument of its own: a placeholder stands for a whole one"
            )
        }
        let name = argument.dropFirst().dropLast()
        guard argument.hasPrefix("{"), argument.hasSuffix("}"), !name.isEmpty, name.allSatisfy(\.isLetter) else { return nil }
        return ("is no placeholder", "there are " + allCases.map(\.written).joined(separator: " "))
    }

    private static func holds(_ text: String, _ part: String) -> Bool {
        let (whole, part) = (Array(text.utf8), Array(part.utf8))
        guard whole.count >= part.count else { return false }
        return (0...(whole.count - part.count)).contains { whole[$0..<($0 + part.count)].elementsEqual(part) }
    }
}
