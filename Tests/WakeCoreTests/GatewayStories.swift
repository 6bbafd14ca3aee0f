@testable import WakeCore

extension Sample {
    static let gateway = RestartTarget.gateway("main")
    static let gatewayChannel = ChannelName("gateway:main/discord:default") ?? .discord()
    static let gatewayRoute = Route(channel: gatewayChannel, kind: .channel, destination: "1")

    /// The epoch of the gateway's life of that number.
    static func life(_ number: Int64) -> Epoch { .startedAt(boot: boot, microseconds: number * 10_000_000) }

    static func missed(_ text: String, author: String = "ann (7)", secondsAgo: Int64 = 5) -> MissedMessage {
        MissedMessage(author: author, text: text, at: start.wallMilliseconds - secondsAgo * 1_000)
    }
}

/// Stories in which a gateway stands between.
extension Story {
    /// A story in which a session is owed that much over a gateway's channel; its gate is shut.
    static func throughGateway(_ owes: Set<DeliveryKind> = [.notice], origin: Sentinel.Origin = .requested) -> Story {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Sample.gateway, Sample.life(1), settled: true))
        story.wish(1, owes, origin)
        story.on(.epochObserved(Sample.gateway, Sample.life(2), settled: true))
        return story
    }

    /// Somebody's restart of the gateway is to be told.
    mutating func wish(_ number: UInt64, _ owes: Set<DeliveryKind>, _ origin: Sentinel.Origin) {
        var request = Sample.request(
            number, target: Sample.gateway, performedByUs: false, owes: owes, route: Sample.gatewayRoute, at: now)
        request.origin = origin
        on(.requested(request, inboxRow: nil))
    }

    /// The one delivery of that kind.
    func delivery(_ kind: DeliveryKind = .notice) -> Delivery? { coordinator.deliveries.values.first { $0.id.kind == kind } }

    func id(_ kind: DeliveryKind = .notice) -> DeliveryID {
        delivery(kind)?.id ?? DeliveryID(wake: Sample.id(0), kind: kind)
    }

    /// The gate opens, and what is asked is answered so.
    @discardableResult
    mutating func openGateway(_ briefing: Briefing = .needed(missed: []), generation: UInt64 = 1) -> [Directive] {
        let orders = Story.briefs(open(Sample.gatewayRoute, generation: generation))
        return orders.flatMap { on(.briefed($0.delivery, briefing)) }
    }

    /// The daemon starts anew, with all that is durable.
    func startedAnew() -> Story {
        var next = Story(coordinator.policy)
        next.now = now
        next.coordinator.adopt(coordinator.epochs.map { .epoch($0.key, $0.value) })
        next.coordinator.adopt(coordinator.sentinels.values.map { .sentinel($0) })
        next.coordinator.adopt(coordinator.wakes.values.map { .wake($0) })
        next.coordinator.adopt(coordinator.deliveries.values.map { .delivery($0) })
        next.begin("two")
        return next
    }

    static func briefs(_ directives: [Directive]) -> [BriefingOrder] {
        directives.compactMap { if case .brief(let order) = $0 { order } else { nil } }
    }

    static func searches(_ directives: [Directive]) -> [SearchOrder] {
        directives.compactMap { if case .search(let order) = $0 { order } else { nil } }
    }
}
