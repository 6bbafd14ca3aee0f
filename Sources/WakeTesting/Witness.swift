internal import Synchronization

/// A value that many tasks change and that tests wait for: no sleeps, the fact itself wakes whoever waits for it.
public final class Witness<Value: Sendable>: Sendable {
    private struct Observer {
        let isMet: @Sendable (Value) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var value: Value
        var observers: [Observer] = []
    }

    private let state: Mutex<State>

    /// Starts with a value.
    public init(_ value: Value) { state = Mutex(State(value: value)) }

    /// The value now.
    public var value: Value { state.withLock { $0.value } }

    /// Changes the value, then wakes those whose fact has come true.
    @discardableResult
    public func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        let (result, met) = state.withLock { state in
            let result = body(&state.value)
            let value = state.value
            let (met, open) = state.observers.parted { $0.isMet(value) }
            state.observers = open
            return (result, met)
        }
        for observer in met { observer.continuation.resume() }
        return result
    }

    /// Returns once the fact is true. Waits for as long as it takes: give the test a time limit.
    public func wait(until isMet: @escaping @Sendable (Value) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isMetNow = state.withLock { state in
                if isMet(state.value) { return true }
                state.observers.append(Observer(isMet: isMet, continuation: continuation))
                return false
            }
            if isMetNow { continuation.resume() }
        }
    }
}
