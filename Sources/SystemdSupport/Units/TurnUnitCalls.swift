import WakeService

/// What is asked of a service manager about turns' units, however those came to be.
struct TurnUnitCalls: Sendable {
    let bus: Bus

    /// The name of a turn's unit. A turn's name has nothing in it that would need escaping: the unit takes it as it is (`%i`).
    static func name(_ turn: String) -> String { "reveille-turn@\(turn).service" }

    /// Starts a unit.
    ///
    /// - Parameters:
    ///   - turn: the turn's name.
    ///   - member: the manager's method.
    ///   - arguments: what follows the unit's name and the mode in that call.
    /// - Returns: the unit's name.
    /// - Throws: ``WakeError``; then nothing was started.
    func start(_ turn: String, _ member: String, _ arguments: [BusValue] = []) async throws(WakeError) -> String {
        let name = Self.name(turn)
        do {
            _ = try await bus.call(Systemd.call(member, [.string(name), .string("fail")] + arguments))
        } catch {
            throw WakeError(.invalidRequest, "the unit \(name) was not started: \(error)")
        }
        return name
    }

    func state(of turn: String) async -> TurnUnitState {
        do {
            let unit = try UnitName(Self.name(turn))
            let path = try await Systemd.load(unit, over: bus)
            let snapshot = try await Systemd.look(at: path, over: bus)
            return snapshot.turnState
        } catch { return .unknown }
    }

    func stop(_ turn: String) async {
        _ = try? await bus.call(Systemd.call("StopUnit", [.string(Self.name(turn)), .string("replace")]))
    }

    func forget(_ turn: String) async {
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
