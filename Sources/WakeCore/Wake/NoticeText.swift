/// The text of a notice: what people see in the channel.
public enum NoticeText {
    /// The text without its last line, which ``trailer(of:)`` makes.
    ///
    /// - Parameters:
    ///   - wake: what is owed.
    ///   - works: what is pending for the session.
    ///   - texts: what the operator has chosen.
    ///   - now: when the text is fixed.
    /// - Returns: a headline and the quoted text of each note, and the next step of what is pending.
    public static func of(_ wake: Wake, _ works: [WorkInHand] = [], _ texts: Policy.Texts = .init(), at now: Moment) -> String {
        let values = [
            "notes": headlines(wake, at: now), "next": works.map(WorkText.next).filter { !$0.isEmpty }.joined(separator: "\n"),
            "goal": works.first.map { WorkText.line($0.goal) } ?? "", "session": wake.session.description,
            "wake": wake.id.description,
        ]
        return (texts.notice ?? standard).filled(values)
    }

    /// The fields of the text: each note with its headline, the next steps of what is pending, its goal, session and wake.
    public static let fields: Set<String> = ["notes", "next", "goal", "session", "wake"]

    /// The standard text.
    public static let standardText = "{notes}\n{next}"

    private static let standard: Template = {
        guard let template = try? Template(standardText, fields: fields) else {
            preconditionFailure("the standard text is faulty")
        }
        return template
    }()

    /// Each note under its headline.
    static func headlines(_ wake: Wake, at now: Moment) -> String {
        wake.notes.map { note in headline(note, at: now) + "\n" + quoted(note.text) }.joined(separator: "\n")
    }

    /// The last line of every notice, in small print, by which it is found again in a channel's history.
    public static func trailer(of wake: WakeID) -> String { "-# reveille \(wake)" }

    /// The line that a second try of unknown necessity begins with.
    public static let possibleRepeat = "(This may be a repeat: whether the first one arrived could not be found out.)"

    private static func headline(_ note: Wake.Note, at now: Moment) -> String {
        let what = note.target.words
        let ago = remarks(note, at: now)
        if note.cause == .asked, let title = note.title { return "**\(line(title))**\(ago):" }
        switch note.cause {
        case .restarted: return "**Back after the restart of \(what)**\(ago). Go on with:"
        case .restartedElsewhere: return "**\(happened(note))**\(ago). Go on with:"
        case .commandSucceeded: return "**The command has ended well**\(ago). Go on with:"
        case .resultUnknown:
            return
                "**The command was cut off by a restart of Reveille**; whether it took effect is unknown, so check first\(ago). Then:"
        case .asked where note.origin == .stalled: return "**Nothing goes on here**. Go on with:"
        case .asked where note.origin == .sent: return "**A message for the agent**\(ago):"
        case .asked: return "**Woken as asked**\(ago). Go on with:"
        case .didNotHappen(let reason) where note.target == .nothing:
            return "**A wake that was asked for came too late**: \(line(reason))\(ago). The note was:"
        case .didNotHappen(let reason): return "**The restart of \(what) did not happen**: \(line(reason))\(ago). The note was:"
        case .targetFailed(let reason): return "**\(sentence(note.target)) failed**: \(line(reason))\(ago). The note was:"
        }
    }

    /// What happened to a target that we did not restart.
    private static func happened(_ note: Wake.Note) -> String {
        let what = sentence(note.target)
        return switch (note.story?.kind, note.target) {
        case (.crash, _): "\(what) crashed and was started again"
        case (.reboot, .host): "The machine was rebooted"
        case (.reboot, _): "The machine was rebooted, and \(note.target.words) with it"
        case (.softReboot, .host): "The machine's user space was restarted (soft reboot)"
        case (.softReboot, _): "The machine's user space was restarted, and \(note.target.words) with it"
        case (.restart, _), (nil, _): "\(what) has restarted"
        }
    }

    /// What is known besides, in brackets: the cause, how long it was down, how long ago it was asked for.
    private static func remarks(_ note: Wake.Note, at now: Moment) -> String {
        var remarks: [String] = []
        if let detail = note.story?.detail { remarks.append(line(detail)) }
        if let down = note.story?.down, down >= .seconds(1) { remarks.append("down for \(span(down))") }
        if let absence = note.story?.absence, let away = absence.length(toldAt: now), away >= .seconds(1) {
            remarks.append("the machine was away for \(absence.isExact ? "" : "at most ")\(span(away))")
        }
        // One that nobody asked for was written down when it was seen.
        if note.origin != .observed, note.origin != .interrupted, note.origin != .job,
            let age = now.elapsed(since: note.requestedAt)
        {
            remarks.append("asked for \(span(age)) ago")
        }
        return remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
    }

    /// Its words at the beginning of a sentence; a unit's name is spelled as it is.
    private static func sentence(_ target: RestartTarget) -> String {
        if case .unit = target { return target.words }
        return target.words.prefix(1).uppercased() + target.words.dropFirst()
    }

    /// Every line is quoted, so that none can look like ours; whatever breaks a line does so here.
    static func quoted(_ text: String) -> String {
        text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { "> " + $0 }.joined(separator: "\n")
    }

    /// A reason from outside on one line of bounded length.
    private static func line(_ reason: String) -> String {
        let words = reason.split { $0.isNewline }.joined(separator: " ")
        return words.count > Limits.reasonCharacters ? words.prefix(Limits.reasonCharacters - 1) + "…" : words
    }

    /// A duration for people: "4 s", "3 min", "2 h 5 min".
    public static func span(_ duration: Duration) -> String {
        let seconds = duration.wholeMilliseconds / 1000
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) days"
        }
    }
}
