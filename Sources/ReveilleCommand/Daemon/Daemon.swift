import ControlServer
import CoreMetrics
import DiscordProtocol
import DiscordTransport
import Foundation
import LedgerSQLite
import Logging
import NetSupport
import ReveilleConfiguration
import RunStateFiles
import ServiceLifecycle
import SystemdSupport
import UnixSignals
import WakeCore
import WakeService

/// The composition root: the one place that knows every part, and joins them.
struct Daemon {
    private let configuration: Configuration
    private let surroundings: Surroundings

    private let loader: ConfigurationLoader
    private let manager: ServiceManager
    private let level: SharedLogLevel
    private let ring = LogRing()

    /// - Parameters:
    ///   - configuration: what was read.
    ///   - loader: what read it, and reads it again from the same places.
    ///   - manager: who started us.
    init(configuration: Configuration, loader: ConfigurationLoader, manager: ServiceManager) {
        self.loader = loader
        level = SharedLogLevel(Logger.Level(rawValue: configuration.log.level) ?? .info)
        self.manager = manager
        self.configuration = configuration
        surroundings = loader.surroundings
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
            configuration, surroundings, manager: manager, listeners: listeners, face: face, witness: witness,
            absence: try ledger.startBook().absence(before: moments.now()), store: ledger,
            moments: moments,
            logger: self.logger("systemd"))
        let supervision = Supervision(
            manager, readyWhen: configuration.readyWhen, moments: moments, logger: logger, face: face)
        let past = Past(configuration, try ledger.startBook(), at: moments.now())
        for remark in past.remarks {
            logger.warning("\(remark)", metadata: [LogKey.event: "remark"])
        }
        let channelLogger = self.logger("discord")
        let hosts = settings.map {
            ChannelHost($0, whyNot: past.whyNoChannels) {
                DiscordChannel(settings: $0, store: ledger, moments: moments, dice: dice, logger: channelLogger)
            }
        }
        let gateways = Gateways(
            configuration, surroundings, store: ledger, sink: bus, moments: moments, dice: dice, logger: self.logger("gateway"))
        let agents = await Agents(
            configuration, surroundings, units: { await management.turnUnits() }, moments: moments, logger: self.logger("agents"))
        let purpose = StopPurpose()
        let stop = StopSignal(purpose)
        let sessions = SessionKeeper(ledger: ledger, moments: moments, logger: self.logger("sessions"))
        let hooks = HookService(
            configuration, environment: surroundings.variables, ledger: ledger, logger: self.logger("hooks"))
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        let waker = Waker(
            ledger: ledger,
            outside: Waker.Outside(
                transports: hosts + gateways.links, turns: agents.turns + gateways.links, keepers: agents.turns,
                briefings: gateways.links,
                routeChecks: hosts + gateways.links, lookups: hosts + gateways.links,
                epochs: management.epochs + gateways.links,
                restarts: RestartCoordinator(
                    [SelfRestarter { await stop.restart(because: "a restart was asked for") }, CommandRestarter()]
                        + management.restarters, hooks: hooks.hooks,
                    drain: TurnDrain(
                        budget: configuration.restarts.drain, keepers: agents.turns, moments: moments,
                        logger: self.logger("restart")
                    ) { (try? ledger.reader.turns(running: true)) ?? [] }),
                planner: JobTimes()),
            bus: bus, moments: moments, dice: dice, policy: configuration.policy, instance: .token(instance), logger: logger,
            changed: { supervision.changed() },
            told: { decision in
                let now = moments.now()
                sessions.note(decision, at: now)
                hooks.note(decision)
                DeskEvents.of(decision, at: now).map { face.publish($0) }
            })
        let live = LiveConfiguration(configuration, loader: loader, level: level, hosts: hosts)
        let plane = try ControlPlane(
            Desk.Parts(
                waker: waker, face: face, hosts: hosts, live: live,
                restarts: RestartDesk(moments: moments, remaining: past.cooldown) { reason in
                    if await hooks.mayRestart() { await stop.restart(because: reason) }
                },
                thread: ControlThread(ledger: ledger, store: try ConfigurationStore(loader: loader)), ring: ring,
                moments: moments,
                dice: dice, instance: instance, startedAt: moments.now(), remarks: past.remarks,
                logger: self.logger("control")),
            listeners: listeners, purpose: purpose, configuration: configuration, surroundings: surroundings, metrics: metrics)
        let keeper = LedgerKeeper(
            ledger: ledger, waker: waker, moments: moments, retention: configuration.ledger.retention, logger: logger)
        // Stopped in reverse: first nobody new is taken, then the waker, so that sends under way still have a transport; the ledger's
        // keeper last.
        let services: [any Service] =
            [
                keeper, sessions, hooks, supervision.watching(waker, bus),
                ReloadService(
                    live: live, manager: manager, supervision: supervision, logger: logger),
            ]
            + management.services(
                waker, bus, grace: configuration.channelDownGrace, witness: witness, moments: moments,
                keeper: keeper)
            + hosts.map { ChannelService(source: $0, bus: bus) } + gateways.services(waker)
            + [
                RunStateService(
                    book: RunStateBook(configuration), quietHours: configuration.work.quietHours, waker: waker, moments: moments,
                    logger: self.logger("runs")),
                CancelledService("old turns") { await agents.prune() },
            ]
            + [WakerService(waker: waker, supervision: supervision, logger: logger)]
            + [
                CancelledService("channel starter") {
                    guard past.whyNoChannels != nil else { return }
                    await moments.wait(untilBoottimeMicroseconds: past.channelsAt.boottimeMicroseconds)
                    if !Task.isCancelled { for host in hosts { _ = host.start() } }
                }, plane.service,
            ]
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { service in
                    .init(
                        service: PatientService(service, moments: moments) { supervision.stopping(waitsFor: $0) },
                        successTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: self.logger("services", level: .warning)))
        await stop.set { await group.triggerGracefulShutdown() }
        do {
            try await group.run()
        } catch {
            ledger.close()
            throw error
        }
        noteEnd(in: ledger, purpose.restart, at: moments.now(), logger)
        // A failure that nobody was told of yet: what is stored last when stopping, and the checkpoint.
        if let failure = ledger.close() { throw failure }
        logger.notice("stopped", metadata: [LogKey.event: "stopped"])
    }

    private func noteEnd(in ledger: SQLiteLedger, _ restart: String?, at moment: Moment, _ logger: Logger) {
        do {
            try ledger.endStart(kind: restart == nil ? .stopped : .planned, reason: restart ?? "it was told to stop", at: moment)
        } catch {
            logger.info("the end could not be noted", metadata: [LogKey.error: "\(error)"])
        }
    }

    private func discordSettings() throws -> [DiscordSettings] {
        var problems = ConfigurationProblems()
        var settings: [DiscordSettings] = []
        for account in configuration.discordAccounts.values.sorted(by: { $0.name < $1.name }) {
            do {
                settings.append(try DiscordSettings(account, in: surroundings))
            } catch let problem as ConfigurationProblem {
                problems.append(problem)
            }
        }
        guard problems.isEmpty else { throw problems }
        guard !settings.isEmpty || !configuration.gateways.isEmpty else {
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
            let kept = LogRing.Handler(ring, label: label, level: level)
            if isJournal { return MultiplexLogHandler([JournalLogHandler(label: label, level: level), kept]) }
            return MultiplexLogHandler([LineLogHandler(label: label, level: level, format: configuration.log.format), kept])
        }
    }
}

