import RunStates
import WakeCore
import WakeService

/// Whether an operation was left in the middle. Pure.
enum RunStateJudgement {
    /// A run state: the checkpoint file of an operation.
    struct File: Hashable {
        var path: String
        /// What it says, or why that can't be told.
        var state: Result<RunState, RunStateError>
        /// How long ago it was last written.
        var age: Duration
    }

    /// What is left pending for longer than that is stale.
    static let stale: Duration = .seconds(86_400)

    static func finding(_ file: File) -> Finding {
        switch file.state {
        case .failure(let error) where error.code == .unavailable:
            return .unknown(
                "runstate-unknown", file.path, "the run state could not be read", reason: error.message, fix: error.hint)
        case .failure(let error):
            return Finding(
                .warning, "runstate-broken", file.path, "the run state can't be understood", evidence: error.message,
                meaning:
                    "The agent that wrote it can't go on where it stopped: the operation is lost, or done again from its start.",
                fix: "\(error.hint) If its operation is over, move it away: mv '\(file.path)' '\(file.path).broken'")
        case .success(let state): return judged(state, file)
        }
    }

    private static func judged(_ state: RunState, _ file: File) -> Finding {
        guard state.isPending, file.age > stale else {
            return .ok("runstate-ok", file.path, "no operation was left in the middle")
        }
        let step = state.nextStep - 1
        let next = state.plan.indices.contains(step) ? "; its next step: \(state.plan[step])" : ""
        return Finding(
            .warning, "runstate-stale", file.path, "an operation was left in the middle more than a day ago",
            evidence: "operation \(state.operation) is pending, last written \(NoticeText.span(file.age)) ago\(next)",
            meaning: "An agent that reads it goes on with something that nobody waits for any more.",
            fix:
                "If it is to go on: reveille wake now --session \(state.session?.description ?? "…") --note \"go on with "
                + "\(state.operation)\". If not: reveille run fail --file '\(file.path)' \"nobody waits for it\"")
    }
}
