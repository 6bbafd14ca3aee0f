/// Units of a service manager in which turns run, each in one of its own, so that neither a restart of ours nor a kill ends them.
///
/// Promises: a unit is started once per call of ``start(_:_:)``; a name that is in use is refused. Every call returns.
public protocol TurnUnits: Sendable {
    /// Starts a unit.
    ///
    /// - Parameters:
    ///   - turn: the turn's name: letters and digits.
    ///   - command: what it runs, the program's absolute path first.
    /// - Returns: the unit's name.
    /// - Throws: ``WakeError``; then nothing was started.
    func start(_ turn: String, _ command: [String]) async throws(WakeError) -> String

    /// How the turn's unit is.
    func state(of turn: String) async -> TurnUnitState

    /// Stops it, and waits for nothing.
    func stop(_ turn: String) async

    /// Forgets what is kept of one that has ended.
    func forget(_ turn: String) async
}

/// How a turn's unit is.
public enum TurnUnitState: Hashable, Sendable {
    /// It runs, or is about to.
    case active
    /// It has ended; in the service manager's words, such as `oom-kill`.
    case ended(result: String)
    /// There is none of that name.
    case none
    /// The service manager could not be asked.
    case unknown
}
