/// A text that must not be seen: it prints, debugs, mirrors and interpolates as `(set)`.
///
/// It is neither `Codable` nor `Equatable`, so that it can't slip into a file or be found out by comparing.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// Hides a text.
    public init(_ text: String) {
        self.text = text
    }

    /// The text itself, for the one place that must send it. Never log it and never store it.
    public func reveal() -> String { text }

    /// Always `(set)`.
    public var description: String { "(set)" }

    /// Always `(set)`.
    public var debugDescription: String { "(set)" }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
