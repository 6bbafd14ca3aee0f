/// Pending run states, and what is done when the work in them stands still. Nothing is polled: one timer for each pending run state.
extension Step {
    /// A run state was read: what is pending in it; nil where nothing is, or the file is gone.
    mutating func workSeen(_ path: String, _ work: WorkInHand?, _ fingerprint: String) {
        put(work, at: path)
        guard let work else {
            if lease(path) != nil { drop(leaseOf: path) }
            return
        }
        guard var lease = lease(path), lease.operation == work.operation, lease.session == work.session else {
            return begin(Lease(work, fingerprint: fingerprint, at: now), work)
        }
        if lease.fingerprint != fingerprint {
            lease.renew(fingerprint, at: now)
            lease.awaitsClock = false
            lease.boot = now.boot
            put(lease)
            tell(decision(.leaseRenewed, lease, "the work goes on"))
        } else if lease.boot != now.boot {
            lease.boot = now.boot
            lease.countedSince = now
            // It was there before this boot: no clock has to tell that any more.
            lease.awaitsClock = false
            put(lease)
            if !lease.isGivenUp { foundAtBoot(lease, work) }
        } else if lease.awaitsClock, now.clockSynchronised {
            // The clock was set while no daemon ran: nobody will tell.
            return begin(lease, work)
        }
        arm(lease)
    }

    private mutating func begin(_ lease: Lease, _ work: WorkInHand) {
        var lease = lease
        let age = Duration.milliseconds(max(0, now.wallMilliseconds - work.progressedAt))
        lease.awaitsClock = !now.clockSynchronised
        guard now.clockSynchronised else {
            put(lease)
            return arm(lease)
        }
        if age > policy.leases.stale {
            lease.isGivenUp = true
            put(lease)
            return tell(decision(.leaseGivenUp, lease, "nothing has gone on for \(NoticeText.span(age)); it is left alone"))
        }
        let sinceBoot = Duration.microseconds(now.boottimeMicroseconds)
        if age < sinceBoot { lease.countedSince = now.advanced(by: .zero - age) }
        put(lease)
        // It was pending before the machine came up, and nobody told us: that is what cut it off.
        if age >= sinceBoot { foundAtBoot(lease, work) }
        arm(lease)
    }

    /// How old the work is can be told now.
    mutating func judgeLeases() {
        for path in base.leases.keys.sorted() {
            guard let lease = lease(path), lease.awaitsClock, let work = work(path) else { continue }
            begin(lease, work)
        }
    }

    /// Whoever worked on it ended with the machine. A sentinel of the session that is still to fire carries the work itself.
    private mutating func foundAtBoot(_ lease: Lease, _ work: WorkInHand) {
        guard !isOwed(lease.session), !openSentinels(of: nil).contains(where: { $0.session == lease.session }) else { return }
        wake(lease, work, "The machine was started anew while this was pending. See where it stands, and go on.")
    }

    mutating func leaseDue(_ path: String) {
        guard var lease = lease(path), let work = work(path), !lease.isGivenUp else { return }
        let waited = now.elapsed(since: lease.countedSince) ?? .zero
        guard waited >= wait(lease) else { return arm(lease) }
        if let quiet = quietUntil, let left = quiet.elapsed(since: now), left > .zero {
            return lookAgain(.lease(path), after: left)
        }
        if openTurn(of: lease.session) != nil {
            lease.countedSince = now
            put(lease)
            return arm(lease)
        }
        // What is held for it carries the work as it is by then.
        if isOwed(lease.session) { return lookAgain(.lease(path), after: policy.leases.length) }
        lease.countedSince = now
        guard lease.wakes < policy.leases.maximumWakes else { return giveUp(lease, work) }
        lease.wakes += 1
        put(lease)
        let stood = NoticeText.span(waited)
        wake(lease, work, heartbeat(lease.session)?.prompt ?? "Nothing has gone on for \(stood). See where it stands, and go on.")
        arm(lease)
    }

    private mutating func giveUp(_ lease: Lease, _ work: WorkInHand) {
        var lease = lease
        lease.isGivenUp = true
        put(lease)
        let reason = "woken \(lease.wakes) times without any progress; a person must look"
        tell(decision(.leaseGivenUp, lease, reason))
        ask(work, "This work stands still: its agent was \(reason).", owes: [.notice], isLight: false)
    }