extension DiscordSettings {
    /// The settings of a configured account, its token read.
    init(_ account: DiscordAccount, in surroundings: Surroundings) throws {
        let token = try DiscordToken.load(for: account, in: surroundings)
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

/// What the daemon's earlier lives mean for this one.
private struct Past {
    /// Why the channels are not started; nil: they are.
    let whyNoChannels: String?
    /// When they are started all the same: it has not crashed for as long.
    let channelsAt: Moment
    /// What is left of the cool-down between two restarts.
    let cooldown: Duration
    /// In words, for whoever looks.
    let remarks: [String]

    init(_ configuration: Configuration, _ book: StartBook, at now: Moment) {
        var loop = RestartLoop()
        loop.loopStarts = configuration.restarts.loopStarts
        loop.loopWithin = configuration.restarts.loopWithin
        loop.cooldown = configuration.restarts.cooldown
        cooldown = loop.cooldownLeft(after: book.previous, at: now) ?? .zero
        channelsAt = now.advanced(by: loop.loopWithin)
        let isLooping = loop.isLooping(after: book.previous, at: now)
        whyNoChannels =
            isLooping
            ? "not started: \(loop.loopStarts) starts after a crash within \(NoticeText.span(loop.loopWithin)); "
                + "they start in \(NoticeText.span(loop.loopWithin)), or at once by reveille call channels.start" : nil
        remarks = whyNoChannels.map { ["the channels were \($0)"] } ?? []
    }
}
