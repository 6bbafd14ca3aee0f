import DiscordProtocol
import Synchronization
public import WakeCore
public import WakeService

extension DiscordChannel: NoticeTransport {
    /// The permits that are held or waited for, by delivery.
    struct Permits {
        var held: [DeliveryID: RateLimiter.Permit] = [:]
        var waiting: [DeliveryID: RateLimitQueue.Waiter] = [:]
    }

    /// Waits for Discord's limits. Where the person's conversation can't be opened, it says yes: ``send(_:)`` tells why.
    public func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool {
        guard case .success(let place) = await places.resolve(route) else { return !Task.isCancelled }
        let waiter = rest.desk.newWaiter()
        permits.withLock { $0.waiting[delivery] = waiter }
        let permit = await rest.desk.acquire(.createMessage(in: place), as: waiter)
        return permits.withLock { permits in
            if permits.waiting[delivery] == waiter { permits.waiting[delivery] = nil }
            guard let permit else { return false }
            permits.held[delivery] = permit
            return true
        }
    }

    /// Takes a permit if Discord's limits allow the request now, and where it goes is known.
    public func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool {
        guard let id = Snowflake(route.destination),
            let place = route.kind == .user ? places.conversation(with: id) : id,
            let permit = rest.desk.take(.createMessage(in: place))
        else { return false }
        permits.withLock { $0.held[delivery] = permit }
        return true
    }

    /// Gives a permit back, or ends the wait for one.
    public func releasePermit(_ delivery: DeliveryID) {
        let (permit, waiter) = permits.withLock { permits in
            (permits.held.removeValue(forKey: delivery), permits.waiting.removeValue(forKey: delivery))
        }
        if let waiter { rest.desk.sendAway(waiter) }
        if let permit { rest.desk.giveBack(permit) }
    }

    /// Posts the notice: one request, with its nonce enforced and pings off unless configured.
    public func send(_ order: SendOrder) async -> Outcome {
        let permit = permits.withLock { $0.held.removeValue(forKey: order.delivery) }
        let place: Snowflake
        switch await places.resolve(order.route) {
        case .success(let found): place = found
        case .failure(let refusal):
            if let permit { rest.desk.giveBack(permit) }
            return refusal.outcome
        }
        let overflow: MessageText.Overflow =
            order.capabilities.mayAttachFiles
            ? .attach : .cut(hint: "`reveille wake show \(order.delivery.wake)` shows all of it")
        let text = MessageText(order.text, trailer: order.trailer, overflow: overflow)
        let request = MessageRequest(text, nonce: order.nonce, mentions: settings.mentions)
        let outcome = await rest.call(
            .createMessage(in: place), body: .init(contentType: request.contentType, bytes: request.body), permit: permit)
        return Outcome(SendVerdict(outcome))
    }
}

extension Outcome {
    init(_ verdict: SendVerdict) {
        switch verdict {
        case .accepted(let message): self = .accepted(Receipt(id: message.description, source: .reply))
        // The nonce is known to Discord, so the message was there; its id went with it.
        case .deletedAfterDelivery: self = .accepted(Receipt(id: "deleted-after-delivery", source: .reply))
        case .transient(let reason, let retryAfter): self = .transient(reason: reason, retryAfter: retryAfter)
        case .channelUnavailable(let reason, _): self = .unavailable(.channel, reason: reason)
        case .routeUnavailable(let reason): self = .unavailable(.route, reason: reason)
        case .permanent(let reason): self = .permanent(reason: reason)
        case .ambiguous(let reason): self = .ambiguous(reason: reason)
        }
    }
}
