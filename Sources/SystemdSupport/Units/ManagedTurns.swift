public import WakeService

/// Turns in transient units of a user's service manager. One that fails stays until it is forgotten, so that its end can be told.
///
/// Rule: org.freedesktop.systemd1(5), StartTransientUnit.
public struct ManagedTurns: TurnUnits {
    private let bus: Bus

    /// Makes it; `bus` is the user's.
    public init(_ bus: Bus) { self.bus = bus }

    private static func name(_ turn: String) -> String { "reveille-turn@\(turn).service" }

    /// Starts the unit.
    public func start(_ turn: String, _ command: [String]) async throws(WakeError) -> String {
        let name = Self.name(turn)
        do {
            let line = BusValue.structure([
                .string(command[0]), .array(of: "s", command.map { .string($0) }), .boolean(false),
            ])
            let properties: [BusValue] = [
                .structure([.string("Description"), .variant(.string("Reveille: a turn of an agent"))]),
                .structure([.string("Type"), .variant(.string("exec"))]),
                .structure([.string("ExecStart"), .variant(.array(of: "(sasb)", [line]))]),
                .structure([.string("TimeoutStopUSec"), .variant(.uint64(20_000_000))]),
                .structure([.string("KillMode"), .variant(.string("mixed"))]),
            ]
            _ = try await bus.call(
                Systemd.call(
                    "StartTransientUnit",
                    [.string(name), .string("fail"), .array(of: "(sv)", properties), .array(of: "(sa(sv))", [])]))
        } catch {
            throw WakeError(.invalidRequest, "the unit \(name) was not started: \(error)")
        }
        return name
    }

    /// How it is.
    public func state(of turn: String) async -> TurnUnitState {
        do {
            let unit = try UnitName(Self.name(turn))
            let path = try await Systemd.load(unit, over: bus)
            let snapshot = try await Systemd.look(at: path, over: bus)
            return snapshot.turnState
        } catch { return .unknown }
    }

    /// Stops it.
    public func stop(_ turn: String) async {
        _ = try? await bus.call(Systemd.call("StopUnit", [.string(Self.name(turn)), .string("replace")]))
    }

    /// Forgets a failed one.
    public func forget(_ turn: String) async {
        _ = try? await bus.call(Systemd.call("ResetFailedUnit", [.string(Self.name(turn))]))
    }
}

extension UnitSnapshot {
    /// How a turn's unit is.
    var turnState: TurnUnitState {
        switch activeState {
        case "active", "activating", "reloading", "deactivating": .active
        case "failed": .ended(result: result)
        default: loadState == "not-found" || invocation == nil ? .none : .ended(result: result)
        }
    }
}
