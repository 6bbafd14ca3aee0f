public import WakeCore

/// Tells the time. The only clock that the shell has.
public protocol MomentSource: Sendable {
    /// Now.
    func now() -> Moment

    /// Returns when boottime has reached the given point, or its task is cancelled.
    func wait(untilBoottimeMicroseconds deadline: Int64) async

    /// One element for each time that the wall clock is set, as far as that is told; several at once may be one. Ends when the task that
    /// iterates is cancelled, and at once where nobody tells.
    func steps() -> AsyncStream<Void>
}

extension MomentSource {
    /// Nobody tells.
    public func steps() -> AsyncStream<Void> { AsyncStream { $0.finish() } }
}

/// Rolls dice. The only randomness that the shell has.
public protocol DiceSource: Sendable {
    /// Fresh dice for one step.
    func roll() -> Dice
}
