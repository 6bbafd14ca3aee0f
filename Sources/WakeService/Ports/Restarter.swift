public import WakeCore

/// Carries out restarts of some targets. The sentinel is durable, and marked as restarting, before it is called.
///
/// Promise: it is called once per mark. After ``RestartResult/refused(reason:)`` nothing was restarted.
public protocol Restarter: Sendable {
    /// Whether it can restart this target.
    func restarts(_ target: RestartTarget) -> Bool

    /// Begins the restart, or runs the command to its end.
    func perform(_ sentinel: Sentinel) async -> RestartResult
}

/// What came of carrying out a restart.
public enum RestartResult: Hashable, Sendable {
    /// It is under way; the target's next epoch tells the rest.
    case begun
    /// It did not begin.
    case refused(reason: String)
    /// It began, and its supervisor gave up on bringing the target back.
    case failed(reason: String)
    /// The command ended.
    case commandEnded(Sentinel.CommandResult)
}
