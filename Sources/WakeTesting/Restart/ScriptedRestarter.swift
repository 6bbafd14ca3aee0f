internal import Synchronization
public import WakeCore
public import WakeService

/// A restarter that restarts nothing, answers as it was told to, and remembers what it was asked.
public final class ScriptedRestarter: Restarter {
    private let targets: Set<RestartTarget>
    private let state: Mutex<(results: [RestartResult], performed: [Sentinel])>

    /// A restarter of some targets; by default of those that need no service manager.
    public init(_ targets: Set<RestartTarget> = [.daemon, .exec], results: [RestartResult] = []) {
        self.targets = targets
        state = Mutex((results, []))
    }

    /// What the next restarts come to, in order; after that each begins.
    public func script(_ results: [RestartResult]) { state.withLock { $0.results += results } }

    /// What was carried out, oldest first.
    public var performed: [Sentinel] { state.withLock { $0.performed } }

    /// Whether it can restart this target.
    public func restarts(_ target: RestartTarget) -> Bool { targets.contains(target) }

    /// Answers as scripted.
    public func perform(_ sentinel: Sentinel) async -> RestartResult {
        state.withLock { state in
            state.performed.append(sentinel)
            return state.results.isEmpty ? .begun : state.results.removeFirst()
        }
    }
}
