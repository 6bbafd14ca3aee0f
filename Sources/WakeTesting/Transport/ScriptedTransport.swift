internal import Synchronization
public import WakeCore
public import WakeService

/// A notice transport that answers as it was told to, and remembers what it was asked.
///
/// Without a script every permit is granted at once and every send is accepted.
public final class ScriptedNoticeTransport: NoticeTransport {
    private struct State {
        var outcomes: [Outcome] = []
        var sent: [SendOrder] = []
        var permits: Set<DeliveryID> = []
        var released: [DeliveryID] = []
        var grants = true
        var waiting: [DeliveryID: CheckedContinuation<Bool, Never>] = [:]
        var cancelled: Set<DeliveryID> = []
        var answersHeld: [CheckedContinuation<Void, Never>] = []
        var holdsAnswers = false
        var observers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// The channel it sends through.
    public let channel: ChannelName
    private let state = Mutex(State())

    /// A transport of a channel.
    public init(channel: ChannelName = .discord()) { self.channel = channel }

    /// What the next sends come to, in order; after that each is accepted.
    public func script(_ outcomes: [Outcome]) { state.withLock { $0.outcomes += outcomes } }

    /// What was sent, oldest first.
    public var sent: [SendOrder] { state.withLock { $0.sent } }

    /// Permits that were given back, used or not.
    public var released: [DeliveryID] { state.withLock { $0.released } }

    /// Permits held now.
    public var permits: Set<DeliveryID> { state.withLock { $0.permits } }

    /// Whether permits are granted at once; setting it grants those that wait.
    public func grantsPermits(_ grants: Bool) {
        let waiting = state.withLock { state in
            state.grants = grants
            guard grants else { return [CheckedContinuation<Bool, Never>]() }
            state.permits.formUnion(state.waiting.keys)
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }

    /// Holds the answers of sends back, or lets them go.
    public func holdsAnswers(_ holds: Bool) {
        let held = state.withLock { state in
            state.holdsAnswers = holds
            guard !holds else { return [CheckedContinuation<Void, Never>]() }
            defer { state.answersHeld = [] }
            return state.answersHeld
        }
        for continuation in held { continuation.resume() }
    }

    /// Returns once that many sends were begun.
    public func waitUntilSent(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isMet = state.withLock { state in
                if state.sent.count < count { state.observers.append((count, continuation)) }
                return state.sent.count >= count
            }
            if isMet { continuation.resume() }
        }
    }

    /// Waits until the test grants a permit.
    public func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.cancelled.remove(delivery) != nil { return false }
                    if state.grants {
                        state.permits.insert(delivery)
                        return true
                    }
                    state.waiting[delivery] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                if state.waiting[delivery] == nil, !state.permits.contains(delivery) { state.cancelled.insert(delivery) }
                return state.waiting.removeValue(forKey: delivery)
            }
            waiting?.resume(returning: false)
        }
    }

    /// Gives a permit back, or ends the wait for one.
    public func releasePermit(_ delivery: DeliveryID) {
        let waiting = state.withLock { state in
            if state.permits.remove(delivery) != nil || state.waiting[delivery] != nil { state.released.append(delivery) }
            return state.waiting.removeValue(forKey: delivery)
        }
        waiting?.resume(returning: false)
    }

    /// Answers as scripted.
    public func send(_ order: SendOrder) async -> Outcome {
        let (outcome, observers) = state.withLock { state in
            state.sent.append(order)
            state.permits.remove(order.delivery)
            let count = state.sent.count
            let (met, open) = state.observers.parted { $0.count <= count }
            state.observers = open
            let accepted = Outcome.accepted(Receipt(id: "\(1000 + count)", source: .reply))
            return (state.outcomes.isEmpty ? accepted : state.outcomes.removeFirst(), met.map(\.continuation))
        }
        for observer in observers { observer.resume() }
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.holdsAnswers { state.answersHeld.append(continuation) }
                return state.holdsAnswers
            }
            if !isHeld { continuation.resume() }
        }
        return outcome
    }
}

/// A route check that finds what it was told to; anything else is ready.
public final class ScriptedRouteCheck: RouteCheck {
    /// The channel whose routes it checks.
    public let channel: ChannelName
    private let state = Mutex((found: [Route: [RouteState]](), checked: [Route]()))

    /// A check of a channel's routes.
    public init(channel: ChannelName = .discord()) { self.channel = channel }

    /// What the next looks at the route find, in order; the last one stays.
    public func script(_ route: Route, _ states: [RouteState]) { state.withLock { $0.found[route] = states } }

    /// What was looked at, oldest first.
    public var checked: [Route] { state.withLock { $0.checked } }

    /// Finds what was scripted.
    public func check(_ route: Route) async -> RouteState {
        state.withLock { state in
            state.checked.append(route)
            guard let states = state.found[route], let first = states.first else {
                return .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true))
            }
            if states.count > 1 { state.found[route] = Array(states.dropFirst()) }
            return first
        }
    }
}

/// A receipt lookup that finds what it was told to; anything else is absent.
public final class ScriptedReceiptLookup: ReceiptLookup {
    /// The channel that it searches.
    public let channel: ChannelName
    private let state = Mutex((results: [ReceiptSearch](), searched: [SearchOrder]()))

    /// A lookup in a channel.
    public init(channel: ChannelName = .discord()) { self.channel = channel }

    /// What the next searches come to, in order; after that each finds nothing.
    public func script(_ results: [ReceiptSearch]) { state.withLock { $0.results += results } }

    /// What was searched for, oldest first.
    public var searched: [SearchOrder] { state.withLock { $0.searched } }

    /// Answers as scripted.
    public func search(_ order: SearchOrder) async -> ReceiptSearch {
        state.withLock { state in
            state.searched.append(order)
            return state.results.isEmpty ? .absent : state.results.removeFirst()
        }
    }
}
