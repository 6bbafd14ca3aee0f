/// How a target came into its new epoch, as far as its supervisor tells.
public struct RestartStory: Hashable, Sendable, Codable {
    /// What kind of end the old epoch had.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// Somebody had it restarted.
        case restart
        /// It ended by itself, and its supervisor started it again.
        case crash
        /// The machine was booted anew.
        case reboot
        /// Only user space was started anew; the kernel ran on.
        case softReboot
    }

    /// The kind.
    public var kind: Kind
    /// The true cause in a few words, such as "killed by signal 9 (KILL)"; nil where nothing more is known.
    public var detail: String?
    /// How long it was down; nil where that is not known.
    public var down: Duration?

    /// Makes a story.
    public init(_ kind: Kind, detail: String? = nil, down: Duration? = nil) {
        self.kind = kind
        self.detail = detail
        self.down = down
    }
}
