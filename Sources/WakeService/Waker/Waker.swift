public import Logging
public import WakeCore

/// The readiness-gated waker: feeds every event to the one directive runner, on one thread, and owns every task that comes of it.
///
/// Nothing starts before ``run()`` and nothing outlives it.
public actor Waker {
    /// What may happen at once with the outside world.
    public struct Outside: Sendable {
        /// Sends notices, one for each channel of ours.
        public var transports: [any NoticeTransport]
        /// Checks routes.
        public var routeChecks: [any RouteCheck]
        /// Looks for receipts.
        public var lookups: [any ReceiptLookup]
        /// Carries out restarts.
        public var restarts: RestartCoordinator

        /// Joins the adapters.
        public init(
            transports: [any NoticeTransport] = [], routeChecks: [any RouteCheck] = [], lookups: [any ReceiptLookup] = [],
            restarts: RestartCoordinator = RestartCoordinator([])
        ) {
            self.transports = transports
            self.routeChecks = routeChecks
            self.lookups = lookups
            self.restarts = restarts
        }
    }

    enum Message: Sendable {
        case event(Event)
        case inboxHint
        case retryStalled
        case stop
    }

    /// How often a full disk is tried again: every second.
    private static let fullRetryMicroseconds: Int64 = 1_000_000

    private let ledger: any Ledger
    private let outside: Outside
    private let bus: ReadinessBus
    private let moments: any MomentSource
    private let dice: any DiceSource
    private let policy: Policy
    private let instance: Epoch
    private let logger: Logger
    private let executor = ThreadExecutor(name: "waker")
    private let mailbox: AsyncStream<Message>
    private nonisolated let mail: AsyncStream<Message>.Continuation

    private var runner: DirectiveRunner?
    private var stalled: [Event] = []
    private var isFull = false
    private var wasFull = false
    private var lastInboxRow: Int64 = 0
    private var timer: (due: Int64, task: Task<Void, Never>)?
    private var sendsUnderWay = 0
    private var isStopping = false

    /// The waker's own thread: its commits block.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Joins the parts.
    ///
    /// - Parameters:
    ///   - ledger: the opened ledger, whose instance lock is held.
    ///   - outside: the adapters.
    ///   - bus: where channel states and receipts come from.
    ///   - moments: the clock.
    ///   - dice: the randomness.
    ///   - policy: the operator's choices.
    ///   - instance: a fresh id of this start: the epoch of target `self`.
    ///   - logger: where decisions go.
    public init(
        ledger: any Ledger, outside: Outside, bus: ReadinessBus, moments: any MomentSource, dice: any DiceSource, policy: Policy,
        instance: Epoch, logger: Logger
    ) {
        self.ledger = ledger
        self.outside = outside
        self.bus = bus
        self.moments = moments
        self.dice = dice
        self.policy = policy
        self.instance = instance
        self.logger = logger
        (mailbox, mail) = AsyncStream.makeStream()
    }

    /// Hands an event in. Never blocks; events are handled in the order in which they came.
    public nonisolated func post(_ event: Event) { mail.yield(.event(event)) }

    /// Says that the inbox may hold something new. A hint: the rows themselves tell.
    public nonisolated func inboxMayHaveChanged() { mail.yield(.inboxHint) }

    /// Asks for the end: nothing new is begun, sends under way are waited for, then ``run()`` returns.
    public nonisolated func stop() { mail.yield(.stop) }

    /// Recovers, then works until stopped.
    ///
    /// - Parameter recovered: called once, when the ledger is loaded, claims of an earlier life are void, and the inbox is applied.
    /// - Throws: ``WakeError`` where the ledger can't be trusted any more: the process must end and start anew.
    public func run(recovered: @Sendable () async -> Void = {}) async throws {
        defer { timer?.task.cancel() }
        try await withThrowingDiscardingTaskGroup { group in
            let reports = bus.watch()
            group.addTask { [mail] in
                for await report in reports { mail.yield(.event(report.event)) }
            }
            try recover(&group)
            await recovered()
            for await message in mailbox {
                try take(message, &group)
                if isStopping, sendsUnderWay == 0 { break }
            }
            group.cancelAll()
        }
    }

    private func recover(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        runner = try DirectiveRunner(policy: policy, ledger: ledger, at: moments.now())
        let start = Event.daemonStarted(instance: instance)
        if try !handle(start, &group) { stalled.append(start) }
        try readInbox(&group)
    }

    private func take(_ message: Message, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        switch message {
        case .event(let event): try accept(event, &group)
        case .inboxHint: try readInbox(&group)
        case .retryStalled: try retryStalled(&group)
        case .stop: isStopping = true
        }
    }

    // MARK: Events

    private func accept(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        switch event {
        case .attemptEnded: sendsUnderWay -= 1
        case .timePassed: timer = nil
        case .permitGranted(let id) where isStopping: return releasePermit(id)
        default: break
        }
        // What came while the disk was full keeps its place in the line.
        if isFull { return stalled.append(event) }
        if try !handle(event, &group) { stalled.append(event) }
    }

    /// Returns whether the event was handled; not, if the disk was full.
    private func handle(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) -> Bool {
        var performer = Performer()
        do {
            try runner?.run(event, at: moments.now(), dice: dice.roll(), ledger: ledger, performer: &performer)
        } catch  where error.code == .diskFull {
            stall(error, &group)
            return false
        }
        for directive in performer.directives { perform(directive, &group) }
        armTimer()
        return true
    }

    /// A full disk is no reason to exit: facts wait in memory until they can be written, and nothing is begun meanwhile.
    private func stall(_ error: WakeError, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        if !wasFull {
            logger.error("the ledger is full: nothing is begun until there is room", metadata: [LogKey.error: "\(error)"])
        }
        (isFull, wasFull) = (true, true)
        let retryAt = moments.now().boottimeMicroseconds + Self.fullRetryMicroseconds
        group.addTask { [moments, mail] in
            await moments.wait(untilBoottimeMicroseconds: retryAt)
            mail.yield(.retryStalled)
        }
    }

    private func retryStalled(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        let waiting = stalled
        (stalled, isFull) = ([], false)
        for (index, event) in waiting.enumerated() where try !handle(event, &group) {
            stalled = Array(waiting[index...])
            return
        }
        try readInbox(&group)
        guard !isFull else { return }
        wasFull = false
        logger.notice("the ledger has room again")
    }

    private func readInbox(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        while !isFull {
            let rows = try ledger.inbox(after: lastInboxRow, limit: 256)
            guard !rows.isEmpty else { return }
            for row in rows {
                // A row that could not be applied stays where it is: in the inbox, durable.
                guard try handle(event(of: row), &group) else { return }
                lastInboxRow = row.row
            }
        }
    }

    private func event(of row: InboxRow) throws(WakeError) -> Event {
        switch row.item {
        case .request(let request): return .requested(request, inboxRow: row.row)
        case .unreadable(let reason): return .inboxRowRefused(row: row.row, reason: reason)
        case .command(let command):
            let wake: WakeID? =
                switch command {
                case .cancelWake(let id), .retryWake(let id), .markDelivered(let id): id
                case .cancelSentinel: nil
                }
            let ended =
                if let wake, runner?.coordinator.wakes[wake] == nil { try ledger.endedWake(wake) } else { EndedWake?.none }
            return .commanded(command, ended: ended, inboxRow: row.row)
        }
    }

    // MARK: Directives

    private struct Performer: DirectivePerformer {
        var directives: [Directive] = []
        mutating func perform(_ directive: Directive) { directives.append(directive) }
    }

    private func perform(_ directive: Directive, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        switch directive {
        case .record: preconditionFailure("the runner records by itself")
        case .tell(let decision): logger.log(decision)
        case .performRestart(let sentinel):
            group.addTask { [outside, mail] in
                if let event = await outside.restarts.perform(sentinel) { mail.yield(.event(event)) }
            }
        case .checkRoute(let route):
            let check = outside.routeChecks.first { $0.channel == route.channel }
            group.addTask { [mail] in
                let state = await check?.check(route) ?? .blocked(reason: "no transport of ours serves \(route.channel)")
                mail.yield(.event(.routeChecked(route, state)))
            }
        case .requestPermit(let id, let route): requestPermit(id, route, &group)
        case .returnPermit(let id): releasePermit(id)
        case .send(let order): send(order, &group)
        case .search(let order):
            let lookup = outside.lookups.first { $0.channel == order.route.channel }
            group.addTask { [mail] in
                let search =
                    await lookup?.search(order) ?? .cannotTell(reason: "no transport of ours serves \(order.route.channel)")
                mail.yield(.event(.searched(order.delivery, search)))
            }
        }
    }

    private func requestPermit(_ id: DeliveryID, _ route: Route, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        guard !isStopping, let transport = transport(of: route.channel) else { return }
        group.addTask { [mail] in
            if await transport.acquirePermit(id, over: route) { mail.yield(.event(.permitGranted(id))) }
        }
    }

    private func send(_ order: SendOrder, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        sendsUnderWay += 1
        let transport = transport(of: order.route.channel)
        group.addTask { [mail] in
            // A stop does not cut a request off: its answer is worth waiting for, within the transport's own time limit.
            let outcome = await Task { await transport?.send(order) }.value
            mail.yield(
                .event(.attemptEnded(order.delivery, outcome ?? .transient(reason: "no transport serves it", retryAfter: nil))))
        }
    }

    private func transport(of channel: ChannelName) -> (any NoticeTransport)? {
        outside.transports.first { $0.channel == channel }
    }

    private func releasePermit(_ id: DeliveryID) {
        for transport in outside.transports { transport.releasePermit(id) }
    }

    // MARK: Time

    /// One timer at a time, for the earliest deadline; a later one that it hides is armed when it has gone off.
    private func armTimer() {
        guard let due = runner?.coordinator.nextDeadlineMicroseconds else { return }
        if let timer, timer.due <= due { return }
        timer?.task.cancel()
        timer = (
            due,
            Task { [moments, mail] in
                await moments.wait(untilBoottimeMicroseconds: due)
                if !Task.isCancelled { mail.yield(.event(.timePassed)) }
            }
        )
    }
}

extension ReadinessReport {
    fileprivate var event: Event {
        switch self {
        case .channel(let name, let state): .channelChanged(name, state)
        case .receipt(let id, let receipt): .receiptSeen(id, receipt)
        }
    }
}
