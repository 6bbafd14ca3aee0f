import OpenClawFacts
import WakeCore
import WakeService

/// Whether what a gateway says of a channel agrees with what Discord says. Pure.
struct WitnessJudgement {
    /// The channel, as `gateway:main/discord:default`.
    var channel: ChannelName

    /// What contradicts; nothing where both agree, or one of them says nothing.
    func findings(_ account: ChannelAccount?, _ witness: ChannelWitness) -> [Finding] {
        guard let account, account.isEnabled != false else { return [] }
        switch (account.verdict, witness) {
        case (.ready, .refused(let reason)): return [deaf(reason)]
        case (.notReady(let reason), .works(let bot)): return [stuck(reason, bot)]
        case (.ready, .works):
            return [.ok("witness-ok", channel.description, "the gateway and Discord agree that the channel works")]
        default: return []
        }
    }

    private func deaf(_ reason: String) -> Finding {
        Finding(
            .error, "status-contradicts-rest", channel.description,
            "the gateway says that the channel is connected, and Discord rejects its token",
            evidence: "channels.status: running and connected; Discord: \(reason)",
            meaning: "What the gateway says of this channel can't be relied on: nothing will arrive over it.",
            fix: "Give the gateway the bot's present token (channels.discord.token), and restart it.")
    }

    private func stuck(_ reason: String, _ bot: String) -> Finding {
        let gateway = channel.gateway ?? ""
        return Finding(
            .warning, "status-contradicts-rest", channel.description,
            "Discord takes the bot's token, and the gateway says that the channel can't be talked through",
            evidence: "channels.status: \(reason); Discord: works, as the bot \(bot)",
            meaning:
                "Messages could be posted, and what people write is not heard. Some versions of the gateway stay so for ever after a "
                + "restart (openclaw issue #75251).",
            fix: "If it does not pass within two minutes, restart the channel (channels.start), or the gateway, and before that: "
                + "reveille sentinel write --target gateway:\(gateway) --session … --note …")
    }
}
