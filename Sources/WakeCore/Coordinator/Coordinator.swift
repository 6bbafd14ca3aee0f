/// All live state, and the one place where the machines meet. A pure value: ``step(_:at:dice:)`` says what would change and what is
/// to be done, ``adopt(_:)`` makes the change. Between the two the shell makes it durable, so that memory is never ahead of the disk.
public struct Coordinator: Sendable {
    /// The operator's choices.
    public var policy: Policy
    /// Open sentinels.
    public private(set) var sentinels: [SentinelID: Sentinel] = [:]
    /// Wakes that have not ended.
    public private(set) var wakes: [WakeID: Wake] = [:]
    /// The deliveries of wakes that have not ended.
    public private(set) var deliveries: [DeliveryID: Delivery] = [:]
    /// The last seen epoch of each target.
    public private(set) var epochs: [RestartTarget: Epoch] = [:]
    /// Last reported channel states.
    public private(set) var channels: [ChannelName: ChannelState] = [:]
    /// What is known of routes that deliveries wait for.
    public private(set) var routes: [Route: RouteInfo] = [:]

    /// Channels that may serve nobody though they are up.
    public private(set) var doubts: [ChannelName: Doubt] = [:]

    /// Turns that run as commands.
    public private(set) var turns: [DeliveryID: Turn] = [:]
    /// The leases of pending run states, by file.
    public private(set) var leases: [String: Lease] = [:]
    /// What is pending in run states, by file.
    public private(set) var works: [String: WorkInHand] = [:]

    /// The jobs.
    public private(set) var jobs: [JobID: Job] = [:]

    /// How far the wall clock was ahead of boottime when all jobs were armed last, in milliseconds.
    private(set) var jobsArmedAhead = Int64.min
    private(set) var turnTries: [SessionKey: Int] = [:]
    private(set) var quietUntil: Moment?
    private(set) var progress: [DeliveryID: Progress] = [:]
    private(set) var unsettled: [RestartTarget: Sighting] = [:]
    /// Targets that were seen in this life; what is known of the others is from an earlier one.
    private(set) var seen: Set<RestartTarget> = []
    /// Targets that were last seen down: the epoch that is known of them is over.
    private(set) var down: Set<RestartTarget> = []
    private(set) var timers = Timers()
    private(set) var openWakes: [Place: WakeID] = [:]
    private(set) var queues: [Queue: [DeliveryID]] = [:]
    private(set) var byRoute: [Route: Set<DeliveryID>] = [:]
    private(set) var routesOfChannel: [ChannelName: Set<Route>] = [:]
    private(set) var ownRestartWakes: [SessionKey: [OwnRestartWake]] = [:]
    private(set) var nextSequence: Int64 = 1

    /// A target in an epoch that has still to settle.
    struct Sighting: Hashable {
        let epoch: Epoch
        let story: RestartStory?
    }

    /// A session and where it is woken.
    struct Place: Hashable {
        let session: SessionKey
        let route: Route
    }

    /// Deliveries of one session and kind go one after another.
    struct Queue: Hashable {
        let session: SessionKey
        let kind: DeliveryKind
    }

    /// A wake that a session's own restart caused.
    struct OwnRestartWake: Hashable {
        let wake: WakeID
        let sequence: Int64
        let openedAt: Moment
    }

    /// Starts empty; ``adopt(_:)`` fills it with what the ledger holds.
    public init(policy: Policy = Policy()) { self.policy = policy }

    /// When something is next to be looked at, in microseconds of boottime; nil if nothing is.
    public var nextDeadlineMicroseconds: Int64? { timers.nextDueMicroseconds }

    /// What the event changes and what is to be done about it, without doing any of it.
    ///
    /// - Returns: `record` first, then the rest in order; empty where the event changes nothing.
    public func step(_ event: Event, at now: Moment, dice: Dice) -> [Directive] {
        var step = Step(self, at: now, dice: dice)
        step.apply(event)
        return step.finish()
    }

    /// Makes the changes: those of a step once they are durable, and at start everything that the ledger holds.
    public mutating func adopt(_ changes: [Change]) {
        for change in changes { adopt(change) }
    }

