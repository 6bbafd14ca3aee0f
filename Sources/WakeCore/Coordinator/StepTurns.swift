/// Turns of agents that are commands: one at a time in a session, so many at once for an agent, each followed to its end.
extension Step {
    /// A turn was accepted: where it runs as a command, it is followed from now on.
    mutating func turnStarted(_ delivery: Delivery, _ receipt: Receipt) {
        guard delivery.id.kind == .turn, receipt.kind == .unit, turn(delivery.id) == nil else { return }
        let notes = wake(delivery.id.wake)?.notes.map(\.text) ?? []
        let turn = Turn(
            id: delivery.id, session: delivery.session, agent: delivery.session.agent ?? "", route: delivery.route,
            note: Self.joined(notes), receipt: receipt, startedAt: now)
        put(turn)
        act(.followTurn(turn))
        tell(decision(.turnStarted, turn, receipt.id))
    }

    /// As many whole notes as a note may be long; the first in any case.
    private static func joined(_ notes: [String]) -> String {
        var text = notes.first ?? ""
        for note in notes.dropFirst() where text.utf8.count + note.utf8.count + 1 <= Limits.noteBytes { text += "\n" + note }
        return text
    }

    mutating func turnEnded(_ id: DeliveryID, _ end: Turn.End) {
        guard var turn = turn(id), turn.end == nil else { return }
        turn.end = end
        turn.endedAt = now
        put(turn)
        act(.forgetTurn(turn))
        let tries = (base.turnTries[turn.session] ?? 0) + 1
        change(.turnTries(turn.session, end == .tryLater ? tries : 0))
        switch end {
        case .done: tell(decision(.turnEnded, turn, nil))
        case .cancelled: tell(decision(.turnEnded, turn, "a person took it back"))
        case .failed(let reason): tell(decision(.turnFailed, turn, reason))
        case .lost(let reason): tell(decision(.turnFailed, turn, "nobody knows how far it came: \(reason)"))
        case .tryLater: again(turn, tries)
        }
        sessionWoken(turn.session)
        considerTurns(of: turn.agent)
    }

    /// Nothing was done, and the agent asks to be asked again: by a wake of its own, as no delivery is ever used twice.
    private mutating func again(_ turn: Turn, _ tries: Int) {
        let wait = min(Limits.restartDelay, .seconds(30) * (1 << min(tries - 1, 10)))
        tell(decision(.turnEnded, turn, "it can't now (exit code 75), and is asked again in \(NoticeText.span(wait))"))
        requested(
            RestartRequest(
                id: dice.identifier(), session: turn.session, route: turn.route, note: turn.note, target: .nothing, delay: wait,
                performedByUs: false, owes: [.turn], origin: .sent, requestedAt: now), nil)
    }

    mutating func cancelTurn(_ id: DeliveryID) {
        guard let turn = turn(id), turn.end == nil else {
            return tell(Decision(code: .commandRefused, delivery: id, reason: "no turn of this id runs"))
        }
        act(.cancelTurn(turn))
    }

    /// Whether a turn must wait for one that runs; why, in words.
    func turnInTheWay(of delivery: Delivery) -> String? {
        guard delivery.id.kind == .turn else { return nil }
        if let running = openTurn(of: delivery.session), running.id != delivery.id {
            return "the session's turn \(running.id) still runs"
        }
        guard let agent = delivery.session.agent, let most = policy.commandAgents[agent], delivery.route.channel.gateway == nil
        else { return nil }
        let running = openTurns.filter { $0.agent == agent && $0.id != delivery.id }.count
        let starting = turnsThatStart(agent, besides: delivery.id)
        return running + starting < most ? nil : "\(running + starting) turns of agent \(agent) run, at most \(most) may"
    }

    private func turnsThatStart(_ agent: String, besides id: DeliveryID) -> Int {
        let known =
            base.deliveries.keys.filter { $0.kind == .turn }
            + freshDeliveries.filter { $0.kind == .turn && base.deliveries[$0] == nil }
        return known.filter { other in
            guard other != id, let delivery = delivery(other), delivery.session.agent == agent else { return false }
            // What may have started counts as if it had.
            return delivery.mayRun || delivery.state == .held && progress(other).permitRequested
        }.count
    }

    /// One of the agent's turns gave way: whoever waited for it may go.
    mutating func considerTurns(of agent: String?) {
        guard let agent else { return }
        // Also what a person wants sent again, which stands in no line.
        for delivery in activeDeliveries() where delivery.id.kind == .turn && delivery.session.agent == agent {
            consider(delivery.id)
        }
    }

    private func decision(_ code: Decision.Code, _ turn: Turn, _ reason: String?) -> Decision {
        Decision(
            code: code, wake: turn.id.wake, delivery: turn.id, session: turn.session, place: turn.route.description,
            reason: reason)
    }
}

extension Delivery {
    /// An attempt is under way, or nobody knows what became of it.
    var mayRun: Bool { state == .sending || state == .reconciling }
}
