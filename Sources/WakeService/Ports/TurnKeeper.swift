public import WakeCore

/// Looks after turns that are commands, from their start to their result; also those that an earlier life of the daemon started.
///
/// Promises: a turn that has a result has that result for good, until it is said to be stored. A call of ``follow(_:)`` always returns
/// once the turn has ended, however it ended.
public protocol TurnKeeper: Sendable {
    /// Whether an agent of that id is one of its commands.
    func runs(_ agent: String) -> Bool

    /// Waits for the turn's end.
    ///
    /// - Returns: what became of it; nil where the waiting task was cancelled first.
    func follow(_ turn: Turn) async -> Turn.End?

    /// Ends a turn: asks its processes to end, and makes them after a while.
    func cancel(_ turn: Turn) async

    /// Its result is stored: what was kept for it may go.
    func forget(_ turn: Turn) async
}
