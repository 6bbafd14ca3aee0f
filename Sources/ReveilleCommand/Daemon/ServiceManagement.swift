import Foundation
import Logging
import ReveilleConfiguration
import ServiceLifecycle
import SystemdSupport
import WakeCore
import WakeService

/// What the service manager brings: buses, watched targets, who can restart them, the notify socket. Where there is none of it, none
/// is here.
struct ServiceManagement {
    let buses: [Bus]
    let epochs: [UnitWatch]
    let restarters: [any Restarter]
    let receiver: NotifyReceiver?
    private let system: Bus?
    private let own: Bus?
    private let isUnit: Bool
    private let logger: Logger

    /// Joins what there is. Of `listeners` it takes the one that is named `notify`; `face` is what is shown on our own bus.
    init(
        _ configuration: Configuration, _ surroundings: Surroundings, manager: ServiceManager,
        listeners: [ServiceManager.Listener], face: BusFace,
        witness: ClockWitness, absence: RestartStory.Absence?,
        store: any TransportSessionStore, moments: any MomentSource, logger: Logger
    ) throws {
        let isUserService = surroundings.userID >= 1000
        isUnit = surroundings.variables["INVOCATION_ID"] != nil
        let isBooted = access("/run/systemd/system", F_OK) == 0
        func bus(_ kind: Bus.Kind, _ variable: String, isOurs: Bool) -> Bus? {
            guard isBooted || surroundings.variables[variable] != nil else { return nil }
            return Bus(kind, name: isOurs ? BusFace.name : nil, objects: isOurs ? face.objects : nil)
        }
        system = bus(.system, "DBUS_SYSTEM_BUS_ADDRESS", isOurs: !isUserService)
        let user = isUserService ? bus(.user, "DBUS_SESSION_BUS_ADDRESS", isOurs: true) : nil
        own = isUserService ? user : system
        buses = [system, user].compactMap { $0 }
        if system == nil { witness.testify() }
        if let own { face.tell(over: own) } else { logger.info("no message bus here: units can't be watched or restarted") }
        let boot = moments.now().boot
        epochs = buses.map {
            UnitWatch(
                $0, scope: UnitScope($0.kind, isUserService: isUserService), boot: boot, absence: absence, moments: moments,
                logger: logger)
        }
        restarters =
            buses.map { UnitRestarter($0, scope: UnitScope($0.kind, isUserService: isUserService), moments: moments) }
            + (system.map { [HostRestarter($0)] } ?? [])
        let grants = configuration.reportedChannels.map { ReporterGrant(channel: $0.channel, uids: $0.uids, units: $0.units) }
        var socket = listeners.first { $0.name == "notify" }?.descriptor
        if socket == nil, let path = configuration.notifySocket {
            let opened = try NotifyReceiver.bind(path: path)
            // What is reported while we restart waits in it.
            manager.keep(opened, as: "notify")
            socket = opened
        }
        receiver = socket.map {
            NotifyReceiver(descriptor: $0, grants: grants, store: store, moments: moments, logger: logger)
        }
        self.logger = logger
    }

    /// Where turns run that outlive us: in transient units under a user's manager, in instances of our template under the system's.
    /// Without the template they are part of our own unit, and end with it. nil: in no units of their own.
    func turnUnits() async -> (any TurnUnits)? {
        guard isUnit, let own else { return nil }
        guard own.kind == .system else { return ManagedTurns(own) }
        do { try await TemplateTurns.check() } catch {
            logger.notice(
                "turns of agents that are commands end with this unit",
                metadata: [LogKey.reason: "\(error.message); \(error.hint)"])
            return nil
        }
        return TemplateTurns(own)
    }

    /// Everything that runs, to be stopped in reverse.
    func services(
        _ waker: Waker, _ readiness: ReadinessBus, grace: Duration, witness: ClockWitness, moments: any MomentSource,
        keeper: LedgerKeeper
    ) -> [any Service] {
        var services: [any Service] = buses.map { bus in CancelledService("\(bus.kind.rawValue) bus") { await bus.run() } }
        services += epochs.map { watch in CancelledService("units") { await watch.run { waker.post($0) } } }
        if let receiver { services.append(CancelledService("notify socket") { await receiver.run(reportingTo: readiness) }) }
        if let system {
            let delay = ShutdownDelay(
                system, logger: logger,
                finish: {
                    _ = await waker.outlook()
                    await keeper.noteShutdown(isBeginning: true)
                }, calledOff: { await keeper.noteShutdown(isBeginning: false) })
            services.append(CancelledService("shutdown delay") { await delay.run() })
            if !SystemMoments.kernelTellsSynchronised {
                let clock = ClockWatch(system, witness: witness, moments: moments, logger: logger)
                services.append(
                    CancelledService("clock") {
                        await clock.run { waker.post(.clockSynchronised) }
                        // What was noted before counts for nothing in the next boot.
                        await keeper.noteAlive()
                    })
            }
        }
        if let own {
            let units = ChannelUnits(own, readiness: readiness, grace: grace, moments: moments, logger: logger)
            services.append(CancelledService("channel units") { await units.run() })
        }
        return services
    }
}

/// A service that ends when its task is cancelled.
struct CancelledService: NamedService {
    let description: String
    private let work: @Sendable () async -> Void

    init(_ name: String, _ work: @escaping @Sendable () async -> Void) {
        description = name
        self.work = work
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await work()
            await Self.forever()
        }
    }

    /// What is done has not ended: an end would end the daemon. Returns when cancelled.
    static func forever() async {
        let (never, _continuation) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
        withExtendedLifetime(_continuation) {}
    }
}
