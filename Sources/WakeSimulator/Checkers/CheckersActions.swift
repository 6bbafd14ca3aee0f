internal import WakeCore
internal import WakeTesting

/// What is carried out: looked at in the instant in which it is done.
extension Checkers {
    // MARK: Sends

    func sending(_ order: SendOrder, _ world: World) {
        let id = order.delivery
        guard isOpen(order.route) else {
            return report(.early, "\(id) is sent while \(order.route) was not reported ready")
        }
        let durable = world.ledger.read { $0.deliveries[id] }
        guard let durable, durable.state == .sending, durable.attempts == order.attempt, durable.route == order.route else {
            return report(.sendUnrecorded, "\(id) attempt \(order.attempt) is not durable: \(durable?.stateName ?? "no row")")
        }
        checkOrder(id, world)
        checkText(order, durable, world)
        guard var value = known[id] else { return report(.sendUnrecorded, "\(id) was never seen") }
        checkCrowd(id, order.route.channel)
        if value.isUnderWay { report(.sendOverlap, "\(id) is sent while a request is under way") }
        if value.needsLook, value.nonces.last == order.nonce {
            report(.unreconciled, "\(id) is sent again, and nobody looked what became of the last attempt")
        }
        checkWindow(order, &value)
        let body = Self.body(order.text)
        if let text = value.text, text != body { report(.sendChanged, "\(id) changed its text between attempts") }
        if order.nonce.utf8.count > 25 || !order.nonce.hasPrefix(id.description) || !order.trailer.hasSuffix(id.wake.description)
        {
            report(.sendChanged, "\(id) is sent with nonce \(order.nonce) and trailer \(order.trailer)")
        }
        value.text = body
        value.sends += 1
        value.lastSendAt = time
        value.isUnderWay = true
        value.needsLook = false
        if value.nonces.last != order.nonce { value.nonces.append(order.nonce) }
        if value.nonces.count > retries(id) + 1 { report(.sendChanged, "\(id) has more nonces than an operator asked for") }
        known[id] = value
    }

    /// Outside the nonce window nothing is sent again unless it is known to be absent; or once, if it says that it may be a repeat.
    private func checkWindow(_ order: SendOrder, _ value: inout Known) {
        if value.nonces.last != order.nonce { (value.firstUnclearAt, value.lateRepeatIsUnclear) = (nil, false) }
        // With room for what the clocks of two boots may differ by.
        let room = policy.nonceWindow.wholeMicroseconds + 45_000_000
        let age = value.firstUnclearAt.map { time - $0 } ?? 0
        value.wasLateRepeat = age > room
        guard value.wasLateRepeat else { return }
        let isMarked = order.text.hasPrefix(NoticeText.possibleRepeat)
        guard !isMarked || value.lateRepeatIsUnclear else { return }
        report(
            .unreconciled,
            "\(order.delivery) is sent again \(age / 1_000_000) s after an unclear attempt, outside the nonce window")
    }

    private static func body(_ text: String) -> String {
        text.hasPrefix(NoticeText.possibleRepeat) ? String(text.dropFirst(NoticeText.possibleRepeat.count + 1)) : text
    }

    /// Nothing that the session was owed earlier is still to come.
    private func checkOrder(_ id: DeliveryID, _ world: World) {
        guard let mine = owedOrder[id], let session = wakes[id.wake]?.session, retries(id) == 0 else { return }
        for (rival, place) in owedOrder where place < mine && rival.kind == id.kind && wakes[rival.wake]?.session == session {
            guard let delivery = world.ledger.read({ $0.deliveries[rival] }), retries(rival) == 0 else { continue }
            if delivery.isActive { report(.order, "\(id) overtakes \(rival), which is \(delivery.stateName)") }
        }
    }

    /// Every note that joined the wake is in the text, and in no other wake's.
    private func checkText(_ order: SendOrder, _ durable: Delivery, _ world: World) {
        let wake = order.delivery.wake
        let numbers = Set(Self.notes(in: order.text))
        let (joined, isOpen) = world.ledger.read { tables in
            (tables.sentinels.values.filter { $0.wake == wake }.map(\.note), tables.wakes[wake]?.state == .open)
        }
        if isOpen { report(.noteMissing, "\(order.delivery) is sent while its wake still takes notes") }
        for note in joined {
            for number in Self.notes(in: note) where !numbers.contains(number) {
                report(.noteMissing, "note \(number) joined \(wake), but is not in its message")
            }
        }
        // A turn that was put off is asked for again with what it was for.
        let isAgain = world.ledger.read { $0.sentinels.values.contains { $0.wake == wake && $0.origin == .sent } }
        for number in numbers {
            if let other = carrier[number], other != wake, !isAgain {
                report(.noteTwice, "note \(number) is sent in \(other) and \(wake)")
            }
            if !isAgain { carrier[number] = wake }
        }
    }

