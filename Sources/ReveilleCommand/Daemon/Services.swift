import LedgerSQLite
import Logging
import ServiceLifecycle
import Synchronization
import WakeCore
import WakeService

/// A service with a short name: the service group prints each of its services when it is made, and one without a name of its own would
/// be printed with all that hangs on it, the configuration and the ledger included.
protocol NamedService: Service, CustomStringConvertible {}

/// Runs a service; one that was told to end and goes on is named.
final class PatientService: NamedService {
    /// How long a service may take to end before it is named.
    static let patience: Duration = .seconds(5)

    let description: String
    private let service: any Service
    private let moments: any MomentSource
    private let told: @Sendable (String) -> Void
    private let alarm = Mutex<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - service: what runs.
    ///   - moments: the clock.
    ///   - told: hears the name of the service, once, when it was told to end and has not in time.
    init(_ service: any Service, moments: any MomentSource, told: @escaping @Sendable (String) -> Void) {
        description = "\(service)"
        self.service = service
        self.moments = moments
        self.told = told
    }

    func run() async throws {
        defer { alarm.withLock { $0 }?.cancel() }
        try await withGracefulShutdownHandler {
            try await service.run()
        } onGracefulShutdown: { [self] in
            let due = moments.now().advanced(by: Self.patience).boottimeMicroseconds
            alarm.withLock {
                $0 = Task { [moments, told, description] in
                    await moments.wait(untilBoottimeMicroseconds: due)
                    if !Task.isCancelled { told(description) }
                }
            }
        }
    }
}

/// Runs a channel's owner until the group ends.
struct ChannelService: NamedService {
    var description: String { "channel \(source.channel)" }
    let source: any ReadinessSource
    let bus: ReadinessBus

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await source.run(reportingTo: bus) }
    }
}

/// Runs the waker; a graceful end waits for sends under way.
struct WakerService: NamedService {
    var description: String { "waker" }
    let waker: Waker
    let supervision: Supervision
    let logger: Logger

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await waker.run {
                logger.notice("ready: ledger open, recovery done", metadata: [LogKey.event: "ready"])
                supervision.recovered()
            }
        } onGracefulShutdown: {
            supervision.stopping()
            waker.stop()
        }
    }
}

/// Looks after the ledger: passes hints about the inbox on, prunes what ended long ago, and notes that the daemon lives.
struct LedgerKeeper: NamedService {
    var description: String { "ledger keeper" }
    let ledger: SQLiteLedger
    let waker: Waker
    let moments: any MomentSource
    let retention: Duration
    let logger: Logger
    private let thread = LedgerThread()

    init(ledger: SQLiteLedger, waker: Waker, moments: any MomentSource, retention: Duration, logger: Logger) {
        self.ledger = ledger
        self.waker = waker
        self.moments = moments
        self.retention = retention
        self.logger = logger
    }

    /// How often old wakes are looked for; each time in small bites.
    private static let pruneEveryMicroseconds: Int64 = 3_600_000_000
    /// How often it is noted that the daemon lives: so exactly is it known how long it was away after it was cut off.
    private static let aliveEveryMicroseconds: Int64 = 60_000_000

    func run() async throws {
        let hints = try InboxWatcher(ledger.folder).hints()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in hints { waker.inboxMayHaveChanged() }
                }
                group.addTask { await prune() }
                group.addTask { await live() }
            }
        }
    }

    /// Notes that the machine's shutdown begins, or was called off.
    func noteShutdown(isBeginning: Bool) async {
        let moment = moments.now()
        await note { ledger throws(WakeError) in try ledger.noteShutdown(isBeginning: isBeginning, at: moment) }
    }

    /// Notes that the daemon lives.
    func noteAlive() async {
        let moment = moments.now()
        await note { ledger throws(WakeError) in try ledger.noteAlive(at: moment) }
    }

    /// A failure costs no more than exactness.
    private func note(_ what: @Sendable (SQLiteLedger) throws(WakeError) -> Void) async {
        do {
            try await thread.run(ledger, what)
        } catch {
            logger.info("that the daemon lives could not be noted", metadata: [LogKey.error: "\(error)"])
        }
    }

    private func live() async {
        while true {
            await moments.wait(untilBoottimeMicroseconds: moments.now().boottimeMicroseconds + Self.aliveEveryMicroseconds)
            if Task.isCancelled { return }
            await noteAlive()
        }
    }

    private func prune() async {
        while !Task.isCancelled {
            do {
                try await thread.prune(ledger, endedBefore: moments.now().advanced(by: .zero - retention))
            } catch {
                logger.warning("old wakes could not be pruned", metadata: [LogKey.error: "\(error)"])
            }
            await moments.wait(untilBoottimeMicroseconds: moments.now().boottimeMicroseconds + Self.pruneEveryMicroseconds)
        }
    }
}

/// A thread for what blocks.
private actor LedgerThread {
    private let executor = ThreadExecutor(name: "ledger-keeper")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func prune(_ ledger: SQLiteLedger, endedBefore moment: Moment) throws(WakeError) {
        while try ledger.prune(endedBefore: moment) > 0, !Task.isCancelled {}
    }

    func run(_ ledger: SQLiteLedger, _ body: @Sendable (SQLiteLedger) throws(WakeError) -> Void) throws(WakeError) {
        try body(ledger)
    }
}

/// Stops the service group from within; set once the group is there.
actor StopSignal {
    private var stop: (@Sendable () async -> Void)?
    private let purpose: StopPurpose

    init(_ purpose: StopPurpose) { self.purpose = purpose }

    func set(_ stop: @escaping @Sendable () async -> Void) { self.stop = stop }

    /// Ends the daemon, to be started again by its supervisor.
    func restart(because reason: String) async {
        purpose.restarts(because: reason)
        await stop?()
    }
}
