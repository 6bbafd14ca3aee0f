/// One event on its way through the machines: works on copies of what it touches and collects what would change.
struct Step {
    let base: Coordinator
    let now: Moment
    var dice: Dice
    var policy: Policy { base.policy }

    private(set) var changes: [Change] = []
    private(set) var actions: [Directive] = []
    private var touched: [Slot: Int] = [:]
    private var sentinels: [SentinelID: Sentinel] = [:]
    private var wakes: [WakeID: Wake] = [:]
    private var deliveries: [DeliveryID: Delivery] = [:]
    private var progress: [DeliveryID: Progress] = [:]
    private var routes: [Route: RouteInfo] = [:]
    private var channels: [ChannelName: ChannelState] = [:]
    private var doubts: [ChannelName: Doubt?] = [:]
    private var epochs: [RestartTarget: Epoch] = [:]
    private var unsettled: [RestartTarget: Coordinator.Sighting?] = [:]
    private var turns: [DeliveryID: Turn] = [:]
    private var leases: [String: Lease?] = [:]
    private var jobs: [JobID: Job?] = [:]
    private var works: [String: WorkInHand?] = [:]
    private var opened: [Coordinator.Place: WakeID] = [:]
    private var fresh: [DeliveryID] = []
    private var nextSequence: Int64
    /// Deliveries whose chance to be sent may have come.
    private var candidates: [DeliveryID] = []

    private enum Slot: Hashable {
        case sentinel(SentinelID), wake(WakeID), delivery(DeliveryID), progress(DeliveryID), route(Route), channel(ChannelName)
        case doubt(ChannelName)
        case epoch(RestartTarget), turn(DeliveryID), lease(String), job(JobID)
    }

    init(_ base: Coordinator, at now: Moment, dice: Dice) {
        self.base = base
        self.now = now
        self.dice = dice
        nextSequence = base.nextSequence
    }

    /// The directives: the record of all changes, then what to do, in the order in which it was decided.
    mutating func finish() -> [Directive] {
        sendWhatMay()
        guard !changes.isEmpty else { return actions }
        return [.record(changes)] + actions
    }

    // MARK: What is so by now

    func sentinel(_ id: SentinelID) -> Sentinel? { sentinels[id] ?? base.sentinels[id] }
    func wake(_ id: WakeID) -> Wake? { wakes[id] ?? base.wakes[id] }
    func delivery(_ id: DeliveryID) -> Delivery? { deliveries[id] ?? base.deliveries[id] }
    func progress(_ id: DeliveryID) -> Progress { progress[id] ?? base.progress[id] ?? Progress() }
    func route(_ route: Route) -> RouteInfo { routes[route] ?? base.routes[route] ?? RouteInfo() }
    func channel(_ name: ChannelName) -> ChannelState { channels[name] ?? base.channels[name] ?? .unknown }
    func doubt(_ name: ChannelName) -> Doubt? { doubts[name] ?? base.doubts[name] }
    func epoch(_ target: RestartTarget) -> Epoch? { epochs[target] ?? base.epochs[target] }
    func sighting(_ target: RestartTarget) -> Coordinator.Sighting? { unsettled[target] ?? base.unsettled[target] }
    func turn(_ id: DeliveryID) -> Turn? { turns[id] ?? base.turns[id] }
    func lease(_ path: String) -> Lease? { leases[path] ?? base.leases[path] }
    func job(_ id: JobID) -> Job? { jobs[id] ?? base.jobs[id] }
    func work(_ path: String) -> WorkInHand? { works[path] ?? base.works[path] }
    var quietUntil: Moment? { base.quietUntil }
    var freshDeliveries: [DeliveryID] { fresh }
    func unsettled(_ target: RestartTarget) -> Epoch? { sighting(target)?.epoch }
    func isSeen(_ target: RestartTarget) -> Bool {
        target == .daemon || target == .exec || base.seen.contains(target) || unsettled.keys.contains(target)
    }
    func gateIsOpen(_ place: Route) -> Bool { channel(place.channel).isReady && route(place).state.isReady }

    /// The turns that run as commands, oldest first.
    var openTurns: [Turn] {
        let ids = Set(base.turns.keys).union(turns.keys)
        return ids.compactMap { turn($0) }.filter { $0.end == nil }.sorted { $0.id.description < $1.id.description }
    }

    func openTurn(of session: SessionKey) -> Turn? {
        (base.turns.isEmpty && turns.isEmpty) ? nil : openTurns.first { $0.session == session }
    }

    func leases(of session: SessionKey) -> [Lease] {
        Set(base.leases.keys).union(leases.keys).sorted().compactMap { lease($0) }.filter { $0.session == session }
    }

    /// What is pending for a session, by file.
    func works(of session: SessionKey) -> [WorkInHand] {
        Set(base.works.keys).union(works.keys).sorted().compactMap { work($0) }.filter { $0.session == session }
    }

    func openWake(_ place: Coordinator.Place) -> Wake? {
        guard let id = opened[place] ?? base.openWakes[place], let wake = wake(id), wake.takesNotes else { return nil }
        // A part that has ended would not carry another note.
        return wake.deliveries.allSatisfy { delivery($0)?.isActive == true } ? wake : nil
    }

    /// The active deliveries of a route, in the order in which they are owed.
    func active(on place: Route) -> [DeliveryID] {
        let known = base.byRoute[place] ?? []
        let all = known.union(fresh.filter { delivery($0)?.route == place })
        let current = all.filter { delivery($0)?.isActive == true && delivery($0)?.route == place }
        return current.sorted { (delivery($0)?.sequence ?? 0, $0.kind) < (delivery($1)?.sequence ?? 0, $1.kind) }
    }

