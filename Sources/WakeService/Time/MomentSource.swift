public import WakeCore

/// Tells the time. The only clock that the shell has.
public protocol MomentSource: Sendable {
    /// Now.
    func now() -> Moment

    /// Returns when boottime has reached the given point, or its task is cancelled.
    func wait(untilBoottimeMicroseconds deadline: Int64) async
}

/// Rolls dice. The only randomness that the shell has.
public protocol DiceSource: Sendable {
    /// Fresh dice for one step.
    func roll() -> Dice
}
