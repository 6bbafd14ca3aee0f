public import WakeCore
public import WakeService

/// A transport that keeps every promise of its port and does as it is told: permits at once or by hand, an outcome for each send.
public final class ScriptedNoticeTransport: NoticeTransport, ChannelServant {
    /// What was asked of it, in order.
    public enum Call: Hashable, Sendable {
        /// A permit was asked for.
        case asked(DeliveryID)
        /// A permit was granted.
        case granted(DeliveryID)
        /// A permit, or the wait for one, was given back.
        case released(DeliveryID)
        /// A notice was handed over to be sent.
        case sent(SendOrder)
        /// Its outcome was told.
        case answered(DeliveryID, Outcome)
        /// A send without a permit: whoever did that broke the rules.
        case sentWithoutPermit(DeliveryID)
    }

    private struct Waiting {
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Script {
        var calls: [Call] = []
        var grantsAtOnce: Bool
        var needsNoWait = false
        var holdsSends = false
        var outcomes: [Outcome] = []
        var held: Set<DeliveryID> = []
        var waiting: [DeliveryID: Waiting] = [:]
        var sending: [DeliveryID: CheckedContinuation<Outcome, Never>] = [:]
        var messages = 0

        mutating func nextOutcome() -> Outcome {
            guard outcomes.isEmpty else { return outcomes.removeFirst() }
            messages += 1
            return .accepted(Receipt(id: "message \(messages)", source: .reply))
        }
    }

    /// The channel it sends through.
    public let channel: ChannelName
    private let script: Witness<Script>

    /// A transport that grants every permit and accepts every notice.
    ///
    /// - Parameters:
    ///   - channel: the channel it sends through.
    ///   - grantsAtOnce: false leaves permits to ``grant(_:)``.
    public init(channel: ChannelName = .discord(), grantsAtOnce: Bool = true) {
        self.channel = channel
        script = Witness(Script(grantsAtOnce: grantsAtOnce))
    }

    // MARK: The script

    /// The outcomes of the next sends, in order; after them every notice is accepted.
    public func answer(_ outcomes: Outcome...) { script.change { $0.outcomes += outcomes } }

    /// While true, sends stay under way until ``finish(_:with:)``.
    public func holdSends(_ holds: Bool = true) { script.change { $0.holdsSends = holds } }

    /// While false, permits wait for ``grant(_:)``.
    public func grantAtOnce(_ grants: Bool) { script.change { $0.grantsAtOnce = grants } }

    /// While true, permits can be taken without waiting for anything.
    public func needNoWait(_ needsNone: Bool = true) { script.change { $0.needsNoWait = needsNone } }

    /// Grants the permit that the delivery waits for.
    ///
    /// - Returns: whether one was waited for.
    @discardableResult
    public func grant(_ delivery: DeliveryID) -> Bool {
        let waiting = script.change { script -> Waiting? in
            guard let waiting = script.waiting.removeValue(forKey: delivery) else { return nil }
            script.held.insert(delivery)
            script.calls.append(.granted(delivery))
            return waiting
        }
        waiting?.continuation.resume(returning: true)
        return waiting != nil
    }

    /// Ends a send that is held.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public func finish(_ delivery: DeliveryID, with outcome: Outcome) -> Bool {
        let continuation = script.change { $0.sending.removeValue(forKey: delivery) }
        continuation?.resume(returning: outcome)
        return continuation != nil
    }

    // MARK: What happened

    /// Everything that was asked of it, in order.
    public var calls: [Call] { script.value.calls }

    /// What was sent, in order.
    public var sent: [SendOrder] { Self.sent(calls) }

    /// The permits that are held now.
    public var heldPermits: Set<DeliveryID> { script.value.held }

    /// Returns once the calls look so.
    public func wait(until isMet: @escaping @Sendable ([Call]) -> Bool) async { await script.wait { isMet($0.calls) } }

    /// Returns once that many notices were handed over.
    ///
    /// - Returns: all of them.
    @discardableResult
    public func waitForSends(_ count: Int) async -> [SendOrder] {
        await script.wait { Self.sent($0.calls).count >= count }
        return sent
    }

    private static func sent(_ calls: [Call]) -> [SendOrder] {
        calls.compactMap { if case .sent(let order) = $0 { order } else { nil } }
    }

    // MARK: NoticeTransport

    /// Takes the permit, if it was told that none needs to wait.
    public func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool {
        script.change { script in
            guard script.needsNoWait, script.waiting[delivery] == nil else { return false }
            script.held.insert(delivery)
            script.calls += [.asked(delivery), .granted(delivery)]
            return true
        }
    }

    /// Waits for the permit.
    public func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The handler below may have run already: whoever is cancelled from the start gets nothing.
                let answer = script.change { script -> Bool? in
                    script.calls.append(.asked(delivery))
                    if Task.isCancelled || script.waiting[delivery] != nil { return false }
                    guard script.grantsAtOnce else {
                        script.waiting[delivery] = Waiting(continuation: continuation)
                        return nil
                    }
                    script.held.insert(delivery)
                    script.calls.append(.granted(delivery))
                    return true
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            script.change { $0.waiting.removeValue(forKey: delivery) }?.continuation.resume(returning: false)
        }
    }

    /// Gives a permit back, or ends the wait for one.
    public func releasePermit(_ delivery: DeliveryID) {
        let waiting = script.change { script in
            script.calls.append(.released(delivery))
            script.held.remove(delivery)
            return script.waiting.removeValue(forKey: delivery)
        }
        waiting?.continuation.resume(returning: false)
    }

    /// Sends one notice.
    public func send(_ order: SendOrder) async -> Outcome {
        let outcome = await withCheckedContinuation { continuation in
            let outcome = script.change { script -> Outcome? in
                if script.held.remove(order.delivery) == nil { script.calls.append(.sentWithoutPermit(order.delivery)) }
                script.calls.append(.sent(order))
                guard script.holdsSends else { return script.nextOutcome() }
                script.sending[order.delivery] = continuation
                return nil
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
        script.change { $0.calls.append(.answered(order.delivery, outcome)) }
        return outcome
    }
}
