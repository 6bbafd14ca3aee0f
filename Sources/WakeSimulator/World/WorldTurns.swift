internal import WakeCore
internal import WakeTesting

/// One turn of an agent that is a command: it runs on whatever becomes of the daemon, but not beyond the machine's boot.
struct CommandTurn {
    let delivery: DeliveryID
    let session: SessionKey
    let nonce: String
    /// What will come of it; what came of it once it is over.
    var end: Turn.End
    var isOver = false
}

/// Agents as commands: started in something of their own, followed by every life of the daemon.
extension World {
    /// Whether the turn is one of a command.
    func isCommand(_ order: SendOrder) -> Bool {
        order.delivery.kind == .turn && order.session.agent.map { plan.policy.commandAgents[$0] != nil } == true
    }

    func startTurn(_ order: SendOrder) {
        let wait = span(2, 80)
        // A search has made it impossible: its process finds the claim taken.
        guard order.attempt > revoked[order.nonce] ?? 0 else {
            return plan(.answer(life: life, order.delivery, .ambiguous(reason: "its process has not shown itself")), after: wait)
        }
        let answer = { (outcome: Outcome) in self.plan(.answer(life: self.life, order.delivery, outcome), after: wait) }
        switch fault(plan.sendFaultPercent) ? random.below(4) : 9 {
        case 0: answer(.transient(reason: "no room for its folder", retryAfter: nil))
        case 1: answer(.ambiguous(reason: "no answer"))
        case 2:
            begin(order)
            answer(.ambiguous(reason: "no answer"))
        default: answer(.accepted(Receipt(kind: .unit, id: begin(order), source: .reply)))
        }
    }

    /// The same turn is begun once, however often it is asked for: it is told by its nonce.
    @discardableResult
    private func begin(_ order: SendOrder) -> String {
        let unit = Self.unit(order.nonce)
        guard commandTurns[order.nonce] == nil else { return unit }
        checkers.turnBegins(order, self)
        let end: Turn.End =
            switch isCalm ? 0 : random.below(10) {
            case 0..<6: .done
            case 6, 7: .tryLater
            default: .failed(reason: "exit code 3")
            }
        commandTurns[order.nonce] = CommandTurn(delivery: order.delivery, session: order.session, nonce: order.nonce, end: end)
        statistics.turns += 1
        plan(.turnOver(order.nonce), after: random.percent(80) ? span(100, 60_000) : span(60_000, 3_600_000))
        return unit
    }

    private static func unit(_ nonce: String) -> String { "reveille-turn@\(nonce).service" }

    private func nonce(of turn: Turn) -> String? { commandTurns.keys.first { Self.unit($0) == turn.receipt.id } }

    func searchCommandTurn(_ order: SearchOrder) -> ReceiptSearch {
        if fault(10) { return .tryAgain(reason: "no answer", retryAfter: nil) }
        guard commandTurns[order.nonce] != nil else {
            return fault(30) ? .cannotTell(reason: "it was to be started, and nothing of it is there") : absence(of: order)
        }
        return .found(Receipt(kind: .unit, id: Self.unit(order.nonce), source: .history))
    }

    /// Some starts have left an order that can be revoked; then nothing has to be waited for.
    private func absence(of order: SearchOrder) -> ReceiptSearch {
        guard random.percent(60) else { return .absent }
        revoked[order.nonce] = ledger.read { $0.deliveries[order.delivery]?.attempts ?? 0 }
        return .prevented
    }

    func turnOver(_ nonce: String) {
        guard let turn = commandTurns[nonce], !turn.isOver else { return }
        finish(nonce, turn.end)
        log("turn \(nonce) is over: \(turn.end)")
    }

    private func finish(_ nonce: String, _ end: Turn.End) {
        guard let turn = commandTurns[nonce] else { return }
        commandTurns[nonce]?.isOver = true
        commandTurns[nonce]?.end = end
        if end == .tryLater { checkers.turnRefused(turn.session) }
        if end == .done { agentWorks(turn.session) }
        tellEnd(of: nonce)
    }

    /// Whatever runs ends with the machine, and leaves no result.
    func endTurns() {
        for (nonce, turn) in commandTurns.sorted(by: { $0.key < $1.key }) where !turn.isOver {
            finish(nonce, .lost(reason: "the machine went down"))
        }
    }

    func follow(_ turn: Turn) {
        guard let nonce = nonce(of: turn) else {
            return plan(.event(life: life, .turnEnded(turn.id, .lost(reason: "nothing of it is there"))), after: span(1, 50))
        }
        followed.insert(nonce)
        if commandTurns[nonce]?.isOver == true { tellEnd(of: nonce) }
    }

    private func tellEnd(of nonce: String) {
        guard runner != nil || life > 0, followed.contains(nonce), let turn = commandTurns[nonce] else { return }
        plan(.event(life: life, .turnEnded(turn.delivery, turn.end)), after: span(1, 500))
    }
}
