public import WakeCore
public import WakeService

/// Restarts units through their service manager, and follows the job to its end.
public struct UnitRestarter: Restarter {
    private let bus: Bus
    private let scope: UnitScope
    /// How long a job may take; stopping and starting have limits of their own, at most these together by default.
    private static let longestJob: Duration = .seconds(600)
    private let moments: any MomentSource

    /// Makes one for the units of one service manager.
    public init(_ bus: Bus, scope: UnitScope, moments: any MomentSource) {
        self.bus = bus
        self.scope = scope
        self.moments = moments
        bus.watch(Systemd.managerRule)
    }

    /// Whether it is a unit of this manager's.
    public func restarts(_ target: RestartTarget) -> Bool { target != .host && scope.contains(target) }

    /// Has the unit restarted; returns when the job has ended, or nobody can tell any more.
    public func perform(_ sentinel: Sentinel) async -> RestartResult {
        guard let unit = scope.unit(sentinel.target) else { return .refused(reason: "\(sentinel.target) is no unit of ours") }
        // Listened to before the call, so that no end is missed.
        let events = bus.events()
        let job: String
        do {
            try await Systemd.subscribe(over: bus)
            job =
                try await bus.call(Systemd.call("RestartUnit", [.string(unit.description), .string("replace")])).first?.text ?? ""
        } catch {
            return .refused(reason: Self.words(error, unit))
        }
        let limit = moments.now().advanced(by: Self.longestJob).boottimeMicroseconds
        let result = await withTaskGroup(of: String?.self) { group in
            group.addTask { await Self.end(of: job, in: events) }
            group.addTask { [moments] in
                await moments.wait(untilBoottimeMicroseconds: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        switch result {
        // Whoever watches the unit sees what became of it.
        case nil, "done", "failed", "canceled", "timeout": return .begun
        case "dependency": return .failed(reason: "a unit that it needs did not start")
        case .some(let result): return .failed(reason: "the service manager's job ended as '\(result)'")
        }
    }

    private static func end(of job: String, in events: AsyncStream<Bus.Event>) async -> String? {
        for await event in events {
            switch event {
            case .signal(let signal) where signal.member == "JobRemoved" && signal.arguments.count >= 4:
                if signal.arguments[1].text == job { return signal.arguments[3].text }
            case .lost: return nil
            default: break
            }
        }
        return nil
    }

    /// Why it was refused, and what would allow it.
    static func words(_ error: BusError, _ unit: UnitName) -> String {
        if error.isAccessDenied {
            return "the system's policy (polkit) does not let Reveille restart \(unit); "
                + "'reveille install --may-restart \(unit)' writes the rule that does"
        }
        if error.isNoSuchUnit { return "there is no unit \(unit)" }
        if error.name == "org.freedesktop.systemd1.UnitMasked" {
            return "\(unit) is masked; 'systemctl unmask \(unit)' lets it start"
        }
        return "\(unit) was not restarted: \(error)"
    }
}

/// Reboots the machine through logind.
///
/// Rule: org.freedesktop.login1(5).
public struct HostRestarter: Restarter {
    private let bus: Bus

    /// Makes one; `bus` is the system's.
    public init(_ bus: Bus) { self.bus = bus }

    /// The machine only.
    public func restarts(_ target: RestartTarget) -> Bool { target == .host }

    /// Asks for a reboot; what follows is the end of us.
    public func perform(_ sentinel: Sentinel) async -> RestartResult {
        do {
            _ = try await bus.call(Logind.call("Reboot", [.boolean(false)]))
            return .begun
        } catch {
            if error.isAccessDenied {
                return .refused(
                    reason: "the system's policy (polkit) does not let Reveille reboot the machine; "
                        + "'reveille install --may-reboot' writes the rule that does")
            }
            return .refused(reason: "the machine was not rebooted: \(error)")
        }
    }
}

/// The calls to logind.
enum Logind {
    static let destination = "org.freedesktop.login1"
    static let path = "/org/freedesktop/login1"
    static let manager = "org.freedesktop.login1.Manager"
    static let shutdownRule =
        "type='signal',sender='\(destination)',path='\(path)',interface='\(manager)',member='PrepareForShutdown'"

    static func call(_ member: String, _ arguments: [BusValue] = []) -> BusCall {
        BusCall(destination, path, manager, member, arguments, timeout: .seconds(20))
    }
}
