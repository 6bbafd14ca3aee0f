import CSystemd
import Glibc
public import Logging
import Synchronization
public import WakeCore
public import WakeService

/// Watches units of one service manager, and the machine where that is the system's.
///
/// A signal is only a hint: after each the unit is looked at. Only how a run ended is taken from the signal itself, as the next
/// look may find the run after it.
public final class UnitWatch: EpochSource {
    private enum Input: Sendable {
        case observe(RestartTarget)
        case bus(Bus.Event)
        case look(UnitName)
    }

    /// One watched unit.
    private struct Watched {
        let target: RestartTarget
        var path: String?
        var life = UnitLife()
        var isLookPending = false
    }

    private let bus: Bus
    private let scope: UnitScope
    private let boot: BootID
    private let absence: RestartStory.Absence?
    private let moments: any MomentSource
    private let logger: Logger
    private let inputs: AsyncStream<Input>
    private let input: AsyncStream<Input>.Continuation

    /// Prepares a watch.
    ///
    /// - Parameters:
    ///   - bus: the bus of the service manager.
    ///   - scope: which targets are this manager's.
    ///   - boot: the boot in which all this happens.
    ///   - absence: between what the machine was away before that boot, where it is known.
    ///   - moments: the clock.
    ///   - logger: for what could not be seen.
    public init(
        _ bus: Bus, scope: UnitScope, boot: BootID, absence: RestartStory.Absence?, moments: any MomentSource, logger: Logger
    ) {
        self.bus = bus
        self.scope = scope
        self.boot = boot
        self.absence = absence
        self.moments = moments
        self.logger = logger
        (inputs, input) = AsyncStream.makeStream()
    }

    /// Whether it is a unit of this manager's, or the machine.
    public func observes(_ target: RestartTarget) -> Bool { scope.contains(target) }

    /// Watches the target from now on.
    public func observe(_ target: RestartTarget) { input.yield(.observe(target)) }

    /// Watches until cancelled.
    public func run(reportingTo report: @escaping @Sendable (Event) -> Void) async {
        let events = bus.events()
        bus.watch(Systemd.managerRule)
        await withDiscardingTaskGroup { group in
            group.addTask { [input] in
                for await event in events { input.yield(.bus(event)) }
            }
            var table = Table(report: report)
            for await next in inputs { await take(next, &table) }
            group.cancelAll()
        }
    }

    private struct Table {
        let report: @Sendable (Event) -> Void
        var units: [UnitName: Watched] = [:]
        var names: [String: UnitName] = [:]
        var isHostWatched = false
        var isConnected = false
    }

    private func take(_ next: Input, _ table: inout Table) async {
        switch next {
        case .observe(.host):
            table.isHostWatched = true
            if table.isConnected { await lookAtHost(table) }
        case .observe(let target):
            guard let name = scope.unit(target), table.units[name] == nil else { return }
            table.units[name] = Watched(target: target)
            if table.isConnected { await begin(name, &table) }
        case .look(let name):
            table.units[name]?.isLookPending = false
            if table.isConnected { await look(at: name, &table) }
        case .bus(.connected): await connected(&table)
        case .bus(.lost(let reason)):
            table.isConnected = false
            logger.warning(
                "the message bus can't be reached: units are not watched until it is there",
                metadata: [
                    LogKey.event: "busAbsent", LogKey.place: "\(scope.words)", LogKey.reason: "\(reason)",
                ])
        case .bus(.signal(let signal)): heard(signal, &table)
        case .bus(.nameRefused): break
        }
    }

    private func connected(_ table: inout Table) async {
        table.isConnected = true
        do {
            try await Systemd.subscribe(over: bus)
        } catch {
            guard error != .notWaitedFor else { return }
            logger.warning(
                "the service manager sends no signals", metadata: [LogKey.place: "\(scope.words)", LogKey.error: "\(error)"])
        }
        for name in table.units.keys.sorted(by: { $0.description < $1.description }) { await begin(name, &table) }
        if table.isHostWatched { await lookAtHost(table) }
    }

