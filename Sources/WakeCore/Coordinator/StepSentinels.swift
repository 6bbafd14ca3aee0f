extension Step {
    mutating func requested(_ wish: RestartRequest, _ row: Int64?) {
        let request = withTurn(wish)
        let isFull = base.sentinels.count >= Limits.openSentinels
        let problems = request.problems + (isFull ? ["\(Limits.openSentinels) sentinels are open already"] : [])
        guard problems.isEmpty else {
            if let row { change(.inboxRefused(row: row, reason: problems.joined(separator: "; "))) }
            return tell(
                Decision(
                    code: .sentinelRefused, sentinel: request.id, session: request.session,
                    reason: problems.joined(separator: "; ")))
        }
        if let row { change(.inboxApplied(row: row)) }
        guard sentinel(request.id) == nil else { return }
        let target = request.target
        let current = isSeen(target) ? unsettled(target) ?? epoch(target) : nil
        let sentinel = Sentinel(request, epoch: current, at: now)
        put(sentinel)
        tell(decision(.sentinelArmed, sentinel))
        if target.isWatchable, !isSeen(target) { act(.observe(target)) }
        if let current, let recorded = sentinel.epoch, current.differs(from: recorded) {
            if target == .daemon {
                // It was written while no daemon ran.
                move(sentinel, .epochSettled(current))
            } else if unsettled(target) == nil, !base.down.contains(target) {
                // The target restarted between the request and now; or the requester saw its newest epoch before us, then we hear of
                // it before this is believed.
                put(unsettled: current, for: target)
                lookAgain(.settle(target, current), after: max(policy.targetSettle, Limits.observationDelay))
            }
        }
        examine(sentinel.id)
    }

    mutating func withdrawn(_ request: RestartRequest, _ row: Int64) {
        guard request.problems.isEmpty, sentinel(request.id) == nil else { return change(.inboxApplied(row: row)) }
        change(.inboxApplied(row: row))
        move(Sentinel(request, epoch: nil, at: now), .cancelled)
    }

    /// Whose agent is a command of ours gets its turn with what it asked for.
    private func withTurn(_ wish: RestartRequest) -> RestartRequest {
        let route = wish.route ?? wish.session.route
        guard wish.origin == .requested, wish.owes == [.notice], route?.channel.gateway == nil,
            wish.session.agent.map({ policy.commandAgents[$0] != nil }) ?? false
        else { return wish }
        var request = wish
        request.owes.insert(.turn)
        return request
    }

    /// Whether there is somebody who starts turns of the session.
    func takesTurns(_ session: SessionKey, over route: Route?) -> Bool {
        guard let route else { return false }
        return route.channel.gateway != nil || session.agent.map { policy.commandAgents[$0] != nil } ?? false
    }

    func openSentinels(of target: RestartTarget?) -> [Sentinel] {
        base.sentinels.keys.compactMap { sentinel($0) }
            .filter { $0.isOpen && (target == nil || $0.target == target) }
            .sorted { ($0.requestedAt.wallMilliseconds, $0.id) < ($1.requestedAt.wallMilliseconds, $1.id) }
    }

    mutating func examine(_ id: SentinelID) {
        guard let sentinel = sentinel(id) else { return }
        let current = unsettled(sentinel.target) ?? epoch(sentinel.target)
        move(sentinel, .examined(currentEpoch: current, isSeen: isSeen(sentinel.target)))
    }

    mutating func move(_ id: SentinelID, _ event: Sentinel.Event) {
        if let sentinel = sentinel(id) { move(sentinel, event) }
    }

    mutating func move(_ old: Sentinel, _ event: Sentinel.Event, _ story: RestartStory? = nil) {
        var sentinel = sentinel(old.id) ?? old
        let directives = sentinel.handle(event, at: now, policy: policy)
        if sentinel != old {
            put(sentinel)
            tell(decision(code(sentinel), sentinel))
        }
        for directive in directives {
            switch directive {
            case .performRestart: act(.performRestart(sentinel))
            case .owe: owe(sentinel, story)
            case .report(let cause):
                let report = Sentinel(reporting: sentinel, as: dice.identifier(), cause: cause, at: now)
                owe(report)
            case .examineAgain(let wait): lookAgain(.sentinel(sentinel.id), after: wait)
            }
        }
    }

    /// Joins the session's open wake, or opens one.
    mutating func owe(_ sentinel: Sentinel, _ story: RestartStory? = nil) {
        guard case .fired(let cause) = sentinel.state else { return }
        let note = Wake.Note(
            sentinel: sentinel.id, text: sentinel.note, target: sentinel.target, cause: cause, origin: sentinel.origin,
            requestedAt: sentinel.requestedAt, firedAt: now, story: story, title: sentinel.title, isLight: sentinel.isLight)
        let place = Coordinator.Place(session: sentinel.session, route: sentinel.route)
        let joined = openWake(place)
        var wake =
            joined
            ?? Wake(
                id: dice.identifier(), session: sentinel.session, route: sentinel.route, sequence: freshSequence(), openedAt: now,
                notes: [], owes: [], state: .open, stateSince: now)
        wake.notes.append(note)
        let added = sentinel.owes.subtracting(wake.owes)
        wake.owes.formUnion(sentinel.owes)
        var member = sentinel
        member.wake = wake.id
        put(member)
        put(wake)
        markOpen(wake)
        tell(decision(joined == nil ? .wakeOpened : .wakeJoined, member))
        // What joins later is owed later: nobody who was asked a permit for is overtaken.
        let sequence = joined == nil || added.isEmpty ? wake.sequence : freshSequence()
        for kind in added.sorted() { addDelivery(kind, to: wake, sequence) }
        // A turn that somebody else's restart owed may be the session's own by this note.
        let turn = DeliveryID(wake: wake.id, kind: .turn)
        if !added.contains(.turn), let reason = loop(wake) { move(turn, .loopSuspected(reason: reason)) }
    }

    private mutating func addDelivery(_ kind: DeliveryKind, to wake: Wake, _ sequence: Int64) {
        let id = DeliveryID(wake: wake.id, kind: kind)
        let delivery = Delivery(id: id, session: wake.session, route: wake.route, sequence: sequence, at: now)
        put(delivery)
        tell(decision(.deliveryHeld, delivery, base.shutGate(delivery.route) ?? turnInTheWay(of: delivery)))
        if kind == .turn, let reason = loop(wake) { move(id, .loopSuspected(reason: reason)) }
        guard self.delivery(id)?.isActive == true else { return }
        armHold(id)
        armEscalation(id)
        needRoute(delivery.route)
        consider(id)
    }

    /// Agents can loop: a session that its own restarts have just woken several times is stopped for a person to look at.
    private func loop(_ wake: Wake) -> String? {
        guard wake.isByOwnRestart else { return nil }
        let recent = (base.ownRestartWakes[wake.session] ?? []).filter {
            $0.wake != wake.id && now.elapsed(since: $0.openedAt).map { $0 <= policy.loopWindow } ?? false
        }
        guard recent.count >= policy.loopWakes else { return nil }
        return
            "its own restarts woke this session \(recent.count) times within \(NoticeText.span(policy.loopWindow)); it may be looping"
    }

    // MARK: Words

    private func code(_ sentinel: Sentinel) -> Decision.Code {
        switch sentinel.state {
        case .armed: .sentinelArmed
        case .restarting: .sentinelRestarting
        case .fired: .sentinelFired
        case .notRestarted: .sentinelNotRestarted
        case .targetFailed: .sentinelTargetFailed
        case .expired: .sentinelExpired
        case .cancelled: .sentinelCancelled
        }
    }

    private func decision(_ code: Decision.Code, _ sentinel: Sentinel) -> Decision {
        let reason: String? =
            switch sentinel.state {
            case .notRestarted(let reason), .targetFailed(let reason): reason
            case .fired(.didNotHappen(let reason)), .fired(.targetFailed(let reason)): reason
            default: nil
            }
        return Decision(
            code: code, sentinel: sentinel.id, wake: sentinel.wake, session: sentinel.session, place: sentinel.target.description,
            reason: reason)
    }
}