    private mutating func wake(_ lease: Lease, _ work: WorkInHand, _ note: String) {
        tell(decision(.leaseRunOut, lease, "wake \(lease.wakes)"))
        let place = work.route ?? work.session.route
        let isLight = lease.wakes > 0 && heartbeat(work.session)?.isLight == true
        ask(work, note, owes: takesTurns(work.session, over: place) ? [.notice, .turn] : [.notice], isLight: isLight)
    }

    private mutating func ask(_ work: WorkInHand, _ note: String, owes: Set<DeliveryKind>, isLight: Bool) {
        requested(
            RestartRequest(
                id: dice.identifier(), session: work.session, route: work.route, note: note, target: .nothing,
                performedByUs: false, owes: owes, origin: .stalled, isLight: isLight, requestedAt: now), nil)
    }

    // MARK: What renews it

    /// A delivery of the session arrived, or a turn of it has ended: its agent has until the lease runs out from now on. That is no
    /// progress yet, so what was counted stays: an agent that takes its turns and does nothing is not woken without end.
    mutating func sessionWoken(_ session: SessionKey) {
        for var lease in leases(of: session) where !lease.isGivenUp {
            lease.countedSince = now
            put(lease)
            arm(lease)
        }
    }

    /// Somebody sees to it: a person wrote in the session. A lease that has hardly begun is left as it is: people write many lines.
    mutating func sessionActive(_ session: SessionKey) {
        for var lease in leases(of: session) {
            let age = now.elapsed(since: lease.countedSince) ?? .zero
            guard lease.wakes > 0 || lease.isGivenUp || age >= policy.leases.length / 10 else { continue }
            lease.renew(at: now)
            put(lease)
            tell(decision(.leaseSeenTo, lease, "a person wrote in the session"))
            arm(lease)
        }
    }

    mutating func placeActive(_ place: Route) {
        let here = base.works.values.filter { ($0.route ?? $0.session.route) == place }
        for session in Set(here.map(\.session)).sorted() { sessionActive(session) }
    }

    private func wait(_ lease: Lease) -> Duration {
        guard lease.wakes > 0, let beat = heartbeat(lease.session) else { return policy.leases.wait(after: lease.wakes) }
        return beat.every
    }

    private mutating func arm(_ lease: Lease) {
        guard !lease.isGivenUp else { return }
        let waited = now.elapsed(since: lease.countedSince) ?? .zero
        lookAgain(.lease(lease.path), after: max(.zero, wait(lease) - waited))
    }

    /// Whether something is on its way to the session.
    private func isOwed(_ session: SessionKey) -> Bool {
        DeliveryKind.allCases.contains { kind in
            let line = base.queues[Coordinator.Queue(session: session, kind: kind)] ?? []
            return line.contains { delivery($0)?.isActive == true }
        } || freshDeliveries.contains { delivery($0)?.session == session && delivery($0)?.isActive == true }
    }

    // MARK: Heartbeats

    private func heartbeat(_ session: SessionKey) -> Policy.Heartbeat? {
        session.agent.flatMap { policy.heartbeats[$0] }.flatMap { $0.condition == .pendingRuns ? $0 : nil }
    }

    mutating func armBeats() {
        for (agent, beat) in policy.heartbeats.sorted(by: { $0.key < $1.key }) where beat.condition == .always {
            lookAgain(.beat(agent), after: beat.every)
        }
    }

    mutating func beat(_ agent: String) {
        guard let beat = policy.heartbeats[agent] else { return }
        lookAgain(.beat(agent), after: beat.every)
        let isQuiet = quietUntil.flatMap { $0.elapsed(since: now) }.map { $0 > .zero } ?? false
        guard !isQuiet, openTurn(of: beat.session) == nil, !isOwed(beat.session) else { return }
        requested(
            RestartRequest(
                id: dice.identifier(), session: beat.session, route: beat.route, note: beat.prompt, target: .nothing,
                performedByUs: false, owes: [.turn], origin: .sent, isLight: beat.isLight, requestedAt: now), nil)
    }

    private func decision(_ code: Decision.Code, _ lease: Lease, _ reason: String) -> Decision {
        Decision(code: code, session: lease.session, place: lease.path, reason: reason)
    }
}
