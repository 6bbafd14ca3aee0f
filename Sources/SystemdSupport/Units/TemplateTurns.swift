public import WakeService

/// Turns in instances of the template `reveille-turn@.service` of the system's service manager.
///
/// There the daemon may start no unit of its own making, for whoever may can do anything. Instances of this one polkit lets it start.
/// Rule: org.freedesktop.systemd1(5), StartUnit.
public struct TemplateTurns: TurnUnits {
    private let calls: TurnUnitCalls

    /// Makes it; `bus` is the system's.
    public init(_ bus: Bus) { calls = TurnUnitCalls(bus: bus) }

    /// Looks whether the template can be used, over a connection of its own: before the daemon is up, its bus is not either.
    ///
    /// - Throws: ``Preflight/Obstacle`` that says why not, and what to do.
    public static func check() async throws(Preflight.Obstacle) {
        guard let instance = try? UnitName(TurnUnitCalls.name("any")) else { return try judge("not-found") }
        let snapshot: UnitSnapshot = try await Preflight.asking(.system) { bus throws(BusError) in
            try await Systemd.look(at: try await Systemd.load(instance, over: bus), over: bus)
        }
        try judge(snapshot.loadState)
    }

    /// Judges the load state of an instance that nobody has started.
    static func judge(_ loadState: String) throws(Preflight.Obstacle) {
        switch loadState {
        case "loaded": break
        case "not-found":
            throw Preflight.Obstacle(
                kind: .noUnit, message: "there is no unit reveille-turn@.service",
                hint: "'reveille install' brings it; then 'systemctl restart reveille'.")
        case let state:
            throw Preflight.Obstacle(
                kind: .unusable, message: "reveille-turn@.service can't be used: it is '\(state)'",
                hint: "'systemctl status reveille-turn@any' tells why; 'reveille install' writes it again.")
        }
    }

    /// Starts the instance. What it runs the template says: `command` counts for nothing here.
    public func start(_ turn: String, _ command: [String]) async throws(WakeError) -> String {
        try await calls.start(turn, "StartUnit")
    }

    /// How it is.
    public func state(of turn: String) async -> TurnUnitState { await calls.state(of: turn) }

    /// Stops it.
    public func stop(_ turn: String) async { await calls.stop(turn) }

    /// Forgets a failed one.
    public func forget(_ turn: String) async { await calls.forget(turn) }
}
