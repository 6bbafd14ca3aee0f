import WakeCore

// What a gateway's documents hold is read loosely: a value of the wrong type counts as missing, never as a fault.
extension JSONValue {
    /// The text without blanks around it; nil where there is no text, or an empty one.
    var word: String? { string?.trimmed.nonEmpty }

    /// The text, or the digits of a whole number: ids are written as either.
    var identifier: String? { word ?? integer.map(String.init) }

    /// A moment in milliseconds since 1970; a fraction is cut off.
    var milliseconds: Int64? { integer ?? number.flatMap { Int64(exactly: $0.rounded(.towardZero)) } }

    /// The texts and whole numbers of a list, as texts.
    var words: [String] { array?.compactMap(\.identifier) ?? [] }
}

extension StringProtocol {
    /// The text without blanks and line ends around it.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
            return ""
        }
        return String(self[first...last])
    }
}

extension String {
    /// Nil where the text is empty.
    var nonEmpty: String? { isEmpty ? nil : self }
}
