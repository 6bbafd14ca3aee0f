public import Logging
import Synchronization
public import WakeCore

/// The readiness-gated waker: feeds every event to the one directive runner, on one thread, and owns every task that comes of it.
///
/// Nothing starts before ``run()`` and nothing outlives it.
public actor Waker {
    private struct ArmedTimer {
        let number: Int
        let due: Int64
        let task: Task<Void, Never>
    }

    /// How often a full disk is tried again.
    private static let fullRetry: Duration = .seconds(1)
    /// How often a clock that is not set is looked at: what was asked for before the boot waits for it.
    static let clockLook: Duration = .seconds(10)
    /// How much longer than the attempt timeout a send is waited for: its transport should be the first to give up.
    static let sendGrace: Duration = .seconds(5)
    /// How long a look at a place or into a history may take, rate limits included.
    static let lookLimit: Duration = .seconds(300)

    private let ledger: any Ledger
    let outside: Outside
    private let bus: ReadinessBus
    private let listener: ReadinessBus.Listener
    let moments: any MomentSource
    private let dice: any DiceSource
    let policy: Policy
    private let instance: Epoch
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let told: @Sendable (Decision) -> Void
    private let executor = ThreadExecutor(name: "waker")
    private let mailbox: AsyncStream<Message>
    nonisolated let mail: AsyncStream<Message>.Continuation
    private nonisolated let hintIsPending = Atomic(false)

    private var runner: DirectiveRunner?
    private var stalled = StalledEvents()
    private var isFull = false
    private var wasFull = false
    private var lastInboxRow: Int64 = 0
    private var timer: ArmedTimer?
    private var timersArmed = 0
    var permits = PermitBook()
    /// Deliveries whose permit was had at once: their attempt begins before the next message is read.
    var grantedAtOnce: [DeliveryID] = []
    /// Decisions to be told once all that was decided has begun: whoever reads the log holds up no send.
    private var untold: [Decision] = []
    var sendsUnderWay = 0
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
    ///   - changed: called after each event that was handled; must not block.
    ///   - told: called with each decision, after it is durable and written to the log; must not block.
    public init(
        ledger: any Ledger, outside: Outside, bus: ReadinessBus, moments: any MomentSource, dice: any DiceSource, policy: Policy,
        instance: Epoch, logger: Logger, changed: @escaping @Sendable () -> Void = {},
        told: @escaping @Sendable (Decision) -> Void = { _ in }
    ) {
        self.ledger = ledger
        self.outside = outside
        self.moments = moments
        self.dice = dice
        self.policy = policy
        self.instance = instance
        self.logger = logger
        self.changed = changed
        self.told = told
        (mailbox, mail) = AsyncStream.makeStream()
        self.bus = bus
        // Subscribed before anything can be published, so that no receipt is missed while the ledger is loaded; straight into the
        // mailbox, with no task in between.
        listener = bus.tell { [mail] in mail.yield(.event($0.event)) }
    }

    /// Hands an event in. Never blocks; events are handled in the order in which they came. After the end of ``run(recovered:)`` it is
    /// passed over.
    public nonisolated func post(_ event: Event) { mail.yield(.event(event)) }

    nonisolated func ask(_ answer: AsyncStream<Outlook>.Continuation) {
        if case .terminated = mail.yield(.question(answer)) { answer.finish() }
    }

    /// Says that the inbox may hold something new. A hint: the rows themselves tell, so many hints are one.
    public nonisolated func inboxMayHaveChanged() {
        if !hintIsPending.exchange(true, ordering: .acquiringAndReleasing) { mail.yield(.inboxHint) }
    }

    /// Asks for the end: nothing new is begun, sends under way are waited for and recorded, permits are given back, then
    /// ``run(recovered:)`` returns.
    public nonisolated func stop() { mail.yield(.stop) }

    /// Recovers, then works until stopped. May be called once. Cancelling its task is the same as ``stop()``.
    ///
    /// - Parameter recovered: called once, when the ledger is loaded, claims of an earlier life are void, and the inbox is applied; on a
    ///   full disk before that, and nothing is begun until there is room.
    /// - Throws: ``WakeError`` where the ledger can't be trusted any more: the process must end and start anew.
    public func run(recovered: @escaping @Sendable () async -> Void = {}) async throws {
        // Not a child task: being cancelled must not lose the outcome of a send.
        let task = Task { try await work(recovered) }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            stop()
        }
    }

    private func work(_ recovered: @Sendable () async -> Void) async throws {
        let failure: (any Error)?
        do {
            try await withThrowingDiscardingTaskGroup { group in
                try recover(&group)
                await recovered()
                watchClock(&group)
                for await message in mailbox {
                    try take(message, &group)
                    if isStopping, sendsUnderWay == 0 { break }
                }
                // What waited for room gets a last chance.
                if isFull { try retryStalled(&group) }
                group.cancelAll()
            }
            failure = nil
        } catch {
            failure = error
        }
        await close()
        if let failure { throw failure }
    }

    private func close() async {
        bus.stopTelling(listener)
        mail.finish()
        timer?.task.cancel()
        await timer?.task.value
        for task in permits.releaseAll() { await task.value }
    }

    private func recover(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        runner = try DirectiveRunner(policy: policy, ledger: ledger, at: moments.now())
        try handleOrKeep(.daemonStarted(instance: instance), &group)
        try readInbox(&group)
    }

    private func take(_ message: Message, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        switch message {
        case .event(let event): try accept(event, &group)
        case .sent(let id, let outcome):
            sendsUnderWay -= 1
            try accept(.attemptEnded(id, outcome), &group)
        case .permit(let answer): if permits.settle(answer) { try accept(.permitGranted(answer.delivery), &group) }
        case .timer(let number):
            guard timer?.number == number else { return }
            timer = nil
            try accept(.timePassed, &group)
        case .inboxHint:
            hintIsPending.store(false, ordering: .releasing)
            if !isStopping { try readInbox(&group) }
        case .retryStalled: try retryStalled(&group)
        case .question(let answer):
            if let runner { answer.yield(Outlook(runner.coordinator, isLedgerFull: isFull)) }
            answer.finish()
        case .stop: isStopping = true
        }
    }

    // MARK: Events

    private func accept(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        // Whatever could begin something is left to the next start.
        if isStopping, !event.isResult { return }
        // What came while the disk was full keeps its place in the line.
        if isFull { return stalled.keep(event) }
        try handleOrKeep(event, &group)
    }

    private func handleOrKeep(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        if try !handle(event, &group) { stalled.keep(event) }
    }

    /// Returns whether the event was handled; not, if the disk was full.
    private func handle(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) -> Bool {
        defer { tellAll() }
        let isHandled = try lead(event, &group)
        while !grantedAtOnce.isEmpty {
            let granted = Event.permitGranted(grantedAtOnce.removeFirst())
            let isBegun = isFull ? false : try lead(granted, &group)
            if !isBegun { stalled.keep(granted) }
        }
        tellAll()
        try runner?.writeForPeople(ledger)
        armTimer()
        return isHandled
    }

    private func tellAll() {
        for decision in untold {
            logger.log(decision)
            decision.count()
            told(decision)
        }
        untold = []
    }

    private func lead(_ event: Event, _ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) -> Bool {
        var performer = Performer()
        do {
            try runner?.run(event, at: moments.now(), dice: dice.roll(), ledger: ledger, performer: &performer)
        } catch  where error.code == .diskFull {
            stall(error, &group)
            return false
        }
        for directive in performer.directives { perform(directive, &group) }
        changed()
        return true
    }

    /// A full disk is no reason to exit: facts wait in memory until they can be written, and nothing is begun meanwhile.
    private func stall(_ error: WakeError, _ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        if !wasFull {
            logger.error(
                "the ledger is full: nothing is begun until there is room",
                metadata: [LogKey.event: "ledgerFull", LogKey.error: "\(error)"])
        }
        (isFull, wasFull) = (true, true)
        let retryAt = moments.now().advanced(by: Self.fullRetry).boottimeMicroseconds
        group.addTask { [moments, mail] in
            await moments.wait(untilBoottimeMicroseconds: retryAt)
            mail.yield(.retryStalled)
        }
    }

    private func retryStalled(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        isFull = false
        var waiting = stalled.takeAll()
        while let event = waiting.popFirst() {
            if isStopping, !event.isResult { continue }
            // Asked for anew by what was handled just now: then the new answer counts.
            if case .permitGranted(let id) = event, !permits.holds(id), !needsNoPermit(id) { continue }
            let isHandled = try handle(event, &group)
            if !isHandled { stalled.keep(event) }
            guard !isFull else {
                for event in waiting { stalled.keep(event) }
                return
            }
        }
        if !isStopping { try readInbox(&group) }
        guard !isFull else { return }
        wasFull = false
        armTimer()
        logger.notice("the ledger has room again")
    }

    func delivery(_ id: DeliveryID) -> Delivery? { runner?.coordinator.deliveries[id] }

    private func readInbox(_ group: inout ThrowingDiscardingTaskGroup<any Error>) throws(WakeError) {
        while !isFull {
            let rows = try ledger.inbox(after: lastInboxRow, limit: 256)
            guard !rows.isEmpty else { return }
            let withdrawn = Set(
                rows.compactMap { row in
                    if case .command(.cancelSentinel(let id)) = row.item { id } else { nil }
                })
            let asked = Set(rows.compactMap { row in if case .request(let request) = row.item { request.id } else { nil } })
            for row in rows {
                // A row that could not be applied stays where it is: in the inbox, durable.
                guard try handle(event(of: row, taking: asked.intersection(withdrawn)), &group) else { return }
                lastInboxRow = row.row
            }
        }
    }

    // `withdrawn` is what is asked for and taken back again within the rows at hand: while no daemon ran, most of all.
    private func event(of row: InboxRow, taking withdrawn: Set<SentinelID>) throws(WakeError) -> Event {
        switch row.item {
        case .request(let request) where withdrawn.contains(request.id): return .withdrawn(request, inboxRow: row.row)
        case .command(.cancelSentinel(let id)) where withdrawn.contains(id): return .requestedAgain(id, inboxRow: row.row)
        case .request(let request): return .requested(request, inboxRow: row.row)
        case .job(.add(let job)): return .jobAdded(job, inboxRow: row.row)
        case .job(.remove(let id)): return .jobRemoved(id, inboxRow: row.row)
        case .job(.run(let id)): return .jobRunNow(id, inboxRow: row.row)
        case .unreadable(let reason): return .inboxRowRefused(row: row.row, reason: reason)
        case .command(let command):
            let wake: WakeID? =
                switch command {
                case .cancelWake(let id), .retryWake(let id), .markDelivered(let id): id
                case .cancelSentinel, .cancelTurn: nil
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
        case .tell(let decision): untold.append(decision)
        case .returnPermit(let id): permits.release(id)
        // The next start looks again at what is not begun now.
        case _ where isStopping: break
        case .observe(let target): outside.epochs.first { $0.observes(target) }?.observe(target)
        case .performRestart(let sentinel): restart(sentinel, &group)
        case .checkRoute(let route): check(route, &group)
        case .brief(let order): brief(order, &group)
        case .requestPermit(let id, let route): requestPermit(id, route)
        case .send(let order): send(order, &group)
        case .search(let order): search(order, &group)
        case .followTurn(let turn): follow(turn, &group)
        case .cancelTurn(let turn): cancel(turn, &group)
        case .forgetTurn(let turn): forget(turn, &group)
        case .planJob(let job, let after): plan(job, after: after)
        }
    }

    // MARK: Time

    /// The kernel tells of steps. Nobody tells when the clock is right, so that is looked at; only where it was not at the start.
    private func watchClock(_ group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let steps = moments.steps()
        group.addTask { [mail] in
            for await _ in steps { mail.yield(.event(.clockStepped)) }
        }
        guard !moments.now().clockSynchronised else { return }
        group.addTask { [moments, mail] in
            while !Task.isCancelled {
                await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: Self.clockLook).boottimeMicroseconds)
                if moments.now().clockSynchronised { return _ = mail.yield(.event(.clockSynchronised)) }
            }
        }
    }

    /// One timer at a time, for the earliest deadline; a later one that it hides is armed when it has gone off.
    private func armTimer() {
        guard !isStopping, let due = runner?.coordinator.nextDeadlineMicroseconds else { return }
        if let timer, timer.due <= due { return }
        timer?.task.cancel()
        timersArmed += 1
        // One that was taken back may have gone off already: its number tells.
        let number = timersArmed
        let task = Task { [moments, mail] in
            await moments.wait(untilBoottimeMicroseconds: due)
            if !Task.isCancelled { mail.yield(.timer(number: number)) }
        }
        timer = ArmedTimer(number: number, due: due, task: task)
    }
}
