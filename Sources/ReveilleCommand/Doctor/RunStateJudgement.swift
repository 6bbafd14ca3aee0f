import WakeCore
import WakeService

/// Whether an operation was left in the middle. Pure.
enum RunStateJudgement {
    /// A run state: the checkpoint file of an operation, `infra/runstate.json` in a gateway's workspace.
    struct File: Hashable {
        var path: String
        /// Its document, or why there is none.
        var document: Result<JSONValue, Unreadable>
        /// How long ago it was last written.
        var age: Duration
    }

    /// Why a file gives no document.
    struct Unreadable: Error, Hashable {
        var reason: String
        /// Whether it is the file's own fault, and not a matter of permissions.
        var isBroken: Bool
    }

    /// What is left pending for longer than that is stale.
    static let stale: Duration = .seconds(86_400)

    static func finding(_ file: File) -> Finding {
        switch file.document {
        case .failure(let why) where !why.isBroken:
            return .unknown(
                "runstate-unknown", file.path, "the run state could not be read", reason: why.reason,
                fix: "Run 'reveille doctor' as the gateway's user.")
        case .failure(let why):
            return Finding(
                .warning, "runstate-broken", file.path, "the run state can't be understood", evidence: why.reason,
                meaning:
                    "The agent that wrote it can't go on where it stopped: the operation is lost, or done again from its start.",
                fix: "Look at the file; if its operation is over, move it away: mv '\(file.path)' '\(file.path).broken'")
        case .success(let document): return judged(document, file)
        }
    }

    private static func judged(_ document: JSONValue, _ file: File) -> Finding {
        let operation = document["opId"]?.string ?? "without an id"
        guard isPending(document["pending"]), file.age > stale else {
            return .ok("runstate-ok", file.path, "no operation was left in the middle")
        }
        let next = document["nextStep"]?.string.map { "; its next step: \($0)" } ?? ""
        return Finding(
            .warning, "runstate-stale", file.path, "an operation was left in the middle more than a day ago",
            evidence: "operation \(operation) is pending, last written \(NoticeText.span(file.age)) ago\(next)",
            meaning: "An agent that reads it goes on with something that nobody waits for any more.",
            fix:
                "If it is to go on: reveille wake now --session … --note \"go on with \(operation)\". If not, tell the agent to close it, or "
                + "move the file away.")
    }

    /// `true`, a step's name, or a list that is not empty.
    private static func isPending(_ value: JSONValue?) -> Bool {
        switch value {
        case .bool(let flag)?: flag
        case .string(let text)?: !text.isEmpty
        case .array(let steps)?: !steps.isEmpty
        case .object(let object)?: !object.members.isEmpty
        default: false
        }
    }
}
