public import Logging
import WakeCore
public import WakeService

/// Runs the executables of two folders: `pre-restart.d` before a restart that we perform, `post-wake.d` after a wake that arrived.
public final class FolderHooks: Hooks {
    /// What an operator chooses.
    public struct Settings: Hashable, Sendable {
        /// The folder that holds the two.
        public var directory: String
        /// How long all hooks before a restart may take together.
        public var preRestartLimit: Duration
        /// Whether a failure keeps the restart from being carried out.
        public var refusesOnFailure: Bool
        /// How long all hooks after a wake may take together.
        public var postWakeLimit: Duration

        /// Makes settings; see the properties.
        public init(
            directory: String, preRestartLimit: Duration = .seconds(30), refusesOnFailure: Bool = false,
            postWakeLimit: Duration = .seconds(60)
        ) {
            self.directory = directory
            self.preRestartLimit = preRestartLimit
            self.refusesOnFailure = refusesOnFailure
            self.postWakeLimit = postWakeLimit
        }
    }

    /// The most lines of one hook that are written to the log.
    static let loggedLines = 50
    /// The longest note in the environment, in bytes: the kernel takes no more than 128 KiB for one variable.
    static let noteBytes = 64 * 1024

    private let settings: Settings
    private let environment: [String: String]
    private let logger: Logger
    // One that runs long after a wake must not hold up a restart.
    private let before = HookThread(name: "hooks-before")
    private let after = HookThread(name: "hooks-after")

    /// Makes them; nothing is looked at before the first occasion.
    ///
    /// - Parameters:
    ///   - settings: what the operator chose.
    ///   - environment: the daemon's own, of which hooks get what names the user, the paths, and the language.
    ///   - logger: where their output and failures go.
    public init(_ settings: Settings, environment: [String: String], logger: Logger) {
        self.settings = settings
        self.environment = environment.filter { Self.passes($0.key) }
        self.logger = logger
    }

    /// See ``WakeService/Hooks/beforeRestart(_:)``.
    public func beforeRestart(_ occasion: HookOccasion) async -> String? {
        let failures = await run("pre-restart", occasion, settings.preRestartLimit, on: before)
        guard settings.refusesOnFailure, !failures.isEmpty else { return nil }
        return "hooks in \(settings.directory)/pre-restart.d failed: \(failures.joined(separator: "; "))"
    }

    /// See ``WakeService/Hooks/afterWake(_:)``. Cancelling its task ends the hook that runs.
    public func afterWake(_ occasion: HookOccasion) async {
        _ = await run("post-wake", occasion, settings.postWakeLimit, on: after)
    }

    private func run(_ name: String, _ occasion: HookOccasion, _ limit: Duration, on thread: HookThread) async -> [String] {
        let variables = Self.variables(name, occasion).merging(environment) { mine, _ in mine }
        let results = await thread.run("\(settings.directory)/\(name).d", variables, limit)
        for result in results { log(result, name) }
        return results.compactMap { result in result.failure.map { "\(result.name): \($0)" } }
    }

    private func log(_ result: HookThread.Result, _ kind: String) {
        let place: Logger.MetadataValue = "\(kind).d/\(result.name)"
        let text = String(decoding: result.output, as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        for line in lines.prefix(Self.loggedLines) {
            logger.info("a hook says", metadata: [LogKey.place: place, LogKey.reason: "\(line)"])
        }
        if lines.count > Self.loggedLines || result.output.count >= HookProcess.keptBytes {
            logger.info("a hook says more than is kept", metadata: [LogKey.place: place])
        }
        if let failure = result.failure {
            logger.warning(
                "a hook failed", metadata: [LogKey.event: "hookFailed", LogKey.place: place, LogKey.reason: "\(failure)"])
        } else {
            logger.info("a hook is done", metadata: [LogKey.event: "hookDone", LogKey.place: place])
        }
    }

    // MARK: The environment

    /// Tokens of ours are none of a hook's business, so what it gets is named here.
    private static func passes(_ name: String) -> Bool {
        let names: Set<String> = [
            "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
            "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS", "STATE_DIRECTORY", "REVEILLE_CONTROL_SOCKET",
        ]
        return names.contains(name) || name.hasPrefix("LC_")
    }

    private static func variables(_ kind: String, _ occasion: HookOccasion) -> [String: String] {
        var note = occasion.note.filter { $0 != "\0" }
        if note.utf8.count > noteBytes { note = String(decoding: Array(note.utf8).prefix(noteBytes), as: UTF8.self) + "…" }
        var variables = ["REVEILLE_HOOK": kind, "REVEILLE_TARGET": occasion.target.description, "REVEILLE_NOTE": note]
        variables["REVEILLE_SENTINEL"] = occasion.sentinels.map(\.description).joined(separator: " ")
        variables["REVEILLE_SESSION"] = occasion.session?.description ?? ""
        variables["REVEILLE_WAKE"] = occasion.wake?.description ?? ""
        return variables
    }
}
