public import WakeCore

/// An agent of the configuration.
public struct AgentSettings: Sendable {
    /// Its id, as in session keys.
    public let id: String
    /// What is run for each of its turns; empty where it is no command.
    public let run: [String]
    /// Whether it reads what it is told in a file, and not on standard input.
    public let readsFile: Bool
    /// The folder it runs in; nil: the home directory.
    public let directory: String?
    /// What is added to its environment.
    public let environment: [String: String]
    /// How long a turn may take; default 1 h.
    public let timeLimit: Duration
    /// How much of what a turn prints is kept, in bytes; default 1 MiB.
    public let outputBytes: Int
    /// How many of its turns may run at once; default 1.
    public let concurrency: Int
    /// When it is asked for something to do; nil: never.
    public let heartbeat: Policy.Heartbeat?

    init(_ id: String, _ values: SettingValues) {
        func key(_ name: String) -> String { "agents.\(id).\(name)" }
        self.id = id
        run = values.optionalTexts(key("run"))
        readsFile = values.text(key("input")) == "file"
        directory = values.optionalText(key("directory"))
        let pairs = values.optionalTexts(key("environment")).map {
            $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        }
        environment = Dictionary(pairs.map { (String($0[0]), String($0[1])) }, uniquingKeysWith: { $1 })
        timeLimit = values.duration(key("timeLimit"))
        outputBytes = values.integer(key("outputKiB")) << 10
        concurrency = values.integer(key("concurrency"))
        let text = values.optionalText(key("heartbeat.session")) ?? "agent:\(id):main"
        if case .duration(let every)? = values.value(key("heartbeat.every")), let session = try? SessionKey(text) {
            heartbeat = Policy.Heartbeat(
                every: every, prompt: values.optionalText(key("heartbeat.prompt")) ?? Policy.Heartbeat.standardPrompt,
                session: session,
                route: values.optionalText(key("heartbeat.target")).flatMap { Route($0) },
                condition: values.word(key("heartbeat.when")), isLight: values.flag(key("heartbeat.lightContext")))
        } else {
            heartbeat = nil
        }
    }
}

extension ResolvedSettings {
    /// The agents by id.
    var agents: [String: AgentSettings] {
        let ids = Set(settings.filter { $0.path.components.first == "agents" }.map { $0.path.components[1] })
        return Dictionary(uniqueKeysWithValues: ids.map { ($0, AgentSettings($0, values)) })
    }
}
