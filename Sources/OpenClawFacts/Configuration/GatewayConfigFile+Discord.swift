import ReveilleConfiguration
import WakeCore

/// One Discord account of a gateway's configuration.
public struct GatewayDiscordAccount: Sendable {
    /// The account's id, such as `default`.
    public let id: String
    /// The name that a person gave it.
    public let name: String?
    /// Whether it is switched on, the whole of Discord included.
    public let isEnabled: Bool
    /// The bot's token, without the word `Bot` before it.
    public let token: GatewaySecret
}

extension GatewayConfigFile {
    /// The Discord accounts, by id.
    ///
    /// `channels.discord.accounts` names them. The account `default` is there too if none is named, or if a token stands above
    /// the accounts or in `DISCORD_BOT_TOKEN`: both belong to it alone. Without any of these there are no accounts.
    public var discordAccounts: [GatewayDiscordAccount] {
        let named = Set((discord?["accounts"]?.object?.members ?? []).map(\.key).filter { !$0.isEmpty })
        var ids = named
        if isDefaultAccountImplied(named) { ids.insert("default") }
        return ids.sorted().map { id in
            let account = discord?["accounts"]?[id]
            return GatewayDiscordAccount(
                id: id, name: account?["name"]?.word ?? (named.isEmpty ? discord?["name"]?.word : nil),
                isEnabled: discord?["enabled"]?.bool != false && account?["enabled"]?.bool != false,
                token: discordToken(of: id))
        }
    }

    private var discord: JSONValue? { value["channels"]?["discord"] }

    private func isDefaultAccountImplied(_ named: Set<String>) -> Bool {
        let hasToken =
            secret(at: ["channels", "discord", "token"]).isSet || environment["DISCORD_BOT_TOKEN"]?.trimmed.nonEmpty != nil
        return hasToken || named.isEmpty && discord?.object != nil
    }

    /// The account's own token; for `default` also the one above the accounts, and the variable. A token that is set and empty
    /// hides both.
    private func discordToken(of id: String) -> GatewaySecret {
        let own = secret(at: ["channels", "discord", "accounts", id, "token"])
        if own.isSet || discord?["accounts"]?[id]?["token"] != nil { return Self.withoutWord(own) }
        guard id == "default" else { return .missing }
        let above = secret(at: ["channels", "discord", "token"])
        if above.isSet { return Self.withoutWord(above) }
        return environment["DISCORD_BOT_TOKEN"]?.trimmed.nonEmpty.map { Self.withoutWord(.value(Secret($0))) } ?? .missing
    }

    private static func withoutWord(_ secret: GatewaySecret) -> GatewaySecret {
        guard case .value(let token) = secret, token.reveal().lowercased().hasPrefix("bot ") else { return secret }
        return .value(Secret(token.reveal().dropFirst(4).trimmed))
    }
}
