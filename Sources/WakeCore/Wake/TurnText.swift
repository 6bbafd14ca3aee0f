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
    ///   - works: what is pending for the session.
    ///   - missed: what people wrote meanwhile, oldest first.
    ///   - texts: what the operator has chosen.
    ///   - now: when the text is fixed.
    /// - Returns: why the agent is woken, each note, where its work stands, what it missed, and what to call. A light wake says its notes only.
    public static func of(
        _ wake: Wake, _ works: [WorkInHand] = [], missed: [MissedMessage], _ texts: Policy.Texts = .init(), at now: Moment
    ) -> String {
        let (works, missed) = wake.isLight ? ([], []) : (works, missed)
        let work = works.map { WorkText.whole($0, at: now) }.joined(separator: "\n\n")
        let values = [
            "why": opening(wake), "notes": NoticeText.headlines(wake, at: now),
            "work": work.isEmpty ? "" : "Where the work stands, as its run state says:\n" + work,
            "goal": works.first.map { WorkText.line($0.goal) } ?? "",
            "steps": works.first.map { NoticeText.quoted(WorkText.plan($0)) } ?? "",
            "next": works.first.map(WorkText.next) ?? "", "operation": works.first.map { WorkText.line($0.operation) } ?? "",
            "file": works.first?.path ?? "", "missed": quoted(missed, at: now) ?? "",
            "whenDone": works.map(WorkText.whenDone).joined(separator: "\n"), "session": wake.session.description,
            "wake": wake.id.description,
        ]
        return (texts.turn ?? standard).filled(values)
    }

    /// The fields of the text: why it is woken, each note with its cause, the whole of the pending run states; of the first of them goal,
    /// steps, next step, name and file; what people wrote, what to call when done, session and wake.
    public static let fields: Set<String> = [
        "why", "notes", "work", "goal", "steps", "next", "operation", "file", "missed", "whenDone", "session", "wake",
    ]

    /// The standard text.
    public static let standardText = """
        {why}

        {notes}

        {work}

        {missed}

        {whenDone}

        If the work is done already, say so in a line, and do nothing twice.
        """

    private static let standard: Template = {
        guard let template = try? Template(standardText, fields: fields) else {
            preconditionFailure("the standard text is faulty")
        }
        return template
    }()

    /// One that was only sent a message, or a job, was not interrupted.
    private static func opening(_ wake: Wake) -> String {
        let wasCutOff = wake.notes.contains { $0.target != .nothing }
        return wasCutOff
            ? "You were interrupted, and this wakes you. What happened, and what you were told to go on with:"
            : "This wakes you. What for:"
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
