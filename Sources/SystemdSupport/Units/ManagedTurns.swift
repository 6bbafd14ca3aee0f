public import WakeService

/// Turns in transient units of a user's service manager. One that fails stays until it is forgotten, so that its end can be told.
///
/// Rule: org.freedesktop.systemd1(5), StartTransientUnit.
public struct ManagedTurns: TurnUnits {
    private let calls: TurnUnitCalls

    /// Makes it; `bus` is the user's.
    public init(_ bus: Bus) { calls = TurnUnitCalls(bus: bus) }

    /// Starts the unit.
    public func start(_ turn: String, _ command: [String]) async throws(WakeError) -> String {
        let line = BusValue.structure([
            .string(command[0]), .array(of: "s", command.map { .string($0) }), .boolean(false),
        ])
        let properties: [BusValue] = [
            .structure([.string("Description"), .variant(.string("Reveille: a turn of an agent"))]),
            .structure([.string("Type"), .variant(.string("exec"))]),
            .structure([.string("ExecStart"), .variant(.array(of: "(sasb)", [line]))]),
            .structure([.string("TimeoutStopUSec"), .variant(.uint64(20_000_000))]),
            .structure([.string("KillMode"), .variant(.string("mixed"))]),
            // As in the template: what one process of it loses for want of memory, the turn tells itself.
            .structure([.string("OOMPolicy"), .variant(.string("continue"))]),
        ]
        // One that failed before it began would still have the name.
        await calls.forget(turn)
        return try await calls.start(
            turn, "StartTransientUnit", [.array(of: "(sv)", properties), .array(of: "(sa(sv))", [])])
    }

    /// How it is.
    public func state(of turn: String) async -> TurnUnitState { await calls.state(of: turn) }

    /// Stops it.
    public func stop(_ turn: String) async { await calls.stop(turn) }

    /// Forgets a failed one.
    public func forget(_ turn: String) async { await calls.forget(turn) }
}
