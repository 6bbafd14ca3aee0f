import WakeCore
import WakeService

/// One look that several checks share: it is taken when the first of them asks, and at most once.
final class Once<Value: Sendable>: Sendable {
    private let look: Task<Value, Never>

    /// - Parameter look: takes the look; it begins at once.
    init(_ look: @escaping @Sendable () async -> Value) { self.look = Task { await look() } }

    /// What it came to.
    var value: Value { get async { await look.value } }
}

/// A limit of time for looks into the world outside, which may not answer.
enum TimeLimit {
    /// The answer, or nil where it does not come in time; what is still under way then is left to the end of the program.
    static func within<Value: Sendable>(_ limit: Duration, _ work: @escaping @Sendable () async -> Value) async -> Value? {
        let (answers, answer) = AsyncStream.makeStream(of: Value?.self)
        let tasks = [
            Task { _ = answer.yield(await work()) },
            Task {
                try? await Task.sleep(for: limit, clock: .continuous)
                _ = answer.yield(nil)
            },
        ]
        defer { for task in tasks { task.cancel() } }
        for await first in answers { return first }
        return nil
    }
}
