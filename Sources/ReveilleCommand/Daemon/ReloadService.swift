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
    let configuration: Configuration
    let load: @Sendable () throws -> Configuration
    let level: SharedLogLevel
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
        let fresh: Configuration
        do { fresh = try load() } catch {
            return logger.error(
                "the configuration was read again and is faulty: the old one stays in force", metadata: [LogKey.error: "\(error)"]
            )
        }
        for warning in fresh.warnings {
            logger.warning("a part of the configuration is not in force", metadata: [LogKey.reason: "\(warning)"])
        }
        level.level = Logger.Level(rawValue: fresh.log.level) ?? level.level
        let old = Dictionary(configuration.settings.map { ($0.path, $0.text) }) { $1 }
        let changed = fresh.settings.filter { old[$0.path] != $0.text && $0.descriptor.change != .reload }.map { "\($0.path)" }
        let gone = configuration.settings.map(\.path).filter { path in !fresh.settings.contains { $0.path == path } }.map {
            "\($0)"
        }
        let waiting = (changed + gone).sorted().joined(separator: ", ")
        logger.notice(
            "the configuration was read again",
            metadata: [
                LogKey.event: "reloaded",
                LogKey.reason:
                    "\(waiting.isEmpty ? "all of it is in force" : "a restart of the daemon is needed for \(waiting)")",
            ])
    }
}
