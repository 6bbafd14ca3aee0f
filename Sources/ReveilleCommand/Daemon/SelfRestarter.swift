import Synchronization
import WakeCore
import WakeService

/// Restarts the daemon itself: it stops cleanly, and its supervisor starts it again.
final class SelfRestarter: Restarter {
    private let stop: @Sendable () async -> Void

    /// - Parameter stop: asks the service group for its graceful end.
    init(stop: @escaping @Sendable () async -> Void) { self.stop = stop }

    func restarts(_ target: RestartTarget) -> Bool { target == .daemon }

    func perform(_ sentinel: Sentinel) async -> RestartResult {
        await stop()
        return .begun
    }
}
