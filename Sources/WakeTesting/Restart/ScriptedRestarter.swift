public import WakeCore
public import WakeService

/// A restarter that restarts nothing and answers as it is told.
public final class ScriptedRestarter: Restarter {
    private struct Script {
        var next: [RestartResult] = []
        var performed: [Sentinel] = []
        var isHolding = false
        var held: [CheckedContinuation<RestartResult, Never>] = []
    }

    private let targets: Set<RestartTarget>
    private let script = Witness(Script())

    /// Restarts these targets; each restart begins well.
    public init(_ targets: Set<RestartTarget> = [.daemon, .exec]) { self.targets = targets }

    /// What comes of the next restarts, in order; after them each begins.
    public func answer(_ results: RestartResult...) { script.change { $0.next += results } }

    /// While true, restarts stay under way until ``finish(with:)``, or their task is cancelled.
    public func hold(_ holds: Bool = true) { script.change { $0.isHolding = holds } }

    /// Ends the restarts that are held.
    public func finish(with result: RestartResult) {
        for continuation in script.change({ script in
            defer { script.held = [] }
            return script.held
        }) {
            continuation.resume(returning: result)
        }
    }

    /// What was carried out, in order.
    public var performed: [Sentinel] { script.value.performed }

    /// Returns once that many restarts were carried out.
    public func waitForRestarts(_ count: Int) async { await script.wait { $0.performed.count >= count } }

    /// Whether it can restart this target.
    public func restarts(_ target: RestartTarget) -> Bool { targets.contains(target) }

    /// Notes the restart and answers.
    public func perform(_ sentinel: Sentinel) async -> RestartResult {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = script.change { script -> RestartResult? in
                    script.performed.append(sentinel)
                    if !script.next.isEmpty { return script.next.removeFirst() }
                    guard script.isHolding, !Task.isCancelled else { return .begun }
                    script.held.append(continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            finish(with: .begun)
        }
    }
}
