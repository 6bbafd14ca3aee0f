import WakeCore

/// Waits for what the outside world answers, but not for ever: one adapter that hangs must not hold up a stop, or leave a delivery
/// without a state.
enum OutsideCall {
    /// Does the work and waits for its answer.
    ///
    /// - Parameters:
    ///   - limit: how long to wait; nil waits until the task is cancelled.
    ///   - moments: the clock.
    ///   - late: takes an answer that came when nobody waited any more.
    ///   - work: is cancelled when nobody waits any more; not before, whatever becomes of the task.
    /// - Returns: nil where no answer came in time, or the task was cancelled.
    static func answer<Answer: Sendable>(
        within limit: Duration?, _ moments: any MomentSource, late: @escaping @Sendable (Answer) -> Void = { _ in },
        _ work: @escaping @Sendable () async -> Answer
    ) async -> Answer? {
        let (answers, mail) = AsyncStream.makeStream(of: Answer?.self)
        let worker = Task {
            let answer = await work()
            if case .terminated = mail.yield(answer) { late(answer) }
        }
        let deadline = limit.map { moments.now().advanced(by: $0).boottimeMicroseconds }
        let alarm = deadline.map { deadline in
            Task {
                await moments.wait(untilBoottimeMicroseconds: deadline)
                if !Task.isCancelled { mail.yield(nil) }
            }
        }
        defer {
            mail.finish()
            alarm?.cancel()
            worker.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }
}
