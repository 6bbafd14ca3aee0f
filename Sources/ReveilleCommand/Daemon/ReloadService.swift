import Logging
import ReveilleConfiguration
import ServiceLifecycle
import SystemdSupport
import UnixSignals
import WakeService

/// Reads the configuration again on SIGHUP: applies what can be applied at once, and names what needs a restart. A faulty one changes
/// nothing.
struct ReloadService: NamedService {
    var description: String { "reload" }
    let live: LiveConfiguration
    let manager: ServiceManager
    let supervision: Supervision
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            for await _ in signals {
                manager.tell(.reloading, .status("reading the configuration again"))
                reload()
                manager.tell(.ready)
                supervision.tellAgain()
            }
        }
    }

    private func reload() {
        do {
            let takeover = try live.takeOver()
            for warning in live.configuration.warnings {
                logger.warning("a part of the configuration is not in force", metadata: [LogKey.reason: "\(warning)"])
            }
            let waiting = takeover.waiting.joined(separator: ", ")
            logger.notice(
                "the configuration was read again",
                metadata: [
                    LogKey.event: "reloaded",
                    LogKey.reason:
                        "\(waiting.isEmpty ? "all of it is in force" : "a restart of the daemon is needed for \(waiting)")",
                ])
        } catch {
            logger.error(
                "the configuration was read again and is faulty: the old one stays in force", metadata: [LogKey.error: "\(error)"]
            )
        }
    }
}
