import OpenClawFacts
import WakeCore
import WakeService

/// Whether what people write reaches the sessions of a gateway. Pure.
///
/// The gate looks at inbound messages alone, and drops in silence: the wake arrives, and whoever answers it is not heard.
struct GateJudgement {
    /// Where a session lives in Discord.
    struct Place: Hashable {
        /// The gateway's account.
        var account = "default"
        /// The channel or thread.
        var channel: String
        /// Its guild; nil where nobody could tell.
        var guild: String?
        /// The channel that it is a thread of.
        var parent: String?
    }

    /// The gateway's name in our configuration.
    var gateway: String
    /// Its configuration file.
    var file: String
    /// Its version, where it is known.
    var version: GatewayVersion?

    static let meaning =
        "The bot can write there and hears nothing: the wake arrives, and every answer to it is dropped without a word. Recovery looks "
        + "broken although it works."

    /// Everything that is wrong, or that nothing is.
    ///
    /// - Parameters:
    ///   - configuration: the gateway's, resolved.
    ///   - accounts: its Discord accounts that are switched on.
    ///   - places: where sessions live.
    /// - Returns: the findings, account by account.
    func findings(_ configuration: JSONValue, accounts: [String], places: [Place]) -> [Finding] {
        var findings: [Finding] = []
        for account in accounts {
            let gate = DiscordGate(configuration, account: account, version: version)
            let mine = Set(places.filter { $0.account == account }).sorted { $0.channel < $1.channel }
            if let whole = whole(gate) {
                findings.append(whole)
            } else {
                let drops = mine.compactMap { drop(gate, $0) }
                findings += drops.isEmpty ? [open(gate, mine.count)] : drops
            }
        }
        return findings
    }

    /// What shuts every place at once.
    private func whole(_ gate: DiscordGate) -> Finding? {
        let isEmpty = gate.guilds?.members.isEmpty ?? true
        if gate.groupPolicy == .disabled { return finding("gate-servers-off", gate, gate.wouldDrop(Self.somewhere)) }
        guard gate.groupPolicy == .allowlist, isEmpty else { return nil }
        guard gate.hidesGuilds else { return finding("gate-no-guilds", gate, gate.wouldDrop(Self.somewhere)) }
        return Finding(
            .error, "gate-guilds-hidden", subject(gate),
            "the account's own empty guilds replace those that would let messages in",
            evidence: "\(file): channels.discord.accounts.\(gate.account).guilds is empty, channels.discord.guilds is not",
            meaning: Self.meaning,
            fix: "Remove channels.discord.accounts.\(gate.account).guilds, then restart the gateway, and before that: "
                + "reveille sentinel write --target gateway:\(gateway) --session … --note …")
    }

    /// A guild that no configuration lists.
    private static let somewhere = DiscordInbound.Place(guild: "GUILD", channel: "CHANNEL")

    private func drop(_ gate: DiscordGate, _ place: Place) -> Finding? {
        if let guild = place.guild {
            let drop = gate.wouldDrop(.init(guild: guild, channel: place.channel, parent: place.parent))
            return drop.flatMap { finding("gate-\($0.code)", gate, $0, place) }
        }
        // Nobody could say which guild it is in: only what every listed guild would drop is told, and as a suspicion, since it may be a
        // thread of a listed channel.
        let guilds = gate.guilds?.members.map(\.key) ?? []
        let drops = guilds.map { gate.wouldDrop(.init(guild: $0, channel: place.channel, parent: place.parent)) }
        guard !drops.isEmpty, drops.allSatisfy({ $0 != nil }), let drop = drops.first ?? nil else { return nil }
        return finding("gate-\(drop.code)", gate, drop, place, .warning)
    }

    private func finding(
        _ code: String, _ gate: DiscordGate, _ drop: DiscordDrop?, _ place: Place? = nil, _ severity: Finding.Severity = .error
    ) -> Finding? {
        guard let drop else { return nil }
        let whose = place.map { "messages in channel \($0.channel)" } ?? "all messages on servers"
        let doubt = severity == .warning ? " (unless it is a thread of a listed channel: that could not be looked up)" : ""
        return Finding(
            severity, code, subject(gate), "the gateway drops \(whose)\(doubt)", evidence: "\(file): \(drop)",
            meaning: Self.meaning, fix: "\(drop.path): \(drop.fix)")
    }

    private func open(_ gate: DiscordGate, _ count: Int) -> Finding {
        .ok(
            "gate-ok", subject(gate), "what people write reaches the agents",
            evidence: "group policy \(gate.groupPolicy.rawValue); \(count) places of sessions were tried")
    }

    private func subject(_ gate: DiscordGate) -> String { "gateway:\(gateway)/discord:\(gate.account)" }
}
