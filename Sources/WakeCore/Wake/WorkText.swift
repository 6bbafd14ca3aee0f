/// What a wake says of a run state: the goal, the plan with its next step marked, what was noted, and what to call when it is done.
/// All of it comes from a file that anybody may have written, so it is quoted, and bounded.
enum WorkText {
    private static let stepsShown = 60
    private static let notesShown = 40
    private static let lineCharacters = 400

    /// For the agent.
    static func whole(_ work: WorkInHand, at now: Moment) -> String {
        var parts = ["\(line(work.operation)), in \(work.path)\(age(work, at: now)):"]
        if !work.goal.isEmpty { parts.append("Goal:\n" + NoticeText.quoted(cut(work.goal, 2_000))) }
        if !work.steps.isEmpty { parts.append("Plan:\n" + NoticeText.quoted(plan(work))) }
        if !work.notes.isEmpty { parts.append("Noted:\n" + NoticeText.quoted(shown(work.notes, notesShown))) }
        if !work.progress.isEmpty { parts.append("Last progress:\n" + NoticeText.quoted(shown(work.progress, 10))) }
        return parts.joined(separator: "\n")
    }

    /// The steps: those done, the next one, and the rest.
    static func plan(_ work: WorkInHand) -> String {
        let first = max(0, min((work.nextStep ?? 0) - stepsShown / 2, work.steps.count - stepsShown))
        let shown = work.steps.enumerated().dropFirst(first).prefix(stepsShown).map { index, step in
            let mark = index == work.nextStep ? "[>]" : step.isDone ? "[x]" : "[ ]"
            return "\(mark) \(line(step.text))" + (index == work.nextStep ? "   <- next" : "")
        }
        let left = work.steps.count - shown.count
        return shown.joined(separator: "\n") + (left > 0 ? "\n(\(left) more steps in the file)" : "")
    }

    /// The next step in a line; empty where none is known.
    static func next(_ work: WorkInHand) -> String {
        guard let next = work.nextStep, work.steps.indices.contains(next) else { return "" }
        return "Step \(next + 1) of \(work.steps.count): \(line(work.steps[next].text))"
    }

    /// What to call when a step, or all of it, is done.
    static func whenDone(_ work: WorkInHand) -> String {
        let file = "--file '\(work.path.replacing("'", with: "'\\''"))'"
        return """
            After each step of \(line(work.operation)): reveille run step \(file)
            When all of it is done: reveille run done \(file)
            If it can't be done: reveille run fail \(file) REASON
            """
    }

    static func line(_ text: String) -> String { cut(text.split { $0.isNewline }.joined(separator: " "), lineCharacters) }

    private static func shown(_ lines: [String], _ count: Int) -> String {
        let left = lines.count - count
        return lines.suffix(count).map(line).joined(separator: "\n") + (left > 0 ? "\n(\(left) older in the file)" : "")
    }

    private static func cut(_ text: String, _ count: Int) -> String { text.count > count ? text.prefix(count - 1) + "…" : text }

    private static func age(_ work: WorkInHand, at now: Moment) -> String {
        let age = Duration.milliseconds(max(0, now.wallMilliseconds - work.progressedAt))
        return age < .seconds(1) ? "" : ", last progress \(NoticeText.span(age)) ago"
    }
}

extension String {
    /// The core imports nothing, so not even this is there.
    fileprivate func replacing(_ part: Character, with other: String) -> String {
        reduce(into: "") { $0 += $1 == part ? other : String($1) }
    }
}
