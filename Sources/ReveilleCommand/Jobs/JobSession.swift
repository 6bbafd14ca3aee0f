import OpenClawFacts
import ReveilleConfiguration
import WakeCore

/// Which session a job wakes: a key, or one of the words `main`, `isolated` and `current`.
struct JobSession {
    /// The session's key; where each run has one of its own, what those begin with.
    let key: SessionKey
    /// Whether each run has one of its own.
    let isIsolated: Bool

    /// Finds it.
    ///
    /// - Parameters:
    ///   - words: a key, `main`, `isolated` or `current`; nil: `current`.
    ///   - agent: whose session; nil: the agent that asks, or the only one that is configured.
    ///   - job: the job's id, which the keys of isolated runs bear.
    ///   - configuration: the agents that there are.
    ///   - variables: the environment of whoever asks.
    /// - Throws: ``Complaint`` for a key that is none, and where nothing names an agent or a session.
    init(
        _ words: String?, agent: String?, job: JobID, _ configuration: Configuration, variables: [String: String] = [:]
    ) throws {
        isIsolated = words == "isolated"
        switch words {
        case "main", "isolated":
            let agent = try agent ?? Self.agent(configuration, variables)
            key = try Self.read("agent:\(agent):" + (isIsolated ? "cron:\(job)" : "main"))
        case nil, "current":
            guard let named = try Self.current(variables) else {
                throw Complaint(
                    .usage, words == nil ? "no session is named" : "nothing here says which session is the current one",
                    hint: "Give --session with a key, main or isolated, or set REVEILLE_SESSION. 'reveille sessions' lists keys.")
            }
            key = named
        case let text?: key = try Self.read(text)
        }
        if let agent, let own = key.agent, agent.lowercased() != own {
            throw Complaint(
                .usage, "the session \(key) is not one of the agent \(agent)", hint: "Leave --agent out, or name another session."
            )
        }
    }

    private static func read(_ text: String) throws -> SessionKey {
        do { return try SessionKey(text) } catch { throw Complaint(.usage, error.description, hint: error.hint) }
    }

    private static func current(_ variables: [String: String]) throws -> SessionKey? {
        do { return try SessionEnvironment.environmentKey(from: variables)?.key } catch {
            throw Complaint(.usage, error.description, hint: error.hint)
        }
    }

    private static func agent(_ configuration: Configuration, _ variables: [String: String]) throws -> String {
        if let agent = try current(variables)?.agent { return agent }
        let known = configuration.agents.keys.sorted()
        if known.count == 1 { return known[0] }
        throw Complaint(
            .usage, "no agent is named",
            hint: "Give --agent" + (known.isEmpty ? "." : ": \(known.joined(separator: ", ")) are configured."))
    }
}
