internal import WakeCore
internal import WakeTesting

/// Turns that are commands, and run states that stand still.
extension Checkers {
    /// What is known of one run state.
    struct Work {
        var file: RunFile
        /// How often its session was woken for it since the work went on.
        var nags = 0
        /// When its session was woken for it last, in which boot.
        var nagBoots: Set<BootID> = []
    }

    // MARK: Turns

    /// A turn begins: none of its session may run, and no more of its agent than may.
    func turnBegins(_ order: SendOrder, _ world: World) {
        time = world.time
        let running = world.ledger.read { $0.turns.values.filter { $0.end == nil } }.filter { turn in
            turn.id != order.delivery
                && world.commandTurns.values.contains { !$0.isOver && $0.delivery == turn.id }
        }
        if let other = running.first(where: { $0.session == order.session }) {
            report(.turnOverlap, "\(order.delivery) begins while \(other.id) of the same session runs")
        }
        let agent = order.session.agent ?? ""
        let most = policy.commandAgents[agent] ?? 0
        if running.filter({ $0.agent == agent }).count >= most {
            report(.turnOverlap, "\(order.delivery) begins while \(most) turns of \(agent) run")
        }
    }

    func turnRefused(_ session: SessionKey) { refusedTurns[session, default: 0] += 1 }

    func turnForgotten(_ turn: Turn, _ world: World) {
        if world.ledger.read({ $0.turns[turn.id]?.end }) == nil {
            report(.turnLost, "what is kept of \(turn.id) goes before its result is durable", at: world.time)
        }
    }

    /// Each turn that was followed has the end that it had.
    func checkTurns(_ tables: LedgerTables, _ world: World) {
        for turn in tables.turns.values {
            guard let end = turn.end else {
                report(.turnLost, "turn \(turn.id) never ended")
                continue
            }
            let truth = world.commandTurns.values.filter { $0.delivery == turn.id && $0.isOver }.map(\.end)
            if !truth.contains(end) { report(.turnLost, "turn \(turn.id) ended as \(end), in truth as \(truth)") }
        }
    }

    // MARK: Work

    func workWentOn(_ file: RunFile) { works[file.path] = Work(file: file) }

    /// A wake for work that stands still: nothing has gone on for the lease, or the machine came up anew.
    func checkStalled(_ sentinel: Sentinel) {
        guard sentinels[sentinel.id] == nil else { return }
        let mine = works.values.filter { $0.file.session == sentinel.session && $0.file.isPending }
        guard !mine.isEmpty else {
            // It was finished so recently that the daemon has not read it.
            let isRecent = works.values.contains {
                $0.file.session == sentinel.session && time - $0.file.progressedAt < 700_000_000
            }
            if !isRecent { report(.nagged, "\(sentinel.session) is woken for work, and none is pending") }
            return
        }
        let most = policy.leases.maximumWakes + 1
        let isDue = mine.contains { work in
            let since = max(work.file.progressedAt, deliveredAt[sentinel.session] ?? 0)
            return time - since >= policy.leases.length.wholeMicroseconds - 45_000_000
                || work.file.progressedAt < bootedAt + 45_000_000
                || clockWasOff
        }
        if !isDue { report(.nagged, "\(sentinel.session) is woken though its work goes on") }
        // Of several it is not known which one the wake is for.
        let ofSession = works.values.filter { $0.file.session == sentinel.session }
        for work in mine where ofSession.count == 1 {
            works[work.file.path]?.nags += 1
            works[work.file.path]?.nagBoots.insert(now.boot)
            if work.nags >= most + work.nagBoots.count {
                report(.nagged, "\(sentinel.session) is woken \(work.nags + 1) times for work that stands still")
            }
        }
    }

    /// Nothing is pending in the end but what was given up.
    func checkWork(_ tables: LedgerTables) {
        for work in works.values where work.file.isPending && tables.leases[work.file.path]?.isGivenUp != true {
            report(.stalled, "\(work.file.path) stands still, and nobody cares")
        }
    }
}
