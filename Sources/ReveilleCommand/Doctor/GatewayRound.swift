import DiscordTransport
import GatewayClient
import GatewayProtocol
import Logging
import OpenClawFacts
import ReveilleConfiguration
import SystemdSupport
import WakeCore
import WakeService

/// Everything that is looked at of one gateway; each look is taken once, whoever needs it.
struct GatewayRound: Sendable {
    let settings: GatewaySettings
    let file: Once<GatewayFileLook>
    let look: Once<GatewayLook>

    init(_ access: GatewayAccess, moments: any MomentSource) {
        settings = access.settings
        let file = Once { GatewayFileLook.look(at: access.settings, in: access.surroundings) }
        self.file = file
        look = Once {
            switch await Self.credentials(access, file) {
            case .failure(let want): return .noToken(reason: want.reason, fix: want.fix)
            case .success(let credentials):
                var bounds = access.connection
                bounds.scopes = [Scope.read.rawValue, Scope.write.rawValue]
                return await GatewayLook.look(at: access.address, credentials, bounds, moments: moments)
            }
        }
    }

    // MARK: Proofs

    /// Why there is no proof to show, or no token to use.
    struct Want: Error {
        var reason: String
        var fix: String
    }

    private static func credentials(
        _ access: GatewayAccess, _ file: Once<GatewayFileLook>
    ) async -> Result<GatewayCredentials, Want> {
        let keys = "gateways.\(access.settings.name)"
        // Asking for a key that is not there would make one.
        if access.settings.identity == .device, !access.hasDeviceKey {
            return .failure(
                Want(
                    reason: "there is no key of this device at \(access.deviceKeyPath)",
                    fix: "The daemon makes it when it first connects; start it, and run 'reveille doctor' as its user."))
        }
        do {
            let credentials = try await access.credentials()
            if case .none = credentials, await file.value.file?.authMode != GatewayConfigFile.AuthMode.none {
                return .failure(
                    Want(
                        reason: "no token of it is configured",
                        fix: "Set \(keys).tokenFile, or let reveille read it from the gateway's configuration: "
                            + "\(keys).tokenFrom: \"gateway\""))
            }
            return .success(credentials)
        } catch let problem as ConfigurationProblem {
            return .failure(Want(reason: "\(problem)", fix: problem.hint ?? "Correct \(keys).tokenFile."))
        } catch {
            let hint = (error as? GatewayError)?.hint
            return .failure(Want(reason: "\(error)", fix: hint ?? "Correct \(keys).tokenFile."))
        }
    }

    private static func secret(_ secret: GatewaySecret, _ missing: String, _ key: String) -> Result<Secret, Want> {
        switch secret {
        case .value(let token): .success(token)
        case .unavailable(let problem): .failure(Want(reason: problem.description, fix: problem.hint))
        case .missing: .failure(Want(reason: missing, fix: "Set \(key)."))
        }
    }

    /// The bot token of an account, as far as we may read over REST with it.
    func botToken(_ account: String, in surroundings: Surroundings) async -> Result<Secret, Want> {
        let keys = "gateways.\(settings.name)"
        do {
            if let token = try GatewayToken.loadBotToken(for: settings, in: surroundings) { return .success(token) }
        } catch {
            return .failure(Want(reason: "\(error)", fix: error.hint ?? "Correct \(keys).discordTokenFile."))
        }
        guard settings.mayReadItsBotToken else {
            return .failure(
                Want(
                    reason: "its bot token may not be used for reads",
                    fix: "Allow it: \(keys).discordTokenFrom: \"gateway\"; it is used to read alone, never to open a session."))
        }
        guard let file = await file.value.file, let found = file.discordAccounts.first(where: { $0.id == account }) else {
            return .failure(
                Want(reason: "no account '\(account)' was found in its configuration", fix: "Correct \(keys).configFile."))
        }
        return Self.secret(found.token, "the account has no token", keys + ".discordTokenFile")
    }

    // MARK: Accounts and drains

    /// The Discord accounts that its configuration switches on.
    var accounts: [GatewayDiscordAccount] {
        get async { (await file.value.file?.discordAccounts ?? []).filter(\.isEnabled) }
    }

    /// The channel that an account of it is.
    func channel(_ account: String) -> ChannelName { .discord(account).through(gateway: settings.name) }

    /// How long gateways of a version take to finish their work at a stop: before 2026.4 they put a restart off for 90 s, later ones drain
    /// for up to 315 s.
    static func drain(of version: GatewayVersion?) -> Duration {
        version.map { $0 < GatewayVersion(2026, 4) } == true ? .seconds(90) : .seconds(315)
    }

    /// What is expected of its unit.
    func unitJudgement(_ unit: UnitName, isUserUnit: Bool, _ facts: UnitFacts?) async -> UnitJudgement {
        let text = await look.value.facts?.versionText ?? facts?.variable("OPENCLAW_SERVICE_VERSION")
        return UnitJudgement(
            unit: unit.description, isUserUnit: isUserUnit, content: "the gateway \(settings.name)",
            drain: Self.drain(of: text.flatMap { GatewayVersion($0) }))
    }
}
