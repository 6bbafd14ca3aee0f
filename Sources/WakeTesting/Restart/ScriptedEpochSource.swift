public import WakeCore
public import WakeService

/// A supervisor that tests play: its targets come up, go down and are given up on as they are told to.
public final class ScriptedEpochSource: EpochSource {
    private struct Script {
        var events: [RestartTarget: Event] = [:]
        var observed: [RestartTarget] = []
        var report: (@Sendable (Event) -> Void)?
    }

    private let targets: Set<RestartTarget>
    private let script = Witness(Script())

    /// Watches these targets; each is down at first.
    public init(_ targets: Set<RestartTarget>) { self.targets = targets }

    /// What happens to a target: told if it is observed, else when it will be.
    public func happen(_ event: Event, to target: RestartTarget) {
        let report = script.change { script in
            script.events[target] = event
            return script.observed.contains(target) ? script.report : nil
        }
        report?(event)
    }

    /// The targets that were asked for, each once, in order.
    public var observed: [RestartTarget] { script.value.observed }

    /// Returns once that target is observed.
    public func waitUntilObserved(_ target: RestartTarget) async { await script.wait { $0.observed.contains(target) } }

    /// Whether it is one of its targets.
    public func observes(_ target: RestartTarget) -> Bool { targets.contains(target) }

    /// Tells how the target is, and what happens to it from now on.
    public func observe(_ target: RestartTarget) {
        let (report, event) = script.change { script -> ((@Sendable (Event) -> Void)?, Event) in
            let event = script.events[target] ?? .targetDown(target)
            guard !script.observed.contains(target) else { return (nil, event) }
            script.observed.append(target)
            return (script.report, event)
        }
        report?(event)
    }

    /// Reports until cancelled.
    public func run(reportingTo report: @escaping @Sendable (Event) -> Void) async {
        let known = script.change { script in
            script.report = report
            return script.observed.map { script.events[$0] ?? .targetDown($0) }
        }
        for event in known { report(event) }
        let (cancelled, end) = AsyncStream.makeStream(of: Never.self)
        for await _ in cancelled {}
        end.finish()
        script.change { $0.report = nil }
    }
}
