public import WakeCore
public import WakeService

/// What every ``WakeService/EpochSource`` must do.
public struct EpochSourceConformance: Sendable {
    private let source: any EpochSource
    private let target: RestartTarget
    private let foreign: [RestartTarget]
    private let restart: @Sendable () async throws -> Void
    private let takeDown: @Sendable () async throws -> Void

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - source: one that does not run yet.
    ///   - target: one of its targets, which is up.
    ///   - foreign: targets that are not its own.
    ///   - restart: has the target restarted; returns when it is up again.
    ///   - takeDown: takes the target down for good, in whatever way.
    public init(
        _ source: any EpochSource, target: RestartTarget, foreign: [RestartTarget],
        restart: @escaping @Sendable () async throws -> Void, takeDown: @escaping @Sendable () async throws -> Void
    ) {
        self.source = source
        self.target = target
        self.foreign = foreign
        self.restart = restart
        self.takeDown = takeDown
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the given closures throw.
    public func check() async throws {
        try BrokenPromise.unless(source.observes(target), "it watches what it can watch")
        for other in foreign { try BrokenPromise.unless(!source.observes(other), "it does not watch \(other)") }
        let events = Witness<[Event]>([])
        let (source, target) = (source, target)
        // Before it runs, and twice: that is once.
        source.observe(target)
        source.observe(target)
        let run = Task { await source.run { event in events.change { $0.append(event) } } }
        await events.wait { !Self.epochs($0, target).isEmpty }
        try await restart()
        await events.wait { Set(Self.epochs($0, target)).count >= 2 }
        try await takeDown()
        await events.wait { all in all.contains { Self.isDown($0, target) } }
        run.cancel()
        await run.value
        let all = events.value
        let epochs = Self.epochs(all, target)
        try BrokenPromise.unless(Set(epochs).count == epochs.count, "each epoch is told once")
        for _ in 1...100 { await Task.yield() }
        try BrokenPromise.unless(events.value.count == all.count, "nothing is reported after the run has returned")
    }

    private static func epochs(_ events: [Event], _ target: RestartTarget) -> [Epoch] {
        events.compactMap { if case .epochObserved(target, let epoch, _, _) = $0 { epoch } else { nil } }
    }

    private static func isDown(_ event: Event, _ target: RestartTarget) -> Bool {
        switch event {
        case .targetDown(target), .targetGaveUp(target, _, _): true
        default: false
        }
    }
}