    private mutating func adopt(_ change: Change) {
        switch change {
        case .sentinel(let sentinel): sentinels[sentinel.id] = sentinel.isOpen ? sentinel : nil
        case .wake(let wake): adopt(wake)
        case .delivery(let delivery): adopt(delivery)
        case .epoch(let target, let epoch): epochs[target] = epoch
        case .channel(let name, let state): channels[name] = state
        case .route(let route, let info): routes[route] = byRoute[route] == nil ? nil : info
        case .doubt(let name, let doubt): doubts[name] = doubt
        case .progress(let id, let value): progress[id] = deliveries[id] == nil || value == Progress() ? nil : value
        case .unsettled(let target, let epoch, let story):
            unsettled[target] = epoch.map { Sighting(epoch: $0, story: story) }
            seen.insert(target)
        case .isDown(let target, true): down.insert(target)
        case .isDown(let target, false): down.remove(target)
        case .turn(let turn): turns[turn.id] = turn.end == nil ? turn : nil
        case .lease(let path, let lease): leases[path] = lease
        case .job(let id, let job): jobs[id] = job
        case .work(let path, let work): works[path] = work
        case .turnTries(let session, let count): turnTries[session] = count == 0 ? nil : count
        case .quiet(let until): quietUntil = until
        case .jobsArmed(let ahead): jobsArmedAhead = ahead
        case .timer(let timer): timers.insert(timer)
        case .timersPassed(let microseconds): timers.removeAll(upToMicroseconds: microseconds)
        case .attempt, .jobRun, .inboxApplied, .inboxRefused: break
        }
    }

    private mutating func adopt(_ wake: Wake) {
        let place = Place(session: wake.session, route: wake.route)
        nextSequence = max(nextSequence, wake.sequence + 1)
        if wake.isByOwnRestart { remember(wake) }
        if wake.state == .ended {
            wakes[wake.id] = nil
            for id in wake.deliveries { forget(id) }
        } else {
            wakes[wake.id] = wake
        }
        if wake.takesNotes {
            openWakes[place] = wake.id
        } else if openWakes[place] == wake.id {
            openWakes[place] = nil
        }
    }

    private mutating func remember(_ wake: Wake) {
        var recent = ownRestartWakes[wake.session] ?? []
        guard !recent.contains(where: { $0.wake == wake.id }) else { return }
        recent.append(OwnRestartWake(wake: wake.id, sequence: wake.sequence, openedAt: wake.openedAt))
        recent.sort { $0.sequence < $1.sequence }
        ownRestartWakes[wake.session] = recent.suffix(policy.loopWakes + 8)
    }

    private mutating func adopt(_ delivery: Delivery) {
        nextSequence = max(nextSequence, delivery.sequence + 1)
        // A part of a wake that has ended and stays so is nothing to keep.
        guard delivery.isActive || wakes[delivery.id.wake] != nil else { return forget(delivery.id) }
        let wasInLine = deliveries[delivery.id]?.blocksLater == true
        if let old = deliveries[delivery.id], old.route != delivery.route { leave(old.route, old.id) }
        deliveries[delivery.id] = delivery
        let queue = Queue(session: delivery.session, kind: delivery.id.kind)
        if delivery.blocksLater {
            if !wasInLine { enqueue(delivery, queue) }
        } else {
            dequeue(delivery.id, queue)
        }
        if delivery.isActive {
            byRoute[delivery.route, default: []].insert(delivery.id)
            routesOfChannel[delivery.route.channel, default: []].insert(delivery.route)
        } else {
            leave(delivery.route, delivery.id)
            progress[delivery.id] = nil
        }
    }

    private mutating func enqueue(_ delivery: Delivery, _ queue: Queue) {
        var line = queues[queue] ?? []
        queues[queue] = nil
        let index = line.lastIndex { (deliveries[$0]?.sequence ?? 0) <= delivery.sequence }.map { $0 + 1 } ?? 0
        line.insert(delivery.id, at: index)
        queues[queue] = line
    }

    private mutating func dequeue(_ id: DeliveryID, _ queue: Queue) {
        queues[queue]?.removeAll { $0 == id }
        if queues[queue]?.isEmpty == true { queues[queue] = nil }
    }

    private mutating func leave(_ route: Route, _ id: DeliveryID) {
        byRoute[route]?.remove(id)
        guard byRoute[route]?.isEmpty == true else { return }
        byRoute[route] = nil
        routes[route] = nil
        routesOfChannel[route.channel]?.remove(route)
        if routesOfChannel[route.channel]?.isEmpty == true { routesOfChannel[route.channel] = nil }
    }

    private mutating func forget(_ id: DeliveryID) {
        guard let delivery = deliveries[id] else { return }
        dequeue(id, Queue(session: delivery.session, kind: id.kind))
        leave(delivery.route, id)
        deliveries[id] = nil
        progress[id] = nil
    }

    /// Whether a route can be sent over now: its channel and the place itself are ready.
    public func gateIsOpen(_ route: Route) -> Bool {
        channels[route.channel]?.isReady == true && routes[route]?.state.isReady == true
    }

    /// What a held delivery waits for, in words; nil where its gate is open.
    public func shutGate(_ route: Route) -> String? {
        let channel = channels[route.channel] ?? .unknown
        guard channel.isReady else { return "\(route.channel) \(channel.words)" }
        let state = routes[route]?.state ?? .unknown
        return state.isReady ? nil : "\(route) \(state.words)"
    }
}