    private func begin(_ name: UnitName, _ table: inout Table) async {
        do {
            let path = try await Systemd.load(name, over: bus)
            table.units[name]?.path = path
            table.names[path] = name
            bus.watch(Systemd.unitRule(path))
            await look(at: name, &table)
        } catch {
            guard error != .notWaitedFor else { return }
            logger.warning("a unit can't be watched", metadata: [LogKey.place: "\(name)", LogKey.error: "\(error)"])
        }
    }

    private func look(at name: UnitName, _ table: inout Table) async {
        guard let path = table.units[name]?.path else { return }
        let snapshot: UnitSnapshot
        do {
            snapshot = try await Systemd.look(at: path, over: bus)
        } catch {
            guard error != .notWaitedFor else { return }
            return logger.info("a unit could not be looked at", metadata: [LogKey.place: "\(name)", LogKey.error: "\(error)"])
        }
        guard let target = table.units[name]?.target, let news = table.units[name]?.life.looked(snapshot) else { return }
        switch news {
        case .up(let invocation, let settled, let story):
            // Whether that was a reboot, the waker decides: it knows the epoch before.
            var story = story
            story?.absence = absence
            table.report(.epochObserved(target, .of(boot, invocation), settled: settled, story: story))
        case .down: table.report(.targetDown(target))
        case .gaveUp(let reason): table.report(.targetGaveUp(target, reason: reason, since: since(snapshot)))
        }
    }

    /// When the unit came into its state.
    private func since(_ snapshot: UnitSnapshot) -> Moment? {
        guard let state = snapshot.stateSinceMicroseconds else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let age = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000 - state
        return moments.now().advanced(by: .zero - .microseconds(max(0, age)))
    }

    private func heard(_ signal: BusSignal, _ table: inout Table) {
        if signal.member == "Reloading", signal.arguments.first?.boolean == false {
            for name in table.units.keys { lookSoon(name, &table) }
        }
        guard signal.member == "PropertiesChanged", let name = table.names[signal.path], signal.arguments.count >= 2 else {
            return
        }
        table.units[name]?.life.heard(UnitSnapshot(signal.arguments[1].members ?? [:]))
        lookSoon(name, &table)
    }

    /// A restart sends many signals: one look for all that have come by then.
    private func lookSoon(_ name: UnitName, _ table: inout Table) {
        guard table.units[name]?.isLookPending == false else { return }
        table.units[name]?.isLookPending = true
        input.yield(.look(name))
    }

    private func lookAtHost(_ table: Table) async {
        do {
            let start = try await Systemd.managerProperty("UserspaceTimestampMonotonic", over: bus)?.integer ?? 0
            let story = RestartStory(.reboot, absence: absence)
            table.report(.epochObserved(.host, .of(boot, "\(start)"), settled: true, story: story))
        } catch {
            guard error != .notWaitedFor else { return }
            logger.warning("the machine's epoch can't be seen", metadata: [LogKey.error: "\(error)"])
        }
    }
}

/// Which targets belong to which service manager.
public struct UnitScope: Hashable, Sendable {
    /// The bus that the manager is on.
    public let bus: Bus.Kind
    /// Whether we are a user's service ourselves.
    public let isUserService: Bool

    /// Makes a scope.
    public init(_ bus: Bus.Kind, isUserService: Bool) {
        self.bus = bus
        self.isUserService = isUserService
    }

    /// Whether the target is one of this manager's.
    public func contains(_ target: RestartTarget) -> Bool { target == .host ? bus == .system : unit(target) != nil }

    /// The unit that a target names, if it is this manager's.
    public func unit(_ target: RestartTarget) -> UnitName? {
        guard case .unit(let name) = target else { return nil }
        let isSystem = name.hasPrefix("system/") || !isUserService
        guard isSystem == (bus == .system) else { return nil }
        return try? UnitName(name.hasPrefix("system/") ? String(name.dropFirst(7)) : name)
    }

    var words: String { bus == .system ? "the system's service manager" : "the user's service manager" }
}
