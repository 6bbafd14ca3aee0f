internal import WakeCore

extension KeyTable {
    /// The keys of agents that are commands: `agents.<agent>.…`.
    static let agents: [KeyDescriptor] = [
        key(
            "run", .list(.arguments), default: .none,
            "What is run for each turn: program and arguments, no shell. An argument may be `{sessionKey}`, `{agent}`, `{wake}`, `{channel}`, `{to}`, `{textFile}` or `{text}`. Without it the agent is no command."
        ),
        key(
            "input", .choice(["stdin", "file"]), default: .text("stdin"),
            "Where it reads what it is told: on standard input, or in the file that `{textFile}` names."),
        key("directory", .path, default: .found("the home directory"), "The folder it runs in."),
        key(
            "environment", .list(.variables), default: .none,
            "What is added to its environment, as `NAME=VALUE`. What they are set to is never shown."),
        key("timeLimit", .duration(.seconds(1)...(.days(7))), default: .text("1h"), "How long a turn may take."),
        key("outputKiB", .integer(1...1_048_576), default: .text("1024"), "How much of what a turn prints is kept."),
        key(
            "concurrency", .integer(1...1_000), default: .text("1"),
            "How many of its turns may run at once; of one session always one."),
        key(
            "heartbeat.every", .duration(.minutes(1)...(.days(7))), default: .none,
            "How often it is asked for what `heartbeat.when` says. Without it, never."),
        key("heartbeat.prompt", .note, default: .found("look where your work stands, and go on"), "What it is asked."),
        key(
            "heartbeat.session", .session, default: .found("`agent:<agent>:main`"),
            "The session that is asked, where nothing else names one."),
        key("heartbeat.target", .route, default: .found("where the session is"), "Where that session is talked to."),
        key(
            "heartbeat.when", .choice(["pending-runs", "always", "never"]), default: .text("pending-runs"),
            "`pending-runs`: only while a run state of the agent is pending and its lease has run out, so that nobody is asked for nothing."
        ),
        key(
            "heartbeat.lightContext", .flag, default: .text("false"),
            "Whether the prompt is all that it is told: nothing of what is pending, nothing that people wrote meanwhile."),
    ]

    private static func key(
        _ name: String, _ kind: ValueKind, default fallback: KeyDescriptor.DefaultValue, _ meaning: String
    ) -> KeyDescriptor {
        KeyDescriptor("agents.\(agentLabel).\(name)", kind, default: fallback, change: .daemonRestart, meaning)
    }
}
