import ControlServer
import DiscordProtocol
import DiscordTransport
import Foundation
import LedgerSQLite
import Logging
import NetSupport
import ReveilleConfiguration
import ServiceLifecycle
import SystemdSupport
import UnixSignals
import WakeCore
import WakeService

/// The composition root: the one place that knows every part, and joins them.
struct Daemon {
    private let configuration: Configuration
    private let surroundings: Surroundings

    private let manager: ServiceManager
    private let reload: @Sendable () throws -> Configuration
    private let level: SharedLogLevel

    /// - Parameters:
    ///   - configuration: what was read.
    ///   - surroundings: where.
    ///   - manager: who started us.
    ///   - reload: reads the configuration again, from the same places.
    init(
        configuration: Configuration, surroundings: Surroundings, manager: ServiceManager,
        reload: @escaping @Sendable () throws -> Configuration
    ) {
        self.reload = reload
        level = SharedLogLevel(Logger.Level(rawValue: configuration.log.level) ?? .info)
        self.manager = manager
        self.configuration = configuration
        self.surroundings = surroundings
    }

    func run() async throws {
        // All that a person must mend is found before anything is opened.
        let settings = try discordSettings()
        let logger = logger("reveille")
        let dice = SystemDice()
        var roll = dice.roll()
        let instance = roll.identifier().description
        let witness = ClockWitness(isSynchronised: false)
        let moments = try SystemMoments(
            environment: surroundings.variables, witness: witness, sleep: EventLoopTasks.sleep)
        let ledger = try SQLiteLedger(at: configuration.ledger.directory, instance: instance, moments: moments)
        if ledger.isVolatile {
            logger.warning(
                "the ledger lies in memory and is gone after a reboot", metadata: [LogKey.place: "\(ledger.folder.path)"])
        }
        for warning in configuration.warnings {
            logger.warning("a part of the configuration is not in force", metadata: [LogKey.reason: "\(warning)"])
        }
        let bus = ReadinessBus()
        let face = BusFace()
        let listeners = manager.takeListeners()
        let management = try ServiceManagement(
            configuration, surroundings, manager: manager, listeners: listeners, face: face, witness: witness, store: ledger,
            moments: moments,
            logger: self.logger("systemd"))
        let supervision = Supervision(
            manager, readyWhen: configuration.readyWhen, moments: moments, logger: logger, face: face)
        let channels = settings.map {
            DiscordChannel(settings: $0, store: ledger, moments: moments, dice: dice, logger: self.logger("discord"))
        }
        let stop = StopSignal()
        let waker = Waker(
            ledger: ledger,
            outside: Waker.Outside(
                transports: channels, routeChecks: channels, lookups: channels,
                epochs: management.epochs,
                restarts: RestartCoordinator(
                    [SelfRestarter { await stop.trigger() }, CommandRestarter()] + management.restarters)),
            bus: bus, moments: moments, dice: dice, policy: configuration.policy, instance: .token(instance), logger: logger,
            changed: { supervision.changed() })
        let keeper = LedgerKeeper(
            ledger: ledger, waker: waker, moments: moments, retention: configuration.ledger.retention, logger: logger)
        // Stopped in reverse: first nobody new is taken, then the waker, so that sends under way still have a transport; the ledger's
        // keeper last.
        let services: [any Service] =
            [
                keeper, supervision.watching(waker, bus),
                ReloadService(
                    configuration: configuration, load: reload, level: level, manager: manager, supervision: supervision,
                    logger: logger),
            ]
            + management.services(waker, bus, grace: configuration.channelDownGrace, witness: witness, moments: moments)
            + channels.map { ChannelService(source: $0, bus: bus) }
            + [WakerService(waker: waker, supervision: supervision, logger: logger)]
            + listeners.filter { $0.name == "control" }.map {
                ControlService(server: ControlServer(descriptor: $0.descriptor) { face.health })
            }
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: self.logger("services", level: .warning)))
        await stop.set { await group.triggerGracefulShutdown() }
        do {
            try await group.run()
        } catch {
            ledger.close()
            throw error
        }
        // A failure that nobody was told of yet: what is stored last when stopping, and the checkpoint.
        if let failure = ledger.close() { throw failure }
        logger.notice("stopped", metadata: [LogKey.event: "stopped"])
    }

    private func discordSettings() throws -> [DiscordSettings] {
        var problems = ConfigurationProblems()
        var settings: [DiscordSettings] = []
        for account in configuration.discordAccounts.values.sorted(by: { $0.name < $1.name }) {
            do {
                let secret = try DiscordToken.load(for: account, in: surroundings)
                settings.append(try DiscordSettings(account, token: secret))
            } catch let problem as ConfigurationProblem {
                problems.append(problem)
            }
        }
        guard problems.isEmpty else { throw problems }
        guard !settings.isEmpty else {
            throw Complaint(
                .configuration, "no channel is configured, so nobody could be woken",
                hint:
                    "Set REVEILLE_DISCORD_TOKEN, or name a token file in discord.accounts.default.tokenFile; see docs/CONFIGURATION.md."
            )
        }
        return settings
    }

    private func logger(_ label: String, level: Logger.Level? = nil) -> Logger {
        let level = level.map { SharedLogLevel($0) } ?? self.level
        let isJournal = configuration.log.format == .auto && JournalLogHandler.isConnected(environment: surroundings.variables)
        return Logger(label: label) { label -> any LogHandler in
            if isJournal { return JournalLogHandler(label: label, level: level) }
            return LineLogHandler(label: label, level: level, format: configuration.log.format)
        }
    }
}

extension DiscordSettings {
    /// The settings of a configured account.
    init(_ account: DiscordAccount, token: Secret) throws {
        guard let token = BotToken(token.reveal()) else {
            throw Complaint(.configuration, "the token of discord:\(account.name) is not one line of visible characters")
        }
        try self.init(token: token, channel: account.channel, apiBase: "\(account.apiBase)")
        for mention in account.allowedMentions {
            switch mention {
            case .users: mentions.insert(.users)
            case .roles: mentions.insert(.roles)
            case .everyone: mentions.insert(.everyone)
            }
        }
    }
}
