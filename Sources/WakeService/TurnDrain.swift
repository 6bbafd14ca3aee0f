public import Logging
public import WakeCore

/// Waits, before the machine goes down by our doing, for turns that would end with it. Those of the session that asks are not waited for:
/// it asks from within one.
public struct TurnDrain: Sendable {
    private let budget: Duration
    private let keepers: [any TurnKeeper]
    private let running: @Sendable () -> [Turn]
    private let moments: any MomentSource
    private let logger: Logger

    /// Makes it.
    ///
    /// - Parameters:
    ///   - budget: how long it waits at most; zero: not at all.
    ///   - keepers: who knows when a turn ends.
    ///   - moments: the clock.
    ///   - logger: hears which turns hold the restart up, and which it did not wait for.
    ///   - running: the turns that run now.
    public init(
        budget: Duration, keepers: [any TurnKeeper], moments: any MomentSource, logger: Logger,
        running: @escaping @Sendable () -> [Turn]
    ) {
        self.budget = budget
        self.keepers = keepers
        self.running = running
        self.moments = moments
        self.logger = logger
    }

    /// Returns when none runs any more, or the budget is used up.
    public func wait(for sentinel: Sentinel) async {
        guard sentinel.target == .host, budget > .zero else { return }
        let turns = held(up: sentinel)
        guard !turns.isEmpty else { return }
        tell("a reboot waits for turns", turns)
        let keepers = keepers
        _ = await OutsideCall.answer(within: budget, moments) { () -> Bool in
            for turn in turns {
                for keeper in keepers where keeper.runs(turn.agent) { _ = await keeper.follow(turn) }
            }
            return true
        }
        let left = held(up: sentinel).filter { turn in turns.contains { $0.id == turn.id } }
        if !left.isEmpty { tell("a reboot waits no longer for turns", left) }
    }

    private func held(up sentinel: Sentinel) -> [Turn] { running().filter { $0.session != sentinel.session } }

    private func tell(_ message: Logger.Message, _ turns: [Turn]) {
        logger.notice(
            message,
            metadata: [
                LogKey.event: "rebootDrains",
                LogKey.reason: "\(turns.map { "\($0.id) of \($0.session)" }.joined(separator: ", "))",
            ])
    }
}
