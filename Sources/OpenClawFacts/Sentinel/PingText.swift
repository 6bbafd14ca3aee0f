/// A text by which a ping of the gateway's own is recognised.
public enum PingText: Hashable, Sendable {
    /// The ping is this text and nothing else.
    case whole(String)
    /// The ping begins with this text.
    case beginning(String)

    /// A part of a long text that must be there before it counts as the text's first piece: transports cut long messages.
    static let pieceMinimumCharacters = 500

    /// True if a message can be that ping. Blanks around it do not count.
    public func matches(_ message: String) -> Bool {
        let message = message.trimmed
        switch self {
        case .whole(let text):
            let text = text.trimmed
            return message == text || message.count >= Self.pieceMinimumCharacters && text.hasPrefix(message)
        case .beginning(let text): return message.hasPrefix(text)
        }
    }
}
