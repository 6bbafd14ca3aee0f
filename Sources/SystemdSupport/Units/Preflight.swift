public import WakeCore

/// Looks at a target before anything is promised about it, for commands that have no daemon to ask.
public enum Preflight {
    /// Why it can't be restarted.
    public struct Obstacle: Error, Hashable, Sendable {
        /// What kind of obstacle.
        public enum Kind: Hashable, Sendable {
            /// Nobody can be asked.
            case noBus
            /// There is no such unit.
            case noUnit
            /// It is there, and can't be started.
            case unusable
        }

        /// The kind.
        public let kind: Kind
        /// What is the matter.
        public let message: String
        /// What to do.
        public let hint: String
    }

    /// Looks at a unit.
    ///
    /// - Returns: the epoch that it runs in; nil where it does not run.
    /// - Throws: ``Obstacle`` where no restart of it could end well.
    public static func epoch(of unit: UnitName, over kind: Bus.Kind, in boot: BootID) async throws(Obstacle) -> Epoch? {
        let snapshot: UnitSnapshot = try await asking(kind) { bus throws(BusError) in
            try await Systemd.look(at: try await Systemd.load(unit, over: bus), over: bus)
        }
        let manager = kind == .system ? "systemctl" : "systemctl --user"
        switch snapshot.loadState {
        case "not-found":
            throw Obstacle(
                kind: .noUnit, message: "there is no unit \(unit)", hint: "'\(manager) list-units --all' names those there are.")
        case "masked":
            throw Obstacle(
                kind: .unusable, message: "\(unit) is masked, so nothing can start it", hint: "\(manager) unmask \(unit)")
        case "loaded", "merged": break
        case let state:
            throw Obstacle(
                kind: .unusable, message: "\(unit) can't be used: its file is '\(state)'",
                hint: "'\(manager) status \(unit)' tells why.")
        }
        let isUp = ["active", "reloading", "refreshing"].contains(snapshot.activeState)
        return isUp ? snapshot.invocation.map { .of(boot, $0) } : nil
    }

    /// Looks at the machine.
    public static func hostEpoch(in boot: BootID) async throws(Obstacle) -> Epoch {
        let start: Int64 = try await asking(.system) { bus throws(BusError) in
            try await Systemd.managerProperty("UserspaceTimestampMonotonic", over: bus)?.integer ?? 0
        }
        return .of(boot, "\(start)")
    }

    /// Connects, asks one question, and lets go again.
    static func asking<Answer: Sendable>(
        _ kind: Bus.Kind, _ question: @escaping @Sendable (Bus) async throws(BusError) -> Answer
    ) async throws(Obstacle) -> Answer {
        let bus = Bus(kind)
        let events = bus.events()
        let running = Task { await bus.run() }
        defer { running.cancel() }
        var reason = "it is not there"
        // The first event says whether there is a connection.
        for await event in events {
            if case .lost(let why) = event { reason = why }
            if case .connected = event {
                do { return try await question(bus) } catch { reason = "\(error)" }
            }
            break
        }
        throw Obstacle(
            kind: .noBus, message: "the \(kind.rawValue) bus can't be asked: \(reason)",
            hint: kind == .user
                ? "A user's bus needs a login or lingering (loginctl enable-linger), and XDG_RUNTIME_DIR set."
                : "Is dbus running? Without it, restart by a command: reveille restart … -- COMMAND")
    }
}
