/// A pattern for session keys: `*` stands for any text, all else for itself.
public struct SessionPattern: Sendable, Hashable, CustomStringConvertible {
    /// The longest pattern, in bytes.
    public static let maximumBytes = 512

    /// The pattern as it was written.
    public let description: String

    /// Takes a pattern.
    public init(_ text: String) {
        description = text
    }

    /// How many bytes of the pattern stand for themselves: the larger, the more specific.
    var literalBytes: Int { description.utf8.count { $0 != UInt8(ascii: "*") } }

    /// Whether the pattern covers a session key. Takes time in proportion to the product of the two lengths at most.
    public func matches(_ sessionKey: String) -> Bool {
        let pattern = Array(description.utf8)
        let text = Array(sessionKey.utf8)
        var patternIndex = 0
        var textIndex = 0
        // Where to go back to when a literal fails: behind the last star, one byte further in the text.
        var retry: (pattern: Int, text: Int)?
        while textIndex < text.count {
            if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
                patternIndex += 1
                retry = (patternIndex, textIndex)
            } else if patternIndex < pattern.count, pattern[patternIndex] == text[textIndex] {
                patternIndex += 1
                textIndex += 1
            } else if let last = retry {
                retry = (last.pattern, last.text + 1)
                patternIndex = last.pattern
                textIndex = last.text + 1
            } else {
                return false
            }
        }
        return pattern[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    static func fault(of text: String) -> ValueFault? {
        let hint = "write for example \"agent:infra:*\" or \"agent:main:main\""
        guard !text.isEmpty else { return ValueFault("is empty", hint: hint) }
        guard text.utf8.count <= maximumBytes else { return ValueFault("is over \(maximumBytes) bytes long", hint: hint) }
        let isClean = text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
        return isClean ? nil : ValueFault("has blanks or control characters in it", hint: hint)
    }
}
