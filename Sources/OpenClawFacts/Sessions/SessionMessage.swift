public import WakeCore

/// A line that was added to a session's transcript, as the event `session.message` tells it to those who have called
/// `sessions.subscribe`: `{sessionKey, message {role, content, provenance? {kind}}, …}`.
public struct SessionMessage: Hashable, Sendable {
    /// Whose transcript.
    public let session: SessionKey
    /// `user`, `assistant`, …
    public let role: String
    /// What it says, its parts joined.
    public let text: String
    /// Where the gateway says that it comes from: `external_user`, `inter_session` or `internal_system`; nil where it does not say.
    public let provenance: String?

    /// Reads the event's payload; nil where it names no session or has no message.
    public init?(_ payload: JSONValue?) {
        guard let key = payload?["sessionKey"]?.word, let session = try? SessionKey(key),
            let message = payload?["message"], let role = message["role"]?.word
        else { return nil }
        self.session = session
        self.role = role
        text = Self.text(of: message)
        provenance = message["provenance"]?["kind"]?.word
    }

    /// What a message of a transcript says, its parts joined by line ends: `content` is a text or a list of parts.
    public static func text(of message: JSONValue) -> String {
        let parts = message["content"]?.array?.compactMap { $0["text"]?.string } ?? []
        return message["content"]?.string ?? message["text"]?.string ?? parts.joined(separator: "\n")
    }

    /// Whether a person wrote it. What gateways, jobs, heartbeats, other sessions and Reveille itself say to an agent bears the role
    /// `user` as well; where it can't be told apart, it counts as none of a person.
    public var isFromPerson: Bool {
        guard role == "user", provenance == nil || provenance == "external_user" else { return false }
        // A gateway puts what happened meanwhile before what a person says.
        let said = text.split(separator: "\n").map(\.trimmed).filter { !$0.isEmpty && !$0.hasPrefix("System:") }
        guard let first = said.first else { return false }
        return !Self.openings.contains { first.hasPrefix($0) }
            && !said.contains { line in Self.marks.contains { line.contains($0) } }
    }

    /// How a job's turn and another session's message begin.
    private static let openings = ["[cron:", "[Inter-session message]"]
    /// What only a heartbeat's prompt, and only our own last line, hold.
    private static let marks = ["HEARTBEAT_OK", "-# reveille "]
}
