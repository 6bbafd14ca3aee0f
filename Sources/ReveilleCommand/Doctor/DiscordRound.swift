import DiscordTransport
import GatewayClient
import LedgerSQLite
import Logging
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// Everything that is looked at in Discord: our own bots, and those of the gateways as far as we may.
struct DiscordRound: Sendable {
    /// One bot.
    private struct Bot: Sendable {
        let channel: ChannelName
        let tokenOrigin: String
        let gateway: GatewayRound?
        let facts: Once<Result<DiscordFacts, GatewayRound.Want>>
    }

    private let rounds: DoctorRounds
    private let bots: [Bot]

    init(_ rounds: DoctorRounds) async {
        self.rounds = rounds
        var bots: [Bot] = []
        for account in rounds.configuration.discordAccounts.values.sorted(by: { $0.name < $1.name }) {
            let facts = Once { await Self.look(at: account, rounds) }
            bots.append(
                Bot(
                    channel: account.channel, tokenOrigin: account.tokenLocation.map(Self.words) ?? "nowhere", gateway: nil,
                    facts: facts))
        }
        for gateway in rounds.gateways {
            for account in await gateway.accounts {
                let origin = gateway.settings.botTokenFile.map { "the token file \($0)" } ?? "the gateway's configuration"
                bots.append(
                    Bot(
                        channel: gateway.channel(account.id), tokenOrigin: origin, gateway: gateway,
                        facts: Once { await Self.look(at: account.id, of: gateway, rounds) }))
            }
        }
        self.bots = bots
    }

    private static func words(_ location: TokenLocation) -> String {
        switch location {
        case .environment(let name): "the variable \(name)"
        case .file(let path): "the token file \(path)"
        case .credential(let path): "the credential \(path)"
        }
    }

    // MARK: Looking

    private static func look(
        at account: DiscordAccount, _ rounds: DoctorRounds
    ) async -> Result<DiscordFacts, GatewayRound.Want> {
        do {
            let settings = try DiscordSettings(account, in: rounds.surroundings)
            return .success(await look(settings, at: await rounds.routes(over: account.channel), rounds.moments))
        } catch let problem as ConfigurationProblem {
            return .failure(
                .init(reason: "\(problem)", fix: problem.hint ?? "Correct discord.accounts.\(account.name).tokenFile."))
        } catch {
            return .failure(.init(reason: Complaint(any: error).text, fix: "Correct discord.accounts.\(account.name).tokenFile."))
        }
    }

    private static func look(
        at account: String, of gateway: GatewayRound, _ rounds: DoctorRounds
    ) async -> Result<DiscordFacts, GatewayRound.Want> {
        switch await gateway.botToken(account, in: rounds.surroundings) {
        case .failure(let want): return .failure(want)
        case .success(let secret):
            let channel = gateway.channel(account)
            guard let token = BotToken(secret.reveal()),
                let settings = try? DiscordSettings(token: token, channel: channel, apiBase: "\(gateway.settings.discordAPIBase)")
            else {
                return .failure(.init(reason: "the token is not one line of visible characters", fix: "Correct it."))
            }
            return .success(await look(settings, at: await rounds.routes(over: channel), rounds.moments))
        }
    }

    /// Reads over REST alone: a session of ours would end the daemon's, or the gateway's.
    private static func look(_ settings: DiscordSettings, at routes: [Route], _ moments: any MomentSource) async -> DiscordFacts {
        let silent = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
        let reader = DiscordReader(settings: settings, moments: moments, logger: silent)
        let running = Task { await reader.run() }
        defer { running.cancel() }
        return await reader.look(at: routes)
    }

    // MARK: Judging

    func checks() -> [any DoctorCheck] {
        bots.map { bot in
            NamedCheck(bot.channel.description) {
                let judgement = DiscordJudgement(channel: bot.channel, tokenOrigin: bot.tokenOrigin)
                switch await bot.facts.value {
                case .success(let facts): return judgement.findings(facts) + (await contradictions(bot, facts))
                case .failure(let want) where bot.gateway == nil:
                    return [judgement.tokenMissing(reason: want.reason, fix: want.fix)]
                case .failure(let want):
                    return [
                        .unknown(
                            "discord-unknown", bot.channel.description, "Discord could not be asked about the gateway's bot",
                            reason: want.reason, fix: want.fix)
                    ]
                }
            }
        }
    }

