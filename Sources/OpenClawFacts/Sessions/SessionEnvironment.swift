public import WakeCore

/// What the environment of a command tells of the agent that runs it.
///
/// Gateways set these for what their agents run:
///
/// | variable | by whom | what it says |
/// | --- | --- | --- |
/// | `OPENCLAW_SHELL=exec` | the exec tool | an agent's command; `tui-local`, `acp` and `acp-client` are others |
/// | `OPENCLAW_CLI=1` | the exec tool and the command line | something of the gateway's |
/// | `OPENCLAW_MCP_SESSION_KEY` | agents that are command lines of their own (Claude Code and others) | the session's key |
/// | `OPENCLAW_MCP_AGENT_ID`, `OPENCLAW_MCP_ACCOUNT_ID` | the same | the agent, and the account it is spoken to by |
/// | `OPENCLAW_MCP_MESSAGE_CHANNEL`, `OPENCLAW_MCP_THREAD_ID` | the same | the transport, and the thread in it |
/// | `OPENCLAW_SESSION_KEY` | no released gateway that is known; proposed more than once (openclaw issue #66705) | the key |
///
/// The exec tool names no session, so that there an agent must name it: as an argument, or in
/// `REVEILLE_SESSION`, which counts before all others. Variables without a value count as not set.
public enum SessionEnvironment {
    /// The variables that can name the session, in the order in which they are believed.
    public static let keyVariables = ["REVEILLE_SESSION", "OPENCLAW_SESSION_KEY", "OPENCLAW_MCP_SESSION_KEY"]

    /// A session's key, and the variable that named it.
    public struct NamedKey: Hashable, Sendable {
        /// The variable.
        public let variable: String
        /// The key.
        public let key: SessionKey
    }

    /// A variable whose value is no session's key.
    public struct BadKey: Error, Hashable, Sendable, CustomStringConvertible {
        /// The variable.
        public let variable: String
        /// What is wrong with its value.
        public let cause: SessionKeyError
        /// For people.
        public var description: String { "\(variable): \(cause)" }
        /// What to do next.
        public var hint: String { "Set \(variable) to the key as the gateway lists it, or unset it. " + cause.hint }
    }

    /// The session that a command is run for.
    ///
    /// - Parameter environment: the variables of the command.
    /// - Returns: nil if none names it.
    /// - Throws: ``BadKey`` if the first variable that has a value holds no key; no other is then believed in its place.
    public static func environmentKey(from environment: [String: String]) throws(BadKey) -> NamedKey? {
        for variable in keyVariables {
            guard let text = environment[variable]?.trimmed.nonEmpty else { continue }
            do { return NamedKey(variable: variable, key: try SessionKey(text)) } catch {
                throw BadKey(variable: variable, cause: error)
            }
        }
        return nil
    }

    /// Whether a gateway's agent runs the command, as far as its environment tells.
    public static func isAgentCommand(_ environment: [String: String]) -> Bool {
        environment["OPENCLAW_SHELL"] == "exec" || environment["OPENCLAW_MCP_SESSION_KEY"]?.trimmed.nonEmpty != nil
    }

    /// Where the agent is spoken to, as far as its environment tells.
    public static func delivery(from environment: [String: String]) -> DeliveryContext {
        func value(_ names: String...) -> String? { names.lazy.compactMap { environment[$0]?.trimmed.nonEmpty }.first }
        return DeliveryContext(
            transport: value("OPENCLAW_MCP_MESSAGE_CHANNEL")?.lowercased(),
            target: value("OPENCLAW_MCP_MESSAGE_TO", "OPENCLAW_MCP_TO"), account: value("OPENCLAW_MCP_ACCOUNT_ID"),
            thread: value("OPENCLAW_MCP_THREAD_ID"))
    }
}
