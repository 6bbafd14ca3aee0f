public import WakeCore

/// Finds who can restart a target, and turns what came of it into an event.
public struct RestartCoordinator: Sendable {
    private let restarters: [any Restarter]
    private let hooks: (any Hooks)?
    private let drain: TurnDrain?

    /// Asks the restarters in order.
    ///
    /// - Parameters:
    ///   - restarters: who can restart what.
    ///   - hooks: what runs before each restart; none by default.
    ///   - drain: who waits for turns before a reboot; nobody by default.
    public init(_ restarters: [any Restarter], hooks: (any Hooks)? = nil, drain: TurnDrain? = nil) {
        self.restarters = restarters
        self.hooks = hooks
        self.drain = drain
    }

    /// Carries the sentinel's restart out.
    ///
    /// - Returns: what the core must hear; nil where the target's next epoch tells it.
    public func perform(_ sentinel: Sentinel) async -> Event? {
        guard let restarter = restarters.first(where: { $0.restarts(sentinel.target) }) else {
            return .restartRefused(sentinel.id, reason: "nothing here can restart \(sentinel.target)")
        }
        await drain?.wait(for: sentinel)
        if let reason = await hooks?.beforeRestart(HookOccasion(sentinel)) {
            return .restartRefused(sentinel.id, reason: reason)
        }
        // A stop has ended the hooks, so what they were to save may not be: then nothing is restarted.
        guard (hooks == nil && drain == nil) || !Task.isCancelled else { return nil }
        switch await restarter.perform(sentinel) {
        case .begun: return nil
        case .refused(let reason): return .restartRefused(sentinel.id, reason: reason)
        case .failed(let reason): return .targetGaveUp(sentinel.target, reason: reason)
        case .commandEnded(let result): return .commandEnded(sentinel.id, result)
        }
    }
}
