import Synchronization

/// One call whose answer somebody waits for. It ends once, whoever ends it.
final class PendingCall: Sendable {
    typealias Answer = Result<[BusValue], BusError>

    private struct State {
        var waiter: CheckedContinuation<Answer, Never>?
        var answer: Answer?
    }

    /// Whether a stop asks: its task was cancelled before the call began.
    let isOfStop: Bool
    private let state = Mutex(State())

    init(isOfStop: Bool) { self.isOfStop = isOfStop }

    /// Waits for the end. May be called once.
    func answer() async -> Answer {
        await withCheckedContinuation { waiter in
            let answer = state.withLock { state in
                if state.answer == nil { state.waiter = waiter }
                return state.answer
            }
            if let answer { waiter.resume(returning: answer) }
        }
    }

    /// Ends it. The answer is made only where nobody ended it before: one that nobody takes may carry descriptors.
    func end(_ make: () -> Answer) {
        let ended: (waiter: CheckedContinuation<Answer, Never>, answer: Answer)? = state.withLock { state in
            guard state.answer == nil else { return nil }
            let answer = make()
            state.answer = answer
            defer { state.waiter = nil }
            return state.waiter.map { ($0, answer) }
        }
        if let ended { ended.waiter.resume(returning: ended.answer) }
    }
}
