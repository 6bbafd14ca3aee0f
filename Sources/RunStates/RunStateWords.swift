public import WakeCore

/// A run state for people, and for a wake.
extension RunState {
    /// How far it is: `[######----] 3/5`; empty where there is no plan.
    public var bar: String {
        guard !plan.isEmpty else { return "" }
        let done = min(max(0, nextStep - 1), plan.count)
        let width = 20
        let filled = done * width / plan.count
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
            + "] \(done)/\(plan.count)"
    }

    /// The steps, each with its mark: done, next, or still to come.
    public var list: [String] {
        plan.enumerated().map { index, step in
            let mark = index + 1 < nextStep ? "x" : index + 1 == nextStep && isPending ? ">" : " "
            return "[\(mark)] \(step)"
        }
    }

    /// What is pending in it.
    ///
    /// - Parameters:
    ///   - path: its file.
    ///   - wallMilliseconds: when that was written last.
    /// - Returns: nil where nothing is pending, or nobody is named.
    public func work(path: String, writtenAt wallMilliseconds: Int64) -> WorkInHand? {
        guard isPending, let session else { return nil }
        let next = nextStep - 1
        return WorkInHand(
            operation: operation, path: path, session: session, route: route, goal: goal,
            steps: plan.enumerated().map { WorkInHand.Step(text: $1, isDone: $0 < next) },
            nextStep: plan.indices.contains(next) ? next : nil,
            notes: context.members.filter { $0.key != "sessionKey" && $0.key != "targetDiscord" }.flatMap(Self.lines),
            progress: Array(progressLog.suffix(10)), progressedAt: wallMilliseconds)
    }

    private static func lines(_ member: JSONObject.Member) -> [String] {
        let text = member.value.string ?? member.value.text
        let lines = text.split { $0.isNewline }
        return lines.count < 2 ? ["\(member.key): \(text)"] : ["\(member.key):"] + lines.map { "  \($0)" }
    }
}
