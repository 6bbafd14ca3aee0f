public import WakeCore

/// Watches targets: tells in which epoch each is, and when one restarts, goes down or is given up on, whoever caused it.
///
/// Promises: ``observe(_:)`` never blocks, and a target that is observed twice is observed once. For each target that it observes it
/// reports how it finds it (as soon as it can look) and every change after that, as `epochObserved`, `targetDown` or `targetGaveUp`, in
/// order. An epoch is reported only while the target is up in it. Nothing is reported before ``run(reportingTo:)`` or after it.
public protocol EpochSource: Sendable {
    /// Whether it can watch this target.
    func observes(_ target: RestartTarget) -> Bool

    /// Watches the target from now on.
    func observe(_ target: RestartTarget)

    /// Runs until cancelled. Where the supervisor can't be reached it tries again by itself.
    func run(reportingTo report: @escaping @Sendable (Event) -> Void) async
}
