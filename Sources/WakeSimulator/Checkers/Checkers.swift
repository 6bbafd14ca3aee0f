internal import WakeCore
internal import WakeService
internal import WakeTesting

/// What is watched. Facts come from the world and from what the ledger holds; no decision of the coordinator is asked for.
final class Checkers {
    let policy: Policy
    private(set) var violation: Violation?

    /// One restart that somebody asked for, as the asker sees it.
    struct Asked {
        let request: RestartRequest
        let trueEpoch: Int?
        let at: Int64
        var isAcknowledged = false
        var cancelled = false
        var performedAt: Int64?
        var commandCutOff = false
    }

    /// What the world knows of one delivery.
    struct Known {
        var route: Route
        var firstSeen: Int64
        var holdFrom: Int64
        var sends = 0
        /// A request whose answer has not come, in this life.
        var isUnderWay = false
        /// An attempt whose result nobody knows, and nobody has looked since.
        var needsLook = false
        /// The first send whose result is unknown, and nothing conclusive was heard since.
        var firstUnclearAt: Int64?
        var lastSendAt: Int64 = 0
        /// The last send was a repeat outside the nonce window; and if so, whether its result is unknown.
        var wasLateRepeat = false
        var lateRepeatIsUnclear = false
        var failures = 0
        var retryAfter: Duration?
        var text: String?
        var nonces: [String] = []
        var cannotTell: Set<String> = []
        var visible: [String: Int] = [:]
        var sawGone = false
        var sawPermanent = false
        var openAtFirst: Int64 = 0
        var last: Delivery?
        /// Since when it is held with its gate shut, in this life.
        var shutSince: Int64?
        var isEscalated = false
    }

    var asked: [SentinelID: Asked] = [:]
    var known: [DeliveryID: Known] = [:]
    var sentinels: [SentinelID: Sentinel] = [:]
    /// A session that watches a target, and the epochs that it was told of.
    struct Watched: Hashable {
        let session: SessionKey
        let target: RestartTarget
    }

    var observed: [Watched: Set<Epoch>] = [:]
    var wakes: [WakeID: Wake] = [:]
    /// Deliveries in the order in which they were first durable.
    var owedOrder: [DeliveryID: Int] = [:]
    // What operators asked for.
    var cancelledWakes: Set<WakeID> = []
    var markedWakes: Set<WakeID> = []
    var retriedWakes: [WakeID: Int] = [:]
    // Turns that are commands, and run states.
    var refusedTurns: [SessionKey: Int] = [:]
    var works: [String: Work] = [:]
    var jobs: [JobID: KnownJob] = [:]
    /// The latest wall clock time at which a job was dealt with.
    var latestJobTime: Int64 = 0
    /// When something arrived at a session last, as far as the daemon knows.
    var deliveredAt: [SessionKey: Int64] = [:]
    /// Sessions of which the daemon has read that work is pending.
    var leasedSessions: Set<SessionKey> = []
    var bootedAt: Int64 = 0
    /// The wall clock has lied at some time, so that ages across boots tell nothing.
    var clockWasOff = false
    /// Which wake carries a note.
    var carrier: [Int: WakeID] = [:]
    var life = 0
    var time: Int64 = 0
    var now = Moment(wallMilliseconds: 0, boot: BootID("none"), boottimeMicroseconds: 0)

    // What the daemon of this life was told.
    var channels: [ChannelName: ChannelState] = [:]
    var routes: [Route: RouteState] = [:]
    /// Routes that were found ready while their channel was not, and when.
    var ahead: [Route: (state: RouteState, at: Int64)] = [:]
    var told: [Decision] = []
    var openSince: [Route: Int64] = [:]
    var openTotal: [Route: Int64] = [:]
    /// What was refused in a row, by channel.
    var doubts: [ChannelName: Doubted] = [:]
    var unitsSeen: [RestartTarget: Int] = [:]
    var unitUpSince: [RestartTarget: Int64] = [:]
    private var previousChannels: [ChannelName: ChannelState] = [:]
    private var previousRoutes: [Route: RouteState] = [:]
    private var previousAhead: [Route: (state: RouteState, at: Int64)] = [:]
    /// When the faults stopped.
    var calmSince: Int64?
    /// When the life before this one ended.
    private var cutOffAt: Int64 = 0
    private var isAlive = false
    /// When the disk last had no room: what happened since then was told late.
    var refusedAt: Int64?
    private var steps = 0
    private var current: Event?
    /// The event during which the daemon was cut off, if nobody knows whether it was committed.
    private var unclear: Event?

