/// The calls to systemd's manager, in one place.
///
/// Rule: org.freedesktop.systemd1(5).
enum Systemd {
    static let destination = "org.freedesktop.systemd1"
    static let path = "/org/freedesktop/systemd1"
    static let manager = "org.freedesktop.systemd1.Manager"
    static let properties = "org.freedesktop.DBus.Properties"
    static let unitPrefix = "/org/freedesktop/systemd1/unit/"

    /// Signals of the manager itself.
    static let managerRule = "type='signal',sender='\(destination)',path='\(path)',interface='\(manager)'"

    static func unitRule(_ path: String) -> String {
        "type='signal',sender='\(destination)',path='\(path)',interface='\(properties)',member='PropertiesChanged'"
    }

    static func call(_ member: String, _ arguments: [BusValue] = []) -> BusCall {
        BusCall(destination, path, manager, member, arguments, timeout: .seconds(20))
    }

    /// A unit's path; loads the unit if need be. A name that no file has leads to a unit that is `not-found`.
    static func load(_ unit: UnitName, over bus: Bus) async throws(BusError) -> String {
        guard let path = try await bus.call(call("LoadUnit", [.string(unit.description)])).first?.text else {
            throw BusError(name: "", message: "the service manager named no path for \(unit)")
        }
        return path
    }

    /// Everything about a unit that matters here.
    static func look(at path: String, over bus: Bus) async throws(BusError) -> UnitSnapshot {
        var snapshot = UnitSnapshot(try await all(of: "org.freedesktop.systemd1.Unit", at: path, over: bus))
        do {
            snapshot.merge(try await all(of: "org.freedesktop.systemd1.Service", at: path, over: bus))
        } catch  where error.name == "org.freedesktop.DBus.Error.UnknownInterface" {
            // No service: there is nothing more to know.
        }
        return snapshot
    }

    private static func all(of interface: String, at path: String, over bus: Bus) async throws(BusError) -> [String: BusValue] {
        let answer = try await bus.call(
            BusCall(destination, path, properties, "GetAll", [.string(interface)], timeout: .seconds(20)))
        return answer.first?.members ?? [:]
    }

    /// One property of the manager.
    static func managerProperty(_ name: String, over bus: Bus) async throws(BusError) -> BusValue? {
        try await bus.call(
            BusCall(destination, path, properties, "Get", [.string(manager), .string(name)], timeout: .seconds(20))
        ).first
    }

    /// Has the manager send its signals; that it does already is no error.
    static func subscribe(over bus: Bus) async throws(BusError) {
        do {
            _ = try await bus.call(call("Subscribe"))
        } catch  where error.name == "org.freedesktop.systemd1.AlreadySubscribed" {
            // So be it.
        }
    }
}
