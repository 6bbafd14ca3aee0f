internal import WakeCore
internal import WakeService
internal import WakeTesting

/// Everything outside the coordinator, on one thread: what is true, as opposed to what the daemon knows.
final class World {
    let options: SimulationOptions
    let plan: Plan
    let ledger: InMemoryLedger
    let checkers: Checkers
    var random: SplitMix
    var statistics = SimulationStatistics()
    var history: History

    // Time.
    var time: Int64 = 0
    var queue = OccurrenceQueue()
    var machine = Machine()

    // The daemon.
    var runner: DirectiveRunner?
    var life = 0
    var backlog: [Event] = []
    var permits: [DeliveryID: Int] = [:]
    var nextPermit = 1
    var lastInboxRow: Int64 = 0
    /// Directives still carried out before the daemon is cut off.
    var crashAfter: Int?
    /// The daemon was asked to stop: it does so once the step is done.
    var stopRequested = false
    var isStartPlanned = false

    // The far side and the targets.
    var accounts: [Account]
    var places: [Route: FarPlace] = [:]
    var turns: [DeliveryID: [TurnRun]] = [:]
    var units: [Unit] = [Unit(name: "web.service", isNotify: false), Unit(name: "bot.service", isNotify: true)]
    var commands: [SentinelID: CommandRun] = [:]
    /// Turns that are commands, by nonce; and those whose end this life of the daemon waits for.
    var commandTurns: [String: CommandTurn] = [:]
    var followed: Set<String> = []
    /// Attempts at turns that a search has made impossible, by nonce: up to that one.
    var revoked: [String: Int] = [:]
    var works: [RunFile] = []
    /// How many jobs were added.
    var jobsAdded = 0
    var nextMessage = 1

    // The phases.
    var chaosLeft: Int
    var requestsLeft: Int
    var isCalm = false
    var nextNote = 1

    init(seed: UInt64, options: SimulationOptions) {
        self.options = options
        random = SplitMix(seed: seed &* 0xD134_2543_DE82_EF95 &+ 0x2545_F491_4F6C_DD1D)
        plan = Plan(&random)
        ledger = InMemoryLedger(syncsEachCommit: options.syncsEachCommit)
        history = History(isKept: options.keepsHistory)
        checkers = Checkers(policy: plan.policy)
        accounts = plan.accounts.map { Account(name: $0) }
        chaosLeft = options.chaosSteps
        requestsLeft = options.requests
        for route in plan.routes { places[route] = FarPlace() }
        statistics.seeds = 1
        makeWorks()
    }

    var now: Moment { machine.moment(at: time) }

    func log(_ text: @autoclosure () -> String) { history.add(time, text()) }

    func plan(_ occurrence: Occurrence, after wait: Int64) { queue.plan(occurrence, at: time + max(0, wait)) }

    /// A span in microseconds between the two, given in milliseconds.
    func span(_ least: Int64, _ most: Int64) -> Int64 { random.within(least * 1000...most * 1000) }

    /// Whether a fault that is that likely happens; never in the liveness phase.
    func fault(_ percent: Int) -> Bool { !isCalm && random.percent(percent) }

    func run() {
        log("policy: hold \(plan.policy.wakeHold), budget \(plan.policy.deliveryBudget), notice \(plan.policy.unclearNotice)")
        plan(.daemonStarts, after: 0)
        isStartPlanned = true
        plan(.chaos, after: span(0, 3000))
        var idle = 0
        while checkers.violation == nil, let next = nextInstant() {
            idle = next > time ? 0 : idle + 1
            if idle > 5000 { checkers.report(.restless, "5000 steps without time passing", at: time) }
            time = max(time, next)
            if let due = deadline, due <= time, queue.nextTime.map({ $0 > time }) ?? true {
                handOver(.timePassed)
            } else if let occurrence = queue.next() {
                happen(occurrence)
            }
            if isCalm, isOver { break }
            if time > Self.longestLife { break }
        }
        if checkers.violation == nil { checkers.finish(self) }
    }

    /// No world lives longer than this: every lifetime in it is shorter.
    static let longestLife: Int64 = 60 * 86_400 * 1_000_000

    /// When the coordinator wants to look at something, in the world's time.
    var deadline: Int64? {
        guard backlog.isEmpty, let due = runner?.coordinator.nextDeadlineMicroseconds else { return nil }
        return machine.time(ofBoottime: due)
    }

    private func nextInstant() -> Int64? {
        switch (deadline, queue.nextTime) {
        case (let due?, let planned?): min(due, planned)
        case (let due, let planned): due ?? planned
        }
    }

    private var isOver: Bool {
        guard let coordinator = runner?.coordinator, backlog.isEmpty else { return false }
        let workIsOver = works.allSatisfy { !$0.isPending || coordinator.leases[$0.path]?.isGivenUp == true }
        return coordinator.sentinels.isEmpty && coordinator.wakes.isEmpty && coordinator.turns.isEmpty && workIsOver
            && ledger.read { $0.inbox.isEmpty } && checkers.jobsHadTheirTime(ledger.tables, now)
    }

    func happen(_ occurrence: Occurrence) {
        switch occurrence {
        case .chaos: chaos()
        case .daemonStarts: startDaemon()
        case .event(let life, let event): if life == self.life { handOver(event) }
        case .permit(let life, let id, let token): grantPermit(life, id, token)
        case .inboxLook(let life): if life == self.life { readInbox() }
        case .arrival(let order, let life): arrive(order, answersTo: life)
        case .answer(let life, let id, let outcome): if life == self.life { answered(id, outcome) }
        case .routeLook(let life, let route): lookAtRoute(life, route)
        case .historyRead(let life, let order): readHistory(life, order)
        case .briefing(let life, let order): brief(life, order)
        case .searchAnswer(let life, let id, let search): if life == self.life { searchAnswered(id, search) }
        case .connecting(let life, let account): if life == self.life { connecting(account) }
        case .connected(let life, let account): if life == self.life { connected(account) }
        case .accountBack(let account): accountBack(account)
        case .unitUp(let unit, let crashes, let incident): unitUp(unit, crashes, incident)
        case .unitDown(let unit, let crashes, let incident): unitDown(unit, crashes, incident)
        case .unitSeen(let life, let unit): if life == self.life { unitSeen(unit) }
        case .commandEnds(let life, let id, let result): commandEnds(life, id, result)
        case .hostRestarts: if !isCalm || runner != nil { powerCycle(clean: true) }
        case .diskHasRoom: diskHasRoom()
        case .clockSet: setClock()
        case .placeRestored(let route): restore(route)
        case .turnOver(let nonce): turnOver(nonce)
        case .workLook(let life, let index): if life == self.life { lookAtWork(index) }
        case .workGoesOn(let index, let operation): workGoesOn(index, operation)
        }
    }
}