    init(policy: Policy) { self.policy = policy }

    func report(_ checker: Checker, _ message: @autoclosure () -> String, at time: Int64) {
        guard violation == nil else { return }
        violation = Violation(checker: checker, message: message(), atMicroseconds: time)
    }

    func report(_ checker: Checker, _ message: @autoclosure () -> String) { report(checker, message(), at: time) }

    /// The age that both clocks agree on being able to tell; nil where no clock can.
    func age(_ earlier: Moment) -> Int64? {
        if earlier.boot == now.boot { return now.boottimeMicroseconds - earlier.boottimeMicroseconds }
        guard earlier.clockSynchronised, now.clockSynchronised else { return nil }
        return (now.wallMilliseconds - earlier.wallMilliseconds) * 1000
    }

    // MARK: Lives

    func lifeBegan(_ life: Int, _ tables: LedgerTables, _ now: Moment, at time: Int64) {
        self.life = life
        isAlive = true
        if calmSince != nil { calmSince = time }
        self.time = time
        self.now = now
        for (id, asked) in asked where asked.isAcknowledged && tables.sentinels[id] == nil && !tables.holds(id) {
            report(.lost, "the acknowledged request \(id) is gone from the ledger")
        }
        for id in sentinels.keys where tables.sentinels[id] == nil { report(.lost, "sentinel \(id) is gone from the ledger") }
        for id in wakes.keys where tables.wakes[id] == nil { report(.lost, "wake \(id) is gone from the ledger") }
        // What an unclear commit did or did not write counts as it now stands.
        sentinels = tables.sentinels
        wakes = tables.wakes
        if let unclear { settle(unclear, tables) }
        unclear = nil
        for delivery in tables.deliveries.values.sorted(by: { ($0.sequence, $0.id.kind) < ($1.sequence, $1.id.kind) }) {
            rebase(delivery)
        }
    }

    /// What the cut off step was told counts if its commit took place after all.
    private func settle(_ event: Event, _ tables: LedgerTables) {
        switch event {
        case .attemptEnded(let id, let outcome) where tables.deliveries[id].map({ $0.state != .sending }) ?? false:
            known[id]?.needsLook = false
            if known[id]?.firstUnclearAt == known[id]?.lastSendAt { known[id]?.firstUnclearAt = nil }
            // A marked repeat that was refused has not arrived, though nobody was told so in that life.
            if case .ambiguous = outcome {} else { known[id]?.lateRepeatIsUnclear = false }
            finishHearing(event)
        case .routeChecked: finishHearing(event)
        case .searched(let id, _) where tables.deliveries[id].map({ $0.state != .reconciling }) ?? false: finishHearing(event)
        default: break
        }
    }

    private func rebase(_ delivery: Delivery) {
        var value = known[delivery.id] ?? fresh(delivery)
        // Owed by the step that was cut off.
        if value.last == nil { value.holdFrom = cutOffAt }
        moved(&value, to: delivery.route, delivery)
        value.last = delivery
        value.failures = delivery.failures
        value.needsLook = value.needsLook && delivery.isActive
        saw(delivery, value)
    }

    func fresh(_ delivery: Delivery) -> Known {
        var value = Known(route: delivery.route, firstSeen: time, holdFrom: time)
        value.openAtFirst = open(delivery.route)
        return value
    }

    /// It took the fallback: from here on another gate counts.
    func moved(_ value: inout Known, to route: Route, _ delivery: Delivery) {
        guard value.route != route else { return }
        value.route = route
        value.openAtFirst = open(route) - delivery.openTime.wholeMicroseconds
    }

