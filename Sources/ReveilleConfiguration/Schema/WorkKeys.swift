internal import WakeCore

extension KeyTable {
    /// The keys of work that goes on after a wake: run states, their leases, and what is said.
    static let work: [KeyDescriptor] = [
        KeyDescriptor(
            "runStates.files", .list(.paths), default: .found("`~/.openclaw/workspace/infra/runstate.json`"),
            change: .daemonRestart,
            "The run states that are looked after; in the last part of a path `*` stands for any text. Those begun elsewhere come by themselves."
        ),
        KeyDescriptor(
            "lease.length", .duration(.minutes(1)...(.days(7))), default: .text("10min"), change: .daemonRestart,
            "How long a pending run state may stand still, since its last progress or the last wake for it."),
        KeyDescriptor(
            "lease.wakes", .integer(0...100), default: .text("5"), change: .daemonRestart,
            "How often its session is woken for it without any progress in between; then people are told, and nothing more is done."
        ),
        KeyDescriptor(
            "lease.longest", .duration(.minutes(1)...(.days(7))), default: .text("2h"), change: .daemonRestart,
            "The longest wait between two of these wakes; each is twice the one before."),
        KeyDescriptor(
            "lease.stale", .duration(.hours(1)...(.days(365))), default: .text("7d"), change: .daemonRestart,
            "What has stood still for longer when it is first seen is left alone, and told."),
        KeyDescriptor(
            "lease.quietHours", .quietHours, default: .none, change: .daemonRestart,
            "When nobody is woken for what stands still, in the machine's own time zone, such as `22:00-07:00`."),
        KeyDescriptor(
            "texts.notice", .template(NoticeText.fields), default: .found("`\(escaped(NoticeText.standardText))`"),
            change: .daemonRestart,
            "What people see. Fields: \(listed(NoticeText.fields)). A line whose fields are all empty is left out; `{{` is a brace."
        ),
        KeyDescriptor(
            "texts.turn", .template(TurnText.fields),
            default: .found("why, notes, work, missed messages, and what to call when done"),
            change: .daemonRestart, "What the agent reads. Fields: \(listed(TurnText.fields))."),
    ]

    private static func listed(_ fields: Set<String>) -> String { fields.sorted().map { "`{\($0)}`" }.joined(separator: " ") }
    private static func escaped(_ text: String) -> String { text.split(separator: "\n").joined(separator: "\\n") }
}
