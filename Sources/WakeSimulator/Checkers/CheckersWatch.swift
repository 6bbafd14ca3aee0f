internal import WakeCore

/// What must not go on for long, and must not happen often.
extension Checkers {
    /// A gate that stays shut is told to the operator while a delivery waits for it.
    func watchGates() {
        for decision in told where decision.code == .gateShutLong {
            if let id = decision.delivery { known[id]?.isEscalated = true }
        }
        let limit = 2 * policy.escalateAfter.wholeMicroseconds + 1_000_000
        for (id, value) in known {
            guard value.last?.state == .held, !isOpen(value.route) else {
                if value.shutSince != nil { known[id]?.shutSince = nil }
                continue
            }
            guard let since = value.shutSince else {
                known[id]?.shutSince = time
                continue
            }
            guard !value.isEscalated, time - since > limit, refusedAt.map({ $0 < since }) ?? true else { continue }
            report(.escalation, "\(id) waits for \(value.route) for \((time - since) / 1_000_000) s, and nobody was told")
        }
    }

    /// A new turn: a session that its own restarts have just woken too often gets none.
    func checkLoop(_ turn: Delivery) {
        guard let mine = wakes[turn.id.wake], Self.isByOwnRestart(mine) else { return }
        let recent = wakes.values.filter { wake in
            // With some room for what the two clocks may differ by.
            wake.id != mine.id && wake.session == mine.session && wake.sequence < mine.sequence && Self.isByOwnRestart(wake)
                && wake.openedAt != now && wake.openedAt.boot == now.boot
                && age(wake.openedAt).map { $0 < policy.loopWindow.wholeMicroseconds } ?? false
        }
        guard recent.count >= policy.loopWakes, turn.isActive else { return }
        report(.loop, "\(turn.id) is owed to a session that its own restarts woke \(recent.count) times")
    }

    private static func isByOwnRestart(_ wake: Wake) -> Bool {
        wake.notes.contains { note in
            switch note.cause {
            case .restarted, .commandSucceeded: note.origin == .requested
            case .restartedElsewhere, .resultUnknown, .didNotHappen, .targetFailed, .asked: false
            }
        }
    }

    /// In the calm nothing stands in a delivery's way, so nothing may be held until it expires.
    func checkCalm(_ delivery: Delivery) {
        guard let calmSince, time - calmSince > 7_200_000_000, case .expired = delivery.state else { return }
        // A turn that is a command may run for longer than the next one is held.
        if delivery.id.kind == .turn, policy.commandAgents[delivery.session.agent ?? ""] != nil { return }
        report(.lost, "\(delivery.id) expired although nothing stood in its way")
    }
}
