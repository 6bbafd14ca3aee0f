import HookRunner
import LedgerSQLite
import Logging
import ReveilleConfiguration
import ServiceLifecycle
import WakeCore
import WakeService

/// Runs the hooks of wakes that have arrived, one wake after another, off the waker's path.
///
/// They are run at most once: a daemon that is cut off meanwhile does not begin them again.
final class HookService: NamedService {
    let description = "hooks"

    /// The most wakes whose hooks may wait; those beyond are told in the log and not run.
    static let waitingWakes = 1_000

    /// What runs them; nil where nobody can tell where they would be.
    let hooks: (any Hooks)?
    private let ledger: SQLiteLedger
    private let logger: Logger
    private let ended: AsyncStream<WakeID>
    private let end: AsyncStream<WakeID>.Continuation
    private let thread = HookLedgerThread()

    init(_ configuration: Configuration, environment: [String: String], ledger: SQLiteLedger, logger: Logger) {
        let settings = configuration.hooks
        hooks = settings.directory.map { directory in
            FolderHooks(
                FolderHooks.Settings(
                    directory: directory, preRestartLimit: settings.preRestartLimit,
                    refusesOnFailure: settings.refusesOnFailure, postWakeLimit: settings.postWakeLimit),
                environment: environment, logger: logger)
        }
        self.ledger = ledger
        self.logger = logger
        (ended, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingWakes))
    }

    /// Hears of a decision. Never blocks.
    func note(_ decision: Decision) {
        guard decision.code == .wakeEnded, let wake = decision.wake, hooks != nil else { return }
        if case .dropped = end.yield(wake) {
            logger.warning("too many wakes wait for their hooks; those of one are not run", metadata: [LogKey.wake: "\(wake)"])
        }
    }

    /// Whether the daemon may restart where no sentinel asks for it; the hooks before a restart have run by then.
    func mayRestart() async -> Bool {
        guard let reason = await hooks?.beforeRestart(HookOccasion(target: .daemon)) else { return true }
        logger.warning(
            "the daemon is not restarted", metadata: [LogKey.event: "restartRefused", LogKey.reason: "\(reason)"])
        return false
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await wake in self.ended {
                guard let record = await self.thread.record(of: wake, self.ledger) else { continue }
                // Nobody was woken by one of which nothing arrived.
                guard record.deliveries.contains(where: { if case .delivered = $0.state { true } else { false } }) else {
                    continue
                }
                await self.hooks?.afterWake(HookOccasion(record.wake))
            }
        }
    }
}

/// A thread for what blocks.
private actor HookLedgerThread {
    private let executor = ThreadExecutor(name: "hooks-ledger")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func record(of wake: WakeID, _ ledger: SQLiteLedger) -> WakeRecord? { try? ledger.reader.wake(wake.description) }
}
