import Foundation
import ReveilleConfiguration
import WakeCore
import WakeService

/// Where the configuration comes from, as a command line names it.
struct ConfigurationSources: Hashable {
    var config: String?
    var overrides: [String] = []
    var ledger: String?

    /// Variables that begin with REVEILLE_ and are no keys.
    static let otherVariables: Set<String> = [
        // Hooks may call us.
        "REVEILLE_HOOK", "REVEILLE_NOTE", "REVEILLE_SENTINEL", "REVEILLE_TARGET", "REVEILLE_WAKE",
        "REVEILLE_BOOT_ID", "REVEILLE_CONTROL_SOCKET", "REVEILLE_CONTROL_TOKEN", "REVEILLE_INSTANCE", "REVEILLE_NOTIFY_SOCKET",
        "REVEILLE_RUN_STATE", "REVEILLE_SESSION",
        // What a turn that is a command finds in its environment.
        "REVEILLE_AGENT", "REVEILLE_IDEMPOTENCY_KEY", "REVEILLE_ROUTE", "REVEILLE_TURN_FOLDER", "REVEILLE_WAKE_ID",
    ]

    func load(in surroundings: Surroundings) throws -> Configuration { try loader(in: surroundings).load() }

    func loader(in surroundings: Surroundings) throws -> ConfigurationLoader {
        var list = try overrides.map { try ConfigurationOverride(parsing: $0) }
        if let ledger { list.append(ConfigurationOverride(path: "ledger.directory", value: ledger, flag: "--ledger")) }
        return ConfigurationLoader(
            surroundings: surroundings, file: config, overrides: list, otherVariables: Self.otherVariables)
    }
}

/// What a sentinel is made from, as a command line names it.
struct RequestWish: Hashable {
    var session: String
    var note: String
    var route: String?

    /// Reads and checks everything at once; nothing is written before all of it is good.
    func request(
        target: RestartTarget, command: RestartRequest.Command? = nil, epoch: Epoch? = nil, delay: Duration, performedByUs: Bool,
        configuration: Configuration, moments: any MomentSource
    ) throws -> RestartRequest {
        let key = try sessionKey()
        var dice = SystemDice().roll()
        let route = try route(for: key, at: target.gateway, configuration)
        let request = RestartRequest(
            id: dice.identifier(), session: key, route: route, note: try noteText(), target: target, command: command,
            delay: delay, performedByUs: performedByUs, epoch: epoch,
            // Through a gateway the agent can be given its turn; elsewhere the message is all there is.
            owes: route?.channel.gateway == nil ? [.notice] : [.notice, .turn],
            requester: RestartRequest.Requester(uid: getuid(), pid: getppid()), requestedAt: moments.now())
        try SentinelWriter.check(request)
        try checkChannel(request, configuration)
        return request
    }

    private func sessionKey() throws -> SessionKey {
        do { return try SessionKey(session) } catch { throw Complaint(.usage, error.description, hint: error.hint) }
    }

    private func route(for key: SessionKey, at gateway: String?, _ configuration: Configuration) throws -> Route? {
        if let route {
            guard let parsed = Route(route) else {
                throw Complaint(
                    .usage, "'\(route)' is no route",
                    hint: "Write CHANNEL/channel:ID or CHANNEL/user:ID, e.g. discord:default/channel:1234567890.")
            }
            return parsed
        }
        return configuration.place(of: key, at: gateway)
    }

    private func checkChannel(_ request: RestartRequest, _ configuration: Configuration) throws {
        guard let route = request.route ?? request.session.route else { return }
        if let gateway = request.target.gateway ?? route.channel.gateway, configuration.gateways[gateway] == nil {
            throw Complaint(
                .usage, "there is no gateway '\(gateway)' here",
                hint: configuration.gateways.isEmpty
                    ? "Configure it under gateways.\(gateway); see docs/CONFIGURATION.md."
                    : "Known gateways: \(configuration.gateways.keys.sorted().joined(separator: ", ")).")
        }
        if route.channel.gateway != nil { return }
        let known = configuration.discordAccounts.values.map { $0.channel }.sorted()
        guard !known.contains(route.channel) else { return }
        throw Complaint(
            .usage, "nothing here serves the channel '\(route.channel)'",
            hint: known.isEmpty
                ? "Configure an account under discord.accounts, with its token in a file of its own; see docs/CONFIGURATION.md."
                : "Known channels: \(known.map(\.description).joined(separator: ", ")). Name one with --to, or configure the account."
        )
    }

    private func noteText() throws -> String {
        guard note == "-" else { return try Self.wellFormed(Array(note.utf8)) }
        // A newline at the end is the shell's, and not counted.
        let data = try FileHandle.standardInput.read(upToCount: Limits.noteBytes + 2) ?? Data()
        guard data.count <= Limits.noteBytes + 1 else {
            throw Complaint(
                .usage, "the text on standard input is longer than \(Limits.noteBytes) bytes; nothing was written",
                hint: "Put it into a file that the agent can read, and give its path.")
        }
        var text = try Self.wellFormed(Array(data))
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    private static func wellFormed(_ bytes: [UInt8]) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains("\u{FFFD}") else {
            throw Complaint(
                .usage, "the note is not valid UTF-8 (an unpaired surrogate, or bytes of another encoding)",
                hint: "Give the note as UTF-8; with --note - it is read from standard input.")
        }
        guard !text.unicodeScalars.contains("\u{0}") else {
            throw Complaint(.usage, "the note holds a zero byte", hint: "Take it out; a note is text.")
        }
        return text
    }
}