    func saw(_ delivery: Delivery, _ value: Known) {
        known[delivery.id] = value
        if owedOrder[delivery.id] == nil { owedOrder[delivery.id] = owedOrder.count }
    }

    func isNew(_ wake: Wake) -> Bool { wakes[wake.id] == nil }

    func lifeEnded(at time: Int64) {
        self.time = time
        if isAlive { cutOffAt = time }
        isAlive = false
        for route in Array(openSince.keys) { gate(route, isOpen: false) }
        channels = [:]
        routes = [:]
        doubts = [:]
        ahead = [:]
        told = []
        unitsSeen = [:]
        for id in Array(known.keys) {
            known[id]?.shutSince = nil
            known[id]?.isEscalated = false
            guard known[id]?.isUnderWay == true else { continue }
            known[id]?.isUnderWay = false
            becameUnclear(id)
        }
        for (id, value) in asked where value.performedAt != nil && value.request.target == .exec {
            if sentinels[id]?.state == .restarting { asked[id]?.commandCutOff = true }
        }
    }

    // MARK: Steps

    func stepBegan(_ event: Event, _ now: Moment, at time: Int64) {
        self.time = time
        self.now = now
        told.removeAll(keepingCapacity: true)
        current = event
        (previousChannels, previousRoutes, previousAhead) = (channels, routes, ahead)
        jobsSeeClock()
        hear(event)
    }

    /// Nothing happened: what the event told was not heard.
    func stepRefused() {
        refusedAt = time
        (channels, routes, ahead) = (previousChannels, previousRoutes, previousAhead)
        updateGates()
    }

    func stepCutOff(_ committed: [Change]) {
        if committed.isEmpty { unclear = current } else if let current { finishHearing(current) }
        for change in committed { note(change) }
    }

    func stepEnded(_ event: Event, _ committed: [Change], _ coordinator: Coordinator, _ ledger: InMemoryLedger) {
        finishHearing(event)
        // Wakes first: what is checked of a delivery asks for its notes.
        for case .wake(let wake) in committed where wakes[wake.id] == nil { wakes[wake.id] = wake }
        for change in committed { check(change) }
        for change in committed { note(change) }
        steps += 1
        if steps % 8 == 0 || committed.count > 2 { compare(coordinator, ledger) }
        watchGates()
    }

    /// Memory is exactly what the ledger holds.
    private func compare(_ coordinator: Coordinator, _ ledger: InMemoryLedger) {
        let difference: String? = ledger.read { tables in
            for sentinel in tables.sentinels.values where sentinel.isOpen && coordinator.sentinels[sentinel.id] != sentinel {
                return "sentinel \(sentinel.id)"
            }
            for wake in tables.wakes.values where wake.state != .ended {
                if coordinator.wakes[wake.id] != wake { return "wake \(wake.id)" }
                for id in wake.deliveries where tables.deliveries[id]?.isActive == true {
                    if coordinator.deliveries[id] != tables.deliveries[id] { return "delivery \(id)" }
                }
            }
            for sentinel in coordinator.sentinels.values where tables.sentinels[sentinel.id] != sentinel {
                return "sentinel \(sentinel.id) is in memory only"
            }
            for delivery in coordinator.deliveries.values {
                if tables.deliveries[delivery.id] != delivery { return "delivery \(delivery.id) is in memory only" }
                if tables.wakes[delivery.id.wake]?.state == .ended { return "delivery \(delivery.id) of an ended wake stays" }
            }
            if coordinator.turns != tables.turns.filter({ $0.value.end == nil }) { return "turns" }
            if coordinator.leases != tables.leases { return "leases" }
            if coordinator.jobs != tables.jobs { return "jobs" }
            return coordinator.epochs == tables.epochs ? nil : "epochs"
        }
        if let difference { report(.memory, "memory and ledger differ: \(difference)") }
    }
}

extension LedgerTables {
    /// Whether the request still waits in the inbox, or was refused.
    func holds(_ id: SentinelID) -> Bool {
        let isRequest = { (item: InboxItem?) in if case .request(let request)? = item { request.id == id } else { false } }
        return inbox.values.contains(where: isRequest) || refused.contains { isRequest($0.item) }
    }
}
