public import WakeCore
public import WakeService

/// What every ``WakeService/RouteCheck`` must do.
public struct RouteCheckConformance: Sendable {
    private let check: any RouteCheck
    private let writable: Route
    private let refused: [Route]
    private let disturb: (@Sendable (Bool) async -> Void)?

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - check: one whose channel is ready.
    ///   - writable: a place that can be written to.
    ///   - refused: places that can't: missing, forbidden, locked.
    ///   - disturb: makes looks fail, and succeed again; nil leaves that promise untried.
    public init(
        _ check: any RouteCheck, writable: Route, refused: [Route], disturb: (@Sendable (Bool) async -> Void)? = nil
    ) {
        self.check = check
        self.writable = writable
        self.refused = refused
        self.disturb = disturb
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``.
    public func check() async throws {
        try BrokenPromise.unless(check.serves(writable.channel), "a check looks at places of its own channel")
        for _ in 1...2 {
            try BrokenPromise.unless(await check.check(writable).isReady, "a place that can be written to is ready, at each look")
        }
        for route in refused {
            switch await check.check(route) {
            case .ready: throw BrokenPromise(description: "not kept: a place that can't be written to is not ready (\(route))")
            case .unknown:
                throw BrokenPromise(description: "not kept: unknown means only that the look itself failed (\(route))")
            case .blocked(let reason), .gone(let reason):
                try BrokenPromise.unless(!reason.isEmpty, "a place that can't be written to has a reason that a person can read")
            }
        }
        guard let disturb else { return }
        await disturb(true)
        let state = await check.check(writable)
        await disturb(false)
        try BrokenPromise.unless(state == .unknown, "a look that failed says unknown; it said \(state.words)")
        try BrokenPromise.unless(await check.check(writable).isReady, "after a look that failed the next one tells")
    }
}

/// What every ``WakeService/ReceiptLookup`` must do.
public struct ReceiptLookupConformance: Sendable {
    private let lookup: any ReceiptLookup
    private let route: Route
    private let now: @Sendable () -> Moment
    private let put: @Sendable (SendOrder) async throws -> String
    private let allowHistory: @Sendable (Bool) async throws -> Void
    private let disturb: (@Sendable (Bool) async -> Void)?

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - lookup: one whose channel is ready.
    ///   - route: a place whose history may be read.
    ///   - now: the time by which messages are put there.
    ///   - put: puts the order's message into the history as ours, and tells its id.
    ///   - allowHistory: takes the permission to read history, and gives it back.
    ///   - disturb: makes searches fail, and succeed again; nil leaves that promise untried.
    public init(
        _ lookup: any ReceiptLookup, route: Route, now: @escaping @Sendable () -> Moment,
        put: @escaping @Sendable (SendOrder) async throws -> String,
        allowHistory: @escaping @Sendable (Bool) async throws -> Void,
        disturb: (@Sendable (Bool) async -> Void)? = nil
    ) {
        self.lookup = lookup
        self.route = route
        self.now = now
        self.put = put
        self.allowHistory = allowHistory
        self.disturb = disturb
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the far side throws.
    public func check() async throws {
        let (here, missing) = (Sample.order(501, over: route), Sample.order(502, over: route))
        let since = now()
        let id = try await put(here)
        guard case .found(let receipt) = await search(here, since) else {
            throw BrokenPromise(description: "not kept: a message that is there is found")
        }
        try BrokenPromise.unless(receipt.id == id, "the receipt names the message that was found")
        try BrokenPromise.unless(receipt.source == .history, "the receipt says that it comes from history")
        try BrokenPromise.unless(
            await search(missing, since) == .absent,
            "what is not there is absent where history may be read, however alike others look")
        try await allowHistory(false)
        let blind = await search(missing, since)
        try await allowHistory(true)
        try BrokenPromise.unless(blind != .absent, "absent only where history may be read")
        guard let disturb else { return }
        await disturb(true)
        let failed = await search(missing, since)
        await disturb(false)
        try BrokenPromise.unless(failed != .absent, "absent only where history was read whole")
        try BrokenPromise.unless(await search(missing, since) == .absent, "after a search that failed the next one tells")
    }

    private func search(_ order: SendOrder, _ since: Moment) async -> ReceiptSearch {
        await lookup.search(

            SearchOrder(
                delivery: order.delivery, session: order.session, route: route, trailer: order.trailer, nonce: order.nonce,
                since: since))
    }
}
