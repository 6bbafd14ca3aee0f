import WakeCore

/// What matters about a unit to somebody who must survive its restarts.
public struct UnitFacts: Hashable, Sendable {
    /// `loaded`, `not-found`, `masked` and others.
    public var loadState = "loaded"
    /// `active`, `failed`, `inactive` and others.
    public var activeState = "active"
    /// Finer than the active state, such as `auto-restart`.
    public var subState = "running"
    /// How its last run ended, such as `success` or `start-limit-hit`.
    public var result = "success"
    /// When it is started again by itself: `always`, `on-failure`, `no` and others.
    public var restart = "always"
    /// How long it waits before that; nil where it is not told.
    public var restartDelay: Duration?
    /// How long a stop may take; nil: as long as it likes, or it is not told.
    public var stopTimeout: Duration?
    /// Which processes a stop kills: `control-group`, `mixed`, `process`, `none`.
    public var killMode = "mixed"
    /// More starts than so many within ``startLimitInterval`` are refused; 0: never.
    public var startLimitBurst: Int64 = 0
    /// See ``startLimitBurst``; nil or zero: no limit.
    public var startLimitInterval: Duration?
    /// How often it was started again by itself since somebody started it.
    public var automaticRestarts: Int64 = 0
    /// How long its present run has lasted; nil where it does not run.
    public var runningFor: Duration?
    /// The variables that it is started with, as `NAME=value`.
    public var environment: [String] = []

    /// A unit that is in order.
    public init() {}

    /// Takes what the service manager says.
    ///
    /// - Parameters:
    ///   - snapshot: the unit.
    ///   - now: microseconds of CLOCK_MONOTONIC.
    init(_ snapshot: UnitSnapshot, now: Int64) {
        let properties = snapshot.properties
        loadState = snapshot.loadState
        activeState = snapshot.activeState
        subState = snapshot.subState
        result = snapshot.result
        restart = properties["Restart"]?.text ?? ""
        restartDelay = Self.span(properties["RestartUSec"])
        stopTimeout = Self.span(properties["TimeoutStopUSec"])
        killMode = properties["KillMode"]?.text ?? ""
        startLimitBurst = properties["StartLimitBurst"]?.integer ?? 0
        startLimitInterval = Self.span(properties["StartLimitIntervalUSec"])
        automaticRestarts = snapshot.automaticRestarts
        if activeState == "active", snapshot.enteredMicroseconds > 0, now >= snapshot.enteredMicroseconds {
            runningFor = .microseconds(now - snapshot.enteredMicroseconds)
        }
        if case .array(_, let lines)? = properties["Environment"] { environment = lines.compactMap(\.text) }
    }

    /// systemd writes "for ever" as the largest number there is.
    private static func span(_ value: BusValue?) -> Duration? {
        guard let microseconds = value?.integer, microseconds >= 0, microseconds < Int64.max else { return nil }
        return .microseconds(microseconds)
    }

    /// The value of a variable that it is started with.
    public func variable(_ name: String) -> String? {
        environment.last { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}

/// What a look at a unit came to.
public enum UnitLook: Hashable, Sendable {
    /// It was seen.
    case seen(UnitFacts)
    /// Nobody could be asked; why, and what would make it possible.
    case unseen(reason: String, fix: String)

    /// What was seen.
    public var facts: UnitFacts? { if case .seen(let facts) = self { facts } else { nil } }
}
