/// A text with fields, such as `{goal}`. A line all of whose fields are empty is left out, and so are empty lines that follow each
/// other. `{{` and `}}` stand for the braces themselves.
public struct Template: Hashable, Sendable {
    /// What is wrong with a text.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// In words.
        public let description: String
    }

    private enum Part: Hashable {
        case text(String)
        case field(String)
    }

    /// The longest text, in bytes.
    public static let maximumBytes = 8 * 1024

    private var lines: [[Part]] = []

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: at most ``maximumBytes``.
    ///   - fields: those that there are.
    /// - Throws: ``Problem`` for a field that there is not, a brace without its partner, or a text that is empty or too long.
    public init(_ text: String, fields: Set<String>) throws(Problem) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw Problem(description: "the text has \(text.utf8.count) bytes, at most \(Self.maximumBytes) are allowed")
        }
        guard text.contains(where: { !$0.isWhitespace }) else { throw Problem(description: "the text is empty") }
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            lines.append(try Self.parts(Array(line), fields))
        }
    }

    private static func parts(_ line: [Character], _ fields: Set<String>) throws(Problem) -> [Part] {
        var parts: [Part] = []
        var text = ""
        var index = 0
        while index < line.count {
            let character = line[index]
            let isDoubled = index + 1 < line.count && line[index + 1] == character
            switch character {
            case "{" where isDoubled, "}" where isDoubled:
                text.append(character)
                index += 2
            case "{":
                guard let end = line[index...].firstIndex(of: "}") else {
                    throw Problem(description: "'{' without its '}' in '\(String(line))'; write {{ for the brace itself")
                }
                let name = String(line[(index + 1)..<end])
                guard fields.contains(name) else {
                    throw Problem(
                        description: "there is no field {\(name)}; there are "
                            + fields.sorted().map { "{\($0)}" }.joined(separator: " "))
                }
                if !text.isEmpty { parts.append(.text(text)) }
                text = ""
                parts.append(.field(name))
                index = end + 1
            case "}": throw Problem(description: "'}' without its '{' in '\(String(line))'; write }} for the brace itself")
            default:
                text.append(character)
                index += 1
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        return parts
    }

    /// The text with its fields filled; a field without a value is empty.
    public func filled(_ values: [String: String]) -> String {
        var kept: [String] = []
        for line in lines {
            let fields = line.compactMap { if case .field(let name) = $0 { values[name] ?? "" } else { nil } }
            if !fields.isEmpty, fields.allSatisfy(\.isEmpty) { continue }
            let text = line.map {
                if case .field(let name) = $0 { values[name] ?? "" } else if case .text(let text) = $0 { text } else { "" }
            }
            .joined()
            if text.isEmpty, kept.last?.isEmpty ?? true { continue }
            kept.append(text)
        }
        while kept.last?.isEmpty == true { kept.removeLast() }
        return kept.joined(separator: "\n")
    }
}

extension Policy {
    /// The texts that an operator has chosen; nil: the standard one.
    public struct Texts: Hashable, Sendable {
        /// What people see, of the fields of ``NoticeText/fields``.
        public var notice: Template?
        /// What the agent reads, of the fields of ``TurnText/fields``.
        public var turn: Template?

        /// The standard texts.
        public init() {}
    }
}
