public import WakeCore

/// Finds who can restart a target, and turns what came of it into an event.
public struct RestartCoordinator: Sendable {
    private let restarters: [any Restarter]

    /// Asks the restarters in order.
    public init(_ restarters: [any Restarter]) { self.restarters = restarters }

    /// Carries the sentinel's restart out.
    ///
    /// - Returns: what the core must hear; nil where the target's next epoch tells it.
    public func perform(_ sentinel: Sentinel) async -> Event? {
        guard let restarter = restarters.first(where: { $0.restarts(sentinel.target) }) else {
            return .restartRefused(sentinel.id, reason: "nothing here can restart \(sentinel.target)")
        }
        switch await restarter.perform(sentinel) {
        case .begun: return nil
        case .refused(let reason): return .restartRefused(sentinel.id, reason: reason)
        case .failed(let reason): return .targetGaveUp(sentinel.target, reason: reason)
        case .commandEnded(let result): return .commandEnded(sentinel.id, result)
        }
    }
}
