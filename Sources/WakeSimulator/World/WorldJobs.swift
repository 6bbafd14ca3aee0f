internal import WakeCore
internal import WakeService
internal import WakeTesting

/// People who add jobs and take them back, and the planner, which knows one zone.
extension World {
    func orderJob() {
        guard machineIsUp else { return }
        let known = checkers.jobs.values.filter { !$0.isTakenBack }.map(\.job.id).sorted()
        if jobsAdded < plan.jobs, known.isEmpty || random.percent(70) { return addJob() }
        guard !known.isEmpty else { return }
        let id = random.pick(known)
        if random.percent(60) { return hand(.run(id)) { checkers.jobRunByHand(id) } }
        hand(.remove(id)) { checkers.jobTakenBack(id) }
    }

    private func addJob() {
        jobsAdded += 1
        let session = random.pick(plan.sessions)
        let isOneShot = random.percent(50)
        let wait = random.pick([0, 1_000, 60_000, 3_600_000]) + Int64(random.below(1_000))
        let every: Int64 = random.pick([600, 3_600, 86_400])
        let start = now.wallMilliseconds
        let job = Job(
            id: Identifier(high: random.next(), low: random.next()), name: "job \(jobsAdded)",
            schedule: isOneShot ? "at \(start + wait)" : "every \(every) \(start)", isOneShot: isOneShot, session: session,
            route: session.route ?? random.pick(plan.routes), message: "do job \(jobsAdded)",
            announcing: random.pick([.ifNeeded, .always, .never]), grace: random.pick([.seconds(3_600), .seconds(60), .zero]),
            missedPolicy: random.pick([.report, .run]), nextDue: isOneShot ? start + wait : start + every * 1_000, createdAt: now)
        log("job added: \(job.schedule), grace \(job.grace), \(job.missedPolicy.rawValue), \(job.id)")
        hand(.add(job)) { checkers.jobAdded(job) }
    }

    /// Through the inbox, as every command does.
    private func hand(_ order: JobOrder, _ acknowledged: () -> Void) {
        if fault(5) { ledger.failNext(random.pick([.failedBeforeWriting, .failedAfterSyncing])) }
        do {
            _ = try ledger.append(.job(order))
            acknowledged()
        } catch {
            // Whether it is there is not known to who asked.
            if case .add(let job) = order { checkers.jobMaybeAdded(job) } else { acknowledged() }
        }
        ledger.failNext(nil)
        if runner != nil { plan(.inboxLook(life: life), after: random.percent(90) ? span(1, 40) : 60_000_000) }
    }

    /// The next time of a schedule, from its text alone.
    static func nextTime(_ schedule: String, after milliseconds: Int64) -> Int64? {
        let parts = schedule.split(separator: " ").compactMap { Int64($0) }
        guard parts.count == 2 else { return parts.first.flatMap { $0 > milliseconds ? $0 : nil } }
        let (step, anchor) = (parts[0] * 1_000, parts[1])
        return milliseconds < anchor ? anchor : anchor + ((milliseconds - anchor) / step + 1) * step
    }

    func planJob(_ job: Job, _ after: Int64) {
        plan(
            .event(life: life, .jobPlanned(job.id, after: after, next: Self.nextTime(job.schedule, after: after))),
            after: span(0, 20))
    }
}
