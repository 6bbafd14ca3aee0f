public import WakeCore
public import WakeService

/// What every ``WakeService/NoticeTransport`` must do, tried on one whose far side the test controls.
public struct NoticeTransportConformance: Sendable {
    /// A far side that misbehaves for the next send.
    public struct Fault: Sendable {
        /// What it does, in words.
        public let name: String
        /// Makes the far side do so with the next request.
        public let arrange: @Sendable () async throws -> Void

        /// Makes a fault.
        public init(_ name: String, arrange: @escaping @Sendable () async throws -> Void) {
            self.name = name
            self.arrange = arrange
        }
    }

    private let transport: any NoticeTransport
    private let route: Route
    private let arrived: @Sendable () async throws -> Int
    private let closeLimits: (@Sendable (Bool) async -> Void)?
    private let faults: [Fault]

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - transport: a connected one, over which nothing was sent yet.
    ///   - route: a place of its far side that can be written to.
    ///   - arrived: how many messages the far side holds.
    ///   - closeLimits: shuts the far side's limits so that permits wait, and opens them again; nil leaves those promises untried.
    ///   - faults: what else the far side can do; after each the outcome must not contradict what arrived.
    public init(
        _ transport: any NoticeTransport, route: Route, arrived: @escaping @Sendable () async throws -> Int,
        closeLimits: (@Sendable (Bool) async -> Void)? = nil, faults: [Fault] = []
    ) {
        self.transport = transport
        self.route = route
        self.arrived = arrived
        self.closeLimits = closeLimits
        self.faults = faults
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the far side throws.
    public func check() async throws {
        try BrokenPromise.unless(transport.serves(route.channel), "the transport sends through its own channel")
        try await permitsWriteNothing()
        try await permitsComeBack()
        try await takenPermitsCount()
        try await sendWritesOnce()
        try await releaseEndsTheWait()
        try await cancelEndsTheWait()
        try await outcomesAreTrue()
    }

    private func permitsWriteNothing() async throws {
        let before = try await arrived()
        transport.releasePermit(Sample.delivery(1))
        try BrokenPromise.unless(
            await transport.acquirePermit(Sample.delivery(1), over: route), "a permit is granted where no limit stands against it"
        )
        transport.releasePermit(Sample.delivery(1))
        transport.releasePermit(Sample.delivery(1))
        try BrokenPromise.unless(try await arrived() == before, "permits write nothing to the far side")
    }

    private func permitsComeBack() async throws {
        // More than any far side allows at once: one that is not given back would be missing.
        for number in 0..<200 as Range<UInt64> {
            try BrokenPromise.unless(
                await transport.acquirePermit(Sample.delivery(number), over: route), "a permit that was given back is there again"
            )
            transport.releasePermit(Sample.delivery(number))
        }
    }

    /// Some transports never let one be taken; where one was, it is as good as one that was waited for.
    private func takenPermitsCount() async throws {
        for number in 0..<200 as Range<UInt64> {
            if transport.takePermit(Sample.delivery(number), over: route) { transport.releasePermit(Sample.delivery(number)) }
        }
        guard let closeLimits, transport.takePermit(Sample.delivery(5), over: route) else { return }
        transport.releasePermit(Sample.delivery(5))
        await closeLimits(true)
        let isTaken = transport.takePermit(Sample.delivery(5), over: route)
        if isTaken { transport.releasePermit(Sample.delivery(5)) }
        await closeLimits(false)
        try BrokenPromise.unless(!isTaken, "no permit is taken that the limits don't allow")
    }

    private func sendWritesOnce() async throws {
        let before = try await arrived()
        let order = Sample.order(2, over: route)
        _ = await transport.acquirePermit(order.delivery, over: route)
        let outcome = await transport.send(order)
        guard case .accepted(let receipt) = outcome else {
            throw BrokenPromise(
                description: "not kept: a notice that nothing stands against is accepted; it was \(outcome.words)")
        }
        try BrokenPromise.unless(!receipt.id.isEmpty, "a receipt names what the far side has")
        try BrokenPromise.unless(try await arrived() == before + 1, "one send writes one message")
    }

    private func releaseEndsTheWait() async throws {
        guard let closeLimits else { return }
        await closeLimits(true)
        let (transport, route) = (transport, route)
        let wait = Task { await transport.acquirePermit(Sample.delivery(3), over: route) }
        let isOver = Witness(false)
        let watcher = Task {
            _ = await wait.value
            isOver.change { $0 = true }
        }
        // The wait may not have begun when it is first ended; so it is ended until it is.
        while !isOver.value {
            transport.releasePermit(Sample.delivery(3))
            await Task.yield()
        }
        await watcher.value
        await closeLimits(false)
        try BrokenPromise.unless(await !wait.value, "giving back a permit that is awaited ends the wait, without it")
    }

    private func cancelEndsTheWait() async throws {
        guard let closeLimits else { return }
        await closeLimits(true)
        let (transport, route) = (transport, route)
        let wait = Task { await transport.acquirePermit(Sample.delivery(4), over: route) }
        wait.cancel()
        let isHeld = await wait.value
        await closeLimits(false)
        try BrokenPromise.unless(!isHeld, "cancelling the task that waits for a permit ends the wait, without it")
        try BrokenPromise.unless(
            await transport.acquirePermit(Sample.delivery(4), over: route),
            "after a cancelled wait the permit can be asked for anew")
        transport.releasePermit(Sample.delivery(4))
    }

    private func outcomesAreTrue() async throws {
        for (index, fault) in faults.enumerated() {
            let order = Sample.order(UInt64(100 + index), over: route)
            let before = try await arrived()
            _ = await transport.acquirePermit(order.delivery, over: route)
            try await fault.arrange()
            let outcome = await transport.send(order)
            let count = try await arrived() - before
            try BrokenPromise.unless(count <= 1, "one send writes one message at most (\(fault.name))")
            switch outcome {
            case .accepted:
                try BrokenPromise.unless(count == 1, "accepted only what has arrived (\(fault.name))")
            case .transient, .unavailable, .permanent:
                try BrokenPromise.unless(
                    count == 0,
                    "an outcome of '\(outcome.words)' only where the message provably was not accepted (\(fault.name))")
            case .ambiguous: break
            }
        }
    }
}
