internal import WakeCore
internal import WakeService
internal import WakeTesting

/// When everything is over: each promise is held against what came of it.
extension Checkers {
    func finish(_ world: World) {
        time = world.time
        let tables = world.ledger.tables
        for value in asked.values where value.isAcknowledged { checkKept(value, tables, world) }
        for sentinel in tables.sentinels.values where sentinel.isOpen {
            report(.lost, "sentinel \(sentinel.id) never ended: \(sentinel.stateName) since \(sentinel.stateSince)")
        }
        for delivery in tables.deliveries.values where delivery.isActive {
            report(.lost, "\(delivery.id) never ended: \(delivery.stateName)")
        }
        for wake in tables.wakes.values {
            if wake.state != .ended { report(.lost, "wake \(wake.id) never ended: \(wake.state.rawValue)") }
            for id in wake.deliveries where tables.deliveries[id] == nil { report(.lost, "\(id) has no row") }
        }
        for delivery in tables.deliveries.values { checkReceipt(delivery, world) }
        checkTurns(tables, world)
        checkWork(tables)
        checkJobs(tables, world)
        if let coordinator = world.runner?.coordinator, !coordinator.deliveries.isEmpty || !coordinator.routes.isEmpty {
            report(.memory, "\(coordinator.deliveries.count) deliveries and \(coordinator.routes.count) routes stay in memory")
        }
    }

    /// An acknowledged request has a sentinel that ended, and its note is in a wake unless a person took it back.
    private func checkKept(_ value: Asked, _ tables: LedgerTables, _ world: World) {
        let id = value.request.id
        guard let sentinel = tables.sentinels[id] else {
            if !tables.holds(id) { report(.lost, "the acknowledged request \(id) has no sentinel") }
            return
        }
        if sentinel.state == .cancelled { return }
        let wakes = tables.wakes.values.filter { wake in
            wake.notes.contains {
                $0.text == value.request.note && $0.origin != .sent && (sentinel.wake == nil || $0.sentinel == id)
            }
        }
        guard let wake = wakes.first else { return report(.lost, "the note of \(id) (\(sentinel.stateName)) is in no wake") }
        if wakes.count > 1 { report(.noteTwice, "the note of \(id) is in \(wakes.count) wakes") }
        guard let note = wake.notes.first(where: { $0.text == value.request.note }) else { return }
        let member = note.sentinel
        for kind in value.request.owes {
            guard let delivery = tables.deliveries[DeliveryID(wake: wake.id, kind: kind)] else {
                report(.lost, "the \(kind.rawValue) for \(id) has no row")
                continue
            }
            if case .delivered(let receipt) = delivery.state, receipt.source != .operator,
                delivery.message?.members.contains(member) != true
            {
                report(.noteMissing, "the \(kind.rawValue) \(delivery.id) was delivered without the note of \(id)")
            }
            let ended = delivery.stateSince
            if delivery.message == nil, ended.boot == note.firedAt.boot,
                ended.boottimeMicroseconds < note.firedAt.boottimeMicroseconds
            {
                report(.noteMissing, "the note of \(id) joined \(delivery.id), which had already ended")
            }
            if delivery.message == nil, !endedUnsent(delivery) {
                report(.lost, "\(delivery.id) was never sent: \(delivery.stateName)")
            }
        }
    }

    private func checkReceipt(_ delivery: Delivery, _ world: World) {
        guard case .delivered(let receipt) = delivery.state else { return }
        if receipt.source == .operator {
            if !markedWakes.contains(delivery.id.wake) { report(.falseReceipt, "nobody marked \(delivery.id)") }
            return
        }
        let arrived =
            delivery.id.kind == .turn
            ? world.turns[delivery.id]?.isEmpty == false || world.commandTurns.values.contains { $0.delivery == delivery.id }
            : world.places[delivery.route]?.messages.contains {
                String($0.id) == receipt.id && $0.trailer.hasSuffix(delivery.id.wake.description)
            } == true
        if !arrived { report(.falseReceipt, "\(delivery.id) has a receipt \(receipt.id), but never arrived") }
    }

    /// Whether it ended for a reason that needs no attempt.
    private func endedUnsent(_ delivery: Delivery) -> Bool {
        switch delivery.state {
        case .dead: known[delivery.id]?.sawGone == true
        case .expired: true
        case .cancelled: cancelledWakes.contains(delivery.id.wake)
        case .unresolved: delivery.id.kind == .turn
        case .delivered: markedWakes.contains(delivery.id.wake)
        case .held, .sending, .waiting, .reconciling: false
        }
    }
}