    private func contradictions(_ bot: Bot, _ facts: DiscordFacts) async -> [Finding] {
        guard let status = await bot.gateway?.look.value.facts?.status else { return [] }
        return WitnessJudgement(channel: bot.channel)
            .findings(status.account(bot.channel.account, of: "discord"), facts.witness)
    }

    /// Whether the gateway hears what people write where its sessions live.
    func gate(of gateway: GatewayRound) async -> [Finding] {
        guard let file = await gateway.file.value.file else { return [] }
        let accounts = await gateway.accounts.map(\.id)
        var surroundings: [String: DiscordFacts.Place] = [:]
        for bot in bots {
            guard case .success(let facts) = await bot.facts.value else { continue }
            for place in facts.places where place.guild != nil { surroundings[place.route.destination] = place }
        }
        let places = await rounds.sessionRoutes(of: gateway).map { route in
            let own = route.channel.account
            return GateJudgement.Place(
                account: accounts.contains(own) ? own : accounts.first ?? own, channel: route.destination,
                guild: surroundings[route.destination]?.guild, parent: surroundings[route.destination]?.parent)
        }
        let judgement = GateJudgement(
            gateway: gateway.settings.name, file: file.file, version: await gateway.look.value.facts?.version)
        return judgement.findings(file.value, accounts: accounts, places: places)
    }

    /// Compares the tokens of all that open sessions. They are compared and not used, so that no leave is needed.
    func sharedTokens() async -> [Finding] {
        var holders: [TokenJudgement.Holder] = []
        for account in rounds.configuration.discordAccounts.values {
            guard let token = try? DiscordToken.load(for: account, in: rounds.surroundings) else { continue }
            let fix =
                "Take discord.accounts.\(account.name) out of reveille.json5, and let wakes go through the gateway; or make a bot of its "
                + "own for it in the Discord developer portal."
            holders.append(.init(name: account.channel.description, token: token, fix: fix))
        }
        for gateway in rounds.gateways {
            for account in await gateway.accounts {
                guard let token = account.token.secret else { continue }
                let fix = "Make a bot of its own for \(gateway.channel(account.id)) in the Discord developer portal."
                holders.append(.init(name: gateway.channel(account.id).description, token: token, fix: fix))
            }
        }
        return TokenJudgement.findings(holders)
    }
}

extension DoctorRounds {
    /// The places that the configuration, the ledger and the gateways' sessions name.
    private var allRoutes: [Route] {
        get async {
            let configured =
                [configuration.fallbackRoute, configuration.deliveries.gateFallback].compactMap { $0 }
                + configuration.sessionRoutes.map(\.route)
                + configuration.watches.flatMap { watch in
                    watch.sessions.compactMap { configuration.place(of: $0, at: watch.target.gateway) }
                }
            let ledger = await ledger.value.facts
            var routes = configured + (ledger?.routes ?? []) + (ledger?.sessions ?? []).compactMap { configuration.place(of: $0) }
            for gateway in gateways { routes += await sessions(of: gateway) }
            return Array(Set(routes)).sorted()
        }
    }

    /// Where the gateway says that its sessions are.
    private func sessions(of gateway: GatewayRound) async -> [Route] {
        (await gateway.look.value.facts?.sessions ?? []).compactMap { $0.route(gateway: gateway.settings.name) }
    }

    /// The places over one channel.
    func routes(over channel: ChannelName) async -> [Route] { await allRoutes.filter { $0.channel == channel } }

    /// The Discord channels that sessions of a gateway live in: also those that we talk to over a bot of our own.
    func sessionRoutes(of gateway: GatewayRound) async -> [Route] {
        await allRoutes.filter { route in
            guard route.channel.transport == "discord", route.kind == .channel else { return false }
            let owner = route.channel.gateway
            return owner == gateway.settings.name || owner == nil && configuration.gateways.count == 1
        }
    }
}