    // MARK: What changes

    private mutating func note(_ slot: Slot, _ change: Change) {
        // The last state of a thing is the one to keep; it stays in the place of its first change.
        if let index = touched[slot] {
            changes[index] = change
        } else {
            touched[slot] = changes.count
            changes.append(change)
        }
    }

    mutating func put(_ sentinel: Sentinel) {
        sentinels[sentinel.id] = sentinel
        note(.sentinel(sentinel.id), .sentinel(sentinel))
    }

    mutating func put(_ wake: Wake) {
        wakes[wake.id] = wake
        note(.wake(wake.id), .wake(wake))
    }

    mutating func put(_ delivery: Delivery) {
        if base.deliveries[delivery.id] == nil, deliveries[delivery.id] == nil { fresh.append(delivery.id) }
        deliveries[delivery.id] = delivery
        note(.delivery(delivery.id), .delivery(delivery))
    }

    /// Takes up what only the ledger still knows, without counting it as a change.
    mutating func recall(_ ended: EndedWake) {
        wakes[ended.wake.id] = ended.wake
        for delivery in ended.deliveries { deliveries[delivery.id] = delivery }
    }

    mutating func put(_ value: Progress, for id: DeliveryID) {
        progress[id] = value
        note(.progress(id), .progress(id, value))
    }

    mutating func put(_ info: RouteInfo, for place: Route) {
        routes[place] = info
        note(.route(place), .route(place, info))
    }

    mutating func put(_ state: ChannelState, for name: ChannelName) {
        channels[name] = state
        note(.channel(name), .channel(name, state))
    }

    mutating func put(_ doubt: Doubt?, for name: ChannelName) {
        doubts[name] = .some(doubt)
        note(.doubt(name), .doubt(name, doubt))
    }

    mutating func put(_ epoch: Epoch, for target: RestartTarget) {
        epochs[target] = epoch
        note(.epoch(target), .epoch(target, epoch))
    }

    mutating func put(unsettled epoch: Epoch?, for target: RestartTarget, story: RestartStory? = nil) {
        unsettled[target] = .some(epoch.map { Coordinator.Sighting(epoch: $0, story: story) })
        changes.append(.unsettled(target, epoch, story: story))
    }

    mutating func put(_ turn: Turn) {
        turns[turn.id] = turn
        note(.turn(turn.id), .turn(turn))
    }

    mutating func put(_ lease: Lease) {
        leases[lease.path] = .some(lease)
        note(.lease(lease.path), .lease(path: lease.path, lease))
    }

    mutating func drop(leaseOf path: String) {
        leases[path] = .some(nil)
        note(.lease(path), .lease(path: path, nil))
    }

    mutating func put(_ job: Job) {
        jobs[job.id] = .some(job)
        note(.job(job.id), .job(job.id, job))
    }

    mutating func drop(job id: JobID) {
        jobs[id] = .some(nil)
        note(.job(id), .job(id, nil))
    }

    mutating func put(_ work: WorkInHand?, at path: String) {
        works[path] = .some(work)
        changes.append(.work(path: path, work))
    }

    mutating func change(_ change: Change) { changes.append(change) }

    mutating func act(_ directive: Directive) { actions.append(directive) }

    mutating func tell(_ decision: Decision) { actions.append(.tell(decision)) }

    mutating func lookAgain(_ subject: Timer.Subject, after wait: Duration) {
        changes.append(
            .timer(Timer(dueMicroseconds: now.advanced(by: max(.zero, wait)).boottimeMicroseconds, subject: subject)))
    }

    mutating func freshSequence() -> Int64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    mutating func markOpen(_ wake: Wake) { opened[Coordinator.Place(session: wake.session, route: wake.route)] = wake.id }

    mutating func consider(_ id: DeliveryID) { candidates.append(id) }

    // MARK: Whose turn it is

    /// Asks a permit for every candidate that is held, whose gate is open, and whose turn it is.
    private mutating func sendWhatMay() {
        var seen: Set<DeliveryID> = []
        for id in candidates where seen.insert(id).inserted {
            guard mayGo(id), let delivery = delivery(id), isBriefed(delivery), passesDoubt(delivery) else { continue }
            var value = progress(id)
            value.permitRequested = true
            put(value, for: id)
            act(.requestPermit(id, delivery.route))
        }
    }

    /// Whether it waits for nothing but the far side.
    func mayGo(_ id: DeliveryID) -> Bool {
        guard let delivery = delivery(id), delivery.state == .held, gateIsOpen(delivery.route) else { return false }
        return isItsTurn(delivery) && !progress(id).permitRequested && turnInTheWay(of: delivery) == nil
    }

    private func isItsTurn(_ delivery: Delivery) -> Bool {
        delivery.isOutOfOrder || firstInLine(with: delivery, besides: nil) == delivery.id
    }

    /// The first of its session and kind that others wait for; lines are kept in order, and what is fresh comes last.
    private func firstInLine(with delivery: Delivery, besides passed: DeliveryID?) -> DeliveryID? {
        let queue = Coordinator.Queue(session: delivery.session, kind: delivery.id.kind)
        let mayBeFirst = { (id: DeliveryID) in id != passed && self.delivery(id)?.blocksLater == true }
        return (base.queues[queue] ?? []).first(where: mayBeFirst)
            ?? fresh.first { self.delivery($0)?.session == delivery.session && $0.kind == delivery.id.kind && mayBeFirst($0) }
    }

    /// The next in line behind one that does not block any more.
    mutating func considerNext(after delivery: Delivery) {
        if let next = firstInLine(with: delivery, besides: delivery.id) { consider(next) }
    }
}
