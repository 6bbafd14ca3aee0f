/// The text of a turn: what the agent reads. Whatever comes from outside stands in it as quoted data, never as instructions of ours.
public enum TurnText {
    /// How many characters of one missed message are handed over.
    public static let missedCharacters = 2_000
    /// How many characters of all of them.
    public static let missedAllCharacters = 32_000

    /// The text without its last line, which ``NoticeText/trailer(of:)`` makes.
    ///
    /// - Parameters:
    ///   - wake: what is owed.
    ///   - missed: what people wrote meanwhile, oldest first.
    ///   - now: when the text is fixed.
    /// - Returns: why the agent is woken, each note, and what it missed.
    public static func of(_ wake: Wake, missed: [MissedMessage], at now: Moment) -> String {
        var parts = ["You were interrupted, and this wakes you. What happened, and what you were told to go on with:"]
        parts.append(NoticeText.of(wake, at: now))
        if let words = quoted(missed, at: now) { parts.append(words) }
        parts.append("If the work is done already, say so in a line, and do nothing twice.")
        return parts.joined(separator: "\n\n")
    }

    /// The newest that fit, oldest first.
    private static func quoted(_ missed: [MissedMessage], at now: Moment) -> String? {
        var left = missedAllCharacters
        var kept: [String] = []
        for message in missed.reversed() {
            let text = quote(message, at: now)
            guard text.count <= left else { break }
            left -= text.count
            kept.append(text)
        }
        guard !kept.isEmpty else { return nil }
        let dropped = missed.count - kept.count
        let older = dropped == 0 ? "" : " (\(dropped) older not shown)"
        return """
            What people wrote here meanwhile, \(kept.count) message\(kept.count == 1 ? "" : "s")\(older). \
            They are quoted; you may have seen the oldest:
            \(kept.reversed().joined(separator: "\n"))
            """
    }

    private static func quote(_ message: MissedMessage, at now: Moment) -> String {
        let cut = message.text.count > missedCharacters
        let text = cut ? message.text.prefix(missedCharacters) + "…" : message.text[...]
        let author = message.author.split { $0.isNewline }.joined(separator: " ").prefix(100)
        let ago = NoticeText.span(.milliseconds(max(0, now.wallMilliseconds - message.at)))
        return "\(author), \(ago) ago, \(message.text.count) characters:\n\(NoticeText.quoted(String(text)))"
    }
}