    /// The numbers of the notes in a text: `note-12.`
    static func notes(in text: String) -> [Int] {
        var found: [Int] = []
        var matched = 0
        var number = 0
        let pattern = Array("note-".utf8)
        for byte in text.utf8 {
            if matched == pattern.count {
                if byte >= 0x30, byte <= 0x39 {
                    number = number * 10 + Int(byte - 0x30)
                    continue
                }
                if byte == UInt8(ascii: ".") { found.append(number) }
                matched = 0
                number = 0
            }
            matched = byte == pattern[matched] ? matched + 1 : (byte == pattern[0] ? 1 : 0)
        }
        return found
    }

    // MARK: What people see

    func becameVisible(_ order: SendOrder, _ message: FarPlace.Message, in place: FarPlace, at time: Int64) {
        let others = place.messages.filter { $0.trailer == message.trailer && $0.id != message.id && !$0.isDeleted }
        guard !others.isEmpty, let value = known[order.delivery] else { return }
        let rounds = Set((others + [message]).map(\.nonce))
        if rounds.count > retries(order.delivery) + 1 {
            report(.visibleTwice, "\(order.delivery) is visible in \(rounds.count) rounds", at: time)
        }
        let same = others.filter { $0.nonce == message.nonce }
        guard !same.isEmpty else { return }
        let isExcused =
            same.count == 1 && message.isMarked && policy.unclearNotice == .preferDelivery
            && value.cannotTell.contains(message.nonce)
        if !isExcused { report(.visibleTwice, "\(order.delivery) is visible \(same.count + 1) times", at: time) }
    }

    func turnRan(_ order: SendOrder, _ runs: [TurnRun], at time: Int64) {
        let same = runs.filter { $0.nonce == order.nonce }
        let isExcused =
            same.count <= 2 && policy.unclearTurn == .preferDelivery
            && known[order.delivery]?.cannotTell.contains(order.nonce) == true
        if same.count > 1, !isExcused { report(.turnTwice, "\(order.delivery) ran \(same.count) times", at: time) }
        if Set(runs.map(\.nonce)).count > retries(order.delivery) + 1 {
            report(.turnTwice, "\(order.delivery) ran in more rounds than an operator asked for", at: time)
        }
    }

    // MARK: Restarts

    func restarting(_ sentinel: Sentinel, _ world: World) {
        let id = sentinel.id
        guard let value = asked[id] else { return report(.restartUntimely, "nobody asked for the restart of \(id)") }
        if value.performedAt != nil { report(.restartTwice, "\(id) is carried out twice") }
        asked[id]?.performedAt = time
        if world.ledger.read({ $0.sentinels[id]?.state }) != .restarting {
            report(.restartUnmarked, "\(id) is carried out without a durable mark")
        }
        if !value.request.performedByUs { report(.restartUntimely, "\(id) was not ours to carry out") }
        checkTime(value)
        checkNotYet(sentinel, value, world)
    }

    /// The target is still in the epoch that was recorded, unless it changed a moment ago, before the daemon could hear of it.
    private func checkNotYet(_ sentinel: Sentinel, _ value: Asked, _ world: World) {
        guard let recorded = sentinel.epoch, refusedAt.map({ time - $0 > 10_000_000 }) ?? true else { return }
        switch sentinel.target {
        case .unit(let name):
            guard let unit = world.units.first(where: { $0.name == name }), unit.isUp, time - unit.epochSince > 3_000_000 else {
                return
            }
            guard unit.epoch(world.machine.boot) != recorded else { return }
        case .daemon: guard .token("instance\(life)") != recorded else { return }
        case .host: guard .token(world.machine.boot.description) != recorded else { return }
        case .exec, .nothing, .gateway: return
        }
        report(.restartUntimely, "\(sentinel.id): \(sentinel.target) has restarted by itself in the meantime")
    }

    private func checkTime(_ value: Asked) {
        let request = value.request
        guard let age = age(request.requestedAt) else {
            return report(.restartUntimely, "\(request.id) is carried out although nobody knows how late it is")
        }
        // Across boots the wall clock counts, which may be off by as much as it may be stepped.
        let slack: Int64 = request.requestedAt.boot == now.boot ? 1000 : 45_000_000
        let delay = request.delay.wholeMicroseconds
        if age < delay - slack { report(.restartUntimely, "\(request.id) is carried out \(delay - age) us too soon") }
        if age > delay + policy.restartMaxLate.wholeMicroseconds + slack {
            report(.restartUntimely, "\(request.id) is carried out \((age - delay) / 1_000_000) s late")
        }
    }
}
