import DiscordProtocol
public import WakeCore
public import WakeService

/// What is wrong with a bot account. Pure.
public struct DiscordJudgement: Sendable {
    /// The account.
    public var channel: ChannelName
    /// Where its token comes from, in words: `the token file /…`.
    public var tokenOrigin: String

    /// Below this part of the day's identifies they are few.
    static let fewPart = 10

    /// Makes a judgement of one account.
    public init(channel: ChannelName, tokenOrigin: String) {
        self.channel = channel
        self.tokenOrigin = tokenOrigin
    }

    /// Everything that is wrong, or that nothing is.
    public func findings(_ facts: DiscordFacts) -> [Finding] {
        switch facts.witness {
        case .refused(let reason): return [rejected(reason)]
        case .unknown(let reason):
            return [
                .unknown(
                    "discord-unreachable", subject, "Discord could not be asked about \(channel)", reason: reason,
                    fix:
                        "Look whether this machine reaches Discord (curl -I https://discord.com/api/v10/gateway), then ask again."
                )
            ]
        case .works(let account):
            let faults = (facts.starts.flatMap(identifies).map { [$0] } ?? []) + facts.places.compactMap(place)
            let ok = Finding.ok("discord-ok", subject, "Discord takes the token", evidence: "it is the bot \(account)")
            return faults.contains { $0.severity >= .unknown } ? faults : [ok] + faults
        }
    }

    /// What is wrong with a token that can't be read.
    ///
    /// - Parameters:
    ///   - reason: what is the matter.
    ///   - fix: what to do.
    /// - Returns: the finding.
    public func tokenMissing(reason: String, fix: String) -> Finding {
        Finding(
            .error, "discord-token-missing", subject, "there is no token for \(channel)", evidence: reason,
            meaning: "Nothing can be sent over it, so that nobody there is woken.", fix: fix)
    }

    private var subject: String { channel.description }

    private func rejected(_ reason: String) -> Finding {
        Finding(
            .error, "discord-token-rejected", subject, "Discord rejects the token",
            evidence: "\(reason); it is from \(tokenOrigin)",
            meaning:
                "The bot can neither send nor hear. Discord resets a token when it finds it published, or when a bot identifies "
                + "too often.",
            fix:
                "Reset the token in the Discord developer portal (Bot → Reset Token), put the new one into \(tokenOrigin), and restart "
                + "whoever uses it.")
    }

    private func identifies(_ starts: GatewayBot) -> Finding? {
        let budget = IdentifyBudget(
            total: starts.total, remaining: starts.remaining, resetAfterMilliseconds: starts.resetAfterMilliseconds, now: .zero)
        let isSpent = budget.remaining <= budget.reserve
        guard isSpent || starts.remaining < starts.total / Self.fewPart else { return nil }
        return Finding(
            isSpent ? .error : .warning, "discord-identifies-low", subject,
            isSpent ? "the bot may not connect any more today" : "the bot may connect only a few more times today",
            evidence: "\(starts.remaining) of \(starts.total) session starts are left; full again in "
                + NoticeText.span(.milliseconds(starts.resetAfterMilliseconds)),
            meaning:
                "Something connects again and again, such as a gateway in a loop of restarts. When none are left, Discord ends "
                + "every session of the bot and resets its token.",
            fix:
                "Stop what connects so often ('journalctl --user -u openclaw-gateway' shows a gateway's starts), and wait until the "
                + "allowance is full again.")
    }

    private func place(_ place: DiscordFacts.Place) -> Finding? {
        let route = place.route.description
        switch place.state {
        case .blocked(let reason):
            return Finding(
                .error, "discord-no-permission", route, "the bot can't write there", evidence: reason,
                meaning: "Wakes for that place are held until somebody lets the bot in.",
                fix:
                    "In the channel's settings, under Permissions, give the bot's role View Channel, Send Messages (in threads: Send "
                    + "Messages in Threads) and Read Message History; an archived and locked thread must be unlocked.")
        case .gone(let reason):
            return Finding(
                .error, "discord-place-gone", route, "there is no such place", evidence: reason,
                meaning: "A wake for it can't arrive, and ends as dead.",
                fix: "Correct the place: sessions.PATTERN.route or routes.fallback in reveille.json5, or the session's key.")
        case .unknown:
            return .unknown(
                "discord-place-unknown", route, "the place could not be looked at", reason: "Discord gave no answer that tells",
                fix: "Ask again in a minute.")
        case .ready(let may) where !may.mayReadHistory:
            return .note(
                "discord-no-history", route, "the bot is not known to be allowed to read the history there",
                meaning: "When a send is cut off, nobody can prove whether the message arrived; such a wake may stay unresolved.",
                fix: "Give the bot's role Read Message History there.")
        case .ready: return nil
        }
    }
}

/// Looks at a bot account.
public struct DiscordDoctor: DoctorCheck {
    /// The account.
    public var name: String { judgement.channel.description }
    private let judgement: DiscordJudgement
    private let look: @Sendable () async -> DiscordFacts

    /// Makes a check.
    ///
    /// - Parameters:
    ///   - judgement: which account.
    ///   - look: what Discord tells, see ``DiscordReader/look(at:)``.
    public init(_ judgement: DiscordJudgement, look: @escaping @Sendable () async -> DiscordFacts) {
        self.judgement = judgement
        self.look = look
    }

    /// See ``WakeService/DoctorCheck``.
    public func examine() async -> [Finding] { judgement.findings(await look()) }
}
