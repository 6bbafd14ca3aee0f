internal import Synchronization
public import WakeCore
public import WakeService

/// A clock that moves only when the test moves it. Tests never sleep: they wait for the fact that somebody waits.
public final class ManualMoments: MomentSource {
    private struct Sleeper {
        let deadline: Int64
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct Observer {
        let deadline: Int64?
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now: Moment
        var nextToken = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var observers: [Observer] = []
        var listeners: [AsyncStream<Void>.Continuation] = []
    }

    private let state: Mutex<State>

    /// Starts at a moment.
    public init(
        _ now: Moment = Moment(wallMilliseconds: 1_800_000_000_000, boot: BootID("b1"), boottimeMicroseconds: 1_000_000)
    ) { state = Mutex(State(now: now)) }

    /// Now.
    public func now() -> Moment { state.withLock { $0.now } }

    /// The deadlines that somebody waits for, earliest first.
    public var deadlines: [Int64] { state.withLock { $0.sleepers.values.map(\.deadline).sorted() } }

    /// Moves both clocks on, and ends the waits that are over.
    public func advance(by duration: Duration) {
        set(now().advanced(by: duration))
    }

    /// Steps the wall clock alone, as an operator or a time server does, and tells of it.
    public func stepWall(by duration: Duration) {
        let listeners = state.withLock { state in
            state.now.wallMilliseconds += duration.wholeMilliseconds
            return state.listeners
        }
        for listener in listeners { listener.yield() }
    }

    /// What ``stepWall(by:)`` tells.
    public func steps() -> AsyncStream<Void> {
        let (stream, listener) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.listeners.append(listener) }
        return stream
    }

    /// Goes to a moment, such as one of another boot, and ends the waits that are over.
    public func set(_ moment: Moment) {
        let due = state.withLock { state in
            state.now = moment
            let over = state.sleepers.filter { $0.value.deadline <= moment.boottimeMicroseconds }
            for token in over.keys { state.sleepers[token] = nil }
            return over.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// Returns when boottime has reached the given point, or its task is cancelled.
    public func wait(untilBoottimeMicroseconds deadline: Int64) async {
        let token = state.withLock { state in
            state.nextToken += 1
            return state.nextToken
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { begin(token, deadline, $0) }
        } onCancel: {
            let sleeper = state.withLock { state in
                if state.sleepers[token] == nil { state.cancelled.insert(token) }
                return state.sleepers.removeValue(forKey: token)
            }
            sleeper?.continuation.resume()
        }
        state.withLock { _ = $0.cancelled.remove(token) }
    }

    private func begin(_ token: Int, _ deadline: Int64, _ continuation: CheckedContinuation<Void, Never>) {
        let (isOver, seen) = state.withLock { state in
            if deadline <= state.now.boottimeMicroseconds || state.cancelled.contains(token) {
                return (true, [CheckedContinuation<Void, Never>]())
            }
            state.sleepers[token] = Sleeper(deadline: deadline, continuation: continuation)
            let (met, open) = state.observers.parted { $0.deadline.map { $0 == deadline } ?? true }
            state.observers = open
            return (false, met.map(\.continuation))
        }
        if isOver { continuation.resume() }
        for observer in seen { observer.resume() }
    }

    /// Returns once somebody waits for that point of boottime; for any point where none is given.
    public func waitUntilArmed(atBoottimeMicroseconds deadline: Int64? = nil) async {
        await withCheckedContinuation { continuation in
            let isArmed = state.withLock { state in
                let isMet = state.sleepers.values.contains { sleeper in deadline.map { $0 == sleeper.deadline } ?? true }
                if !isMet { state.observers.append(Observer(deadline: deadline, continuation: continuation)) }
                return isMet
            }
            if isArmed { continuation.resume() }
        }
    }
}

extension Array {
    func parted(by belongsFirst: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(belongsFirst), filter { !belongsFirst($0) })
    }
}
