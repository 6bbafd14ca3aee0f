public import WakeCore
public import WakeService

/// A promise of a port that was not kept.
public struct BrokenPromise: Error, CustomStringConvertible {
    /// The rule, and what was found instead.
    public let description: String

    static func demand(_ isKept: Bool, _ rule: @autoclosure () -> String) throws {
        if !isKept { throw BrokenPromise(description: rule()) }
    }
}

/// What every notice transport must do, tried over a route that can be written to.
public struct NoticeTransportConformance<Subject: NoticeTransport> {
    private let transport: Subject
    private let route: Route
    private let arrived: (SendOrder) async throws -> Int

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - transport: connected and ready.
    ///   - route: a place that may be written to.
    ///   - arrived: how many messages with the order's trailer the far side shows.
    public init(_ transport: Subject, route: Route, arrived: @escaping (SendOrder) async throws -> Int) {
        self.transport = transport
        self.route = route
        self.arrived = arrived
    }

    /// Tries every rule.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the far side throws.
    public func check() async throws {
        try BrokenPromise.demand(transport.channel == route.channel, "it tells its channel")
        try await permitsComeAndGo()
        try await sendsOnce()
        try await cancellingEndsTheWait()
    }

    private func order(_ number: UInt64) -> SendOrder {
        let wake = WakeID(high: 0xC0FF_EE00, low: number)
        guard let session = try? SessionKey("agent:conformance:discord:channel:\(route.destination)") else {
            preconditionFailure("the route \(route) has no number for a destination")
        }
        return SendOrder(
            delivery: DeliveryID(wake: wake, kind: .notice), session: session, route: route, capabilities: RouteCapabilities(),
            text: "conformance \(number)", trailer: NoticeText.trailer(of: wake), nonce: wake.description + "n", attempt: 1)
    }

    private func permitsComeAndGo() async throws {
        let first = order(1)
        try BrokenPromise.demand(await transport.acquirePermit(first.delivery, over: route), "an idle route grants a permit")
        transport.releasePermit(first.delivery)
        transport.releasePermit(first.delivery)
        try BrokenPromise.demand(
            await transport.acquirePermit(first.delivery, over: route), "a permit given back can be had again")
        transport.releasePermit(first.delivery)
        try BrokenPromise.demand(try await arrived(first) == 0, "permits write nothing")
    }

    private func sendsOnce() async throws {
        let order = order(2)
        _ = await transport.acquirePermit(order.delivery, over: route)
        guard case .accepted(let receipt) = await transport.send(order) else {
            throw BrokenPromise(description: "a send over a ready route is accepted")
        }
        try BrokenPromise.demand(!receipt.id.isEmpty && receipt.source == .reply, "the reply is the receipt")
        try BrokenPromise.demand(try await arrived(order) == 1, "one send is one message")
    }

    private func cancellingEndsTheWait() async throws {
        let order = order(3)
        let task = Task { [transport, route] in await transport.acquirePermit(order.delivery, over: route) }
        task.cancel()
        if await task.value { transport.releasePermit(order.delivery) }
    }
}

/// What every receipt lookup must do.
public struct ReceiptLookupConformance<Subject: ReceiptLookup> {
    private let lookup: Subject

    /// Prepares the suite.
    public init(_ lookup: Subject) { self.lookup = lookup }

    /// Finds what arrived; says of what did not that it is absent, or that it can't tell, but never that it was found.
    ///
    /// - Parameters:
    ///   - arrived: a search for something that is there.
    ///   - absent: a search for something that never was, in a place whose history may be read.
    ///   - unreadable: a search in a place whose history may not be read, where there is one.
    /// - Throws: the first ``BrokenPromise``.
    public func check(arrived: SearchOrder, absent: SearchOrder, unreadable: SearchOrder? = nil) async throws {
        guard case .found(let receipt) = await lookup.search(arrived) else {
            throw BrokenPromise(description: "what arrived is found")
        }
        try BrokenPromise.demand(!receipt.id.isEmpty && receipt.source == .history, "what is found has a receipt by history")
        try BrokenPromise.demand(await lookup.search(absent) == .absent, "what never arrived is absent")
        guard let unreadable else { return }
        guard case .cannotTell = await lookup.search(unreadable) else {
            throw BrokenPromise(description: "where history may not be read, nothing is known")
        }
    }
}

/// What every route check must do.
public struct RouteCheckConformance<Subject: RouteCheck> {
    private let check: Subject

    /// Prepares the suite.
    public init(_ check: Subject) { self.check = check }

    /// Tells a ready place from a forbidden one and from one that is gone, each with its reason.
    ///
    /// - Throws: the first ``BrokenPromise``.
    public func check(ready: Route, blocked: Route? = nil, gone: Route? = nil) async throws {
        try BrokenPromise.demand(await check.check(ready).isReady, "a place that may be written to is ready")
        if let blocked {
            guard case .blocked(let reason) = await check.check(blocked), !reason.isEmpty else {
                throw BrokenPromise(description: "a place that may not be written to is blocked, with a reason")
            }
        }
        if let gone {
            guard case .gone(let reason) = await check.check(gone), !reason.isEmpty else {
                throw BrokenPromise(description: "a place that does not exist is gone, with a reason")
            }
        }
    }
}

/// What every restarter must do.
public struct RestarterConformance<Subject: Restarter> {
    private let restarter: Subject

    /// Prepares the suite.
    public init(_ restarter: Subject) { self.restarter = restarter }

    /// Says what it can restart, and refuses the rest with a reason instead of failing.
    ///
    /// - Parameters:
    ///   - mine: targets that it can restart.
    ///   - others: sentinels of targets that it can't.
    /// - Throws: the first ``BrokenPromise``.
    public func check(mine: [RestartTarget], others: [Sentinel]) async throws {
        for target in mine { try BrokenPromise.demand(restarter.restarts(target), "it can restart \(target)") }
        for sentinel in others {
            try BrokenPromise.demand(!restarter.restarts(sentinel.target), "it can't restart \(sentinel.target)")
        }
    }
}
