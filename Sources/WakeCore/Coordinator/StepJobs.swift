/// Jobs: when they are due, and what is done then. Each has one timer; the wall clock is looked at now and then as well, since it may be
/// stepped over a job's time.
extension Step {
    /// How often the wall clock is looked at while there are jobs.
    static var jobClock: Duration { .seconds(600) }
    private static var dayMilliseconds: Int64 { 86_400_000 }

    mutating func jobAdded(_ job: Job, _ row: Int64?) {
        let isFull = base.jobs.count >= Job.maximum
        let problems = job.problems + (isFull ? ["there are \(Job.maximum) jobs already"] : [])
        guard problems.isEmpty else {
            let reason = problems.joined(separator: "; ")
            if let row { change(.inboxRefused(row: row, reason: reason)) }
            return tell(decision(.commandRefused, job, reason))
        }
        if let row { change(.inboxApplied(row: row)) }
        guard self.job(job.id) == nil else { return }
        if base.jobs.isEmpty { lookAgain(.jobClock, after: Self.jobClock) }
        put(job)
        tell(decision(.jobAdded, job, job.schedule))
        waitFor(job)
    }

    mutating func jobRemoved(_ id: JobID, _ row: Int64?) {
        if let row { change(.inboxApplied(row: row)) }
        guard let job = job(id) else { return tell(Decision(code: .commandRefused, reason: "no job has the id \(id)")) }
        drop(job: id)
        tell(decision(.jobRemoved, job, "it was taken back"))
    }

    /// Runs it beside its times. What a crash made come twice has the same row of the inbox, and so runs once.
    mutating func jobRunNow(_ id: JobID, _ row: Int64?) {
        if let row { change(.inboxApplied(row: row)) }
        guard var job = job(id) else { return tell(Decision(code: .commandRefused, reason: "no job has the id \(id)")) }
        fire(&job, due: now.wallMilliseconds)
        put(job)
    }

    /// The next time was found out; nil: there is none.
    mutating func jobPlanned(_ id: JobID, _ after: Int64, _ next: Int64?) {
        guard var job = job(id), job.isEnabled, job.nextDue == nil else { return }
        // Asked while the clock was far ahead; it is asked again.
        guard !now.clockSynchronised || after <= now.wallMilliseconds + Self.dayMilliseconds else { return }
        // A clock that was stepped back must not bring a time twice.
        if let next, next <= job.lastDue ?? .min { return act(.planJob(job, after: job.lastDue ?? next)) }
        job.nextDue = next
        job.isEnabled = next != nil
        put(job)
        if next == nil { tell(decision(.jobMissed, job, "it has no further time")) } else { waitFor(job) }
    }

    /// A clock that was set back by more than a day was wrong before, and so was what it called the last time: without this the job
    /// would be silent until then. One that nobody sets may be the wrong one itself.
    private mutating func forgiveClock() {
        guard now.clockSynchronised else { return }
        let wall = now.wallMilliseconds
        let ahead = base.jobs.values.filter { $0.isEnabled && ($0.dealtAt ?? .min) > wall + Self.dayMilliseconds }
        for var job in ahead.sorted(by: { $0.id < $1.id }) {
            if let last = job.lastDue, last > wall + Self.dayMilliseconds {
                job.lastDue = wall
                job.clockTurns += 1
            }
            job.nextDue = nil
            job.dealtAt = nil
            put(job)
            act(.planJob(job, after: max(wall, job.lastDue ?? .min)))
        }
    }

    /// At a start: what is planned is waited for, and only what is not is planned.
    mutating func armJobs() {
        change(.jobsArmed(ahead: wallAhead))
        guard !base.jobs.isEmpty else { return }
        lookAgain(.jobClock, after: Self.jobClock)
        forgiveClock()
        armUntouched()
    }

    /// The wall clock was set. Where it was set back, what is armed goes off too early and waits on; where it was set ahead further than
    /// ever, too late. A clock that is set to and fro arms nothing anew, so that timers don't pile up: then the next look finds what is due.
    mutating func clockStepped() {
        guard !base.jobs.isEmpty else { return }
        judgeJobs()
        guard wallAhead >= base.jobsArmedAhead + 1_000 else { return }
        change(.jobsArmed(ahead: wallAhead))
        armUntouched()
    }

    /// Waits for those that nothing has been done about in this step.
    private mutating func armUntouched() {
        for id in base.jobs.keys.sorted() { if let job = job(id), job == base.jobs[id] { waitFor(job) } }
    }

    private var wallAhead: Int64 { now.wallMilliseconds - now.boottimeMicroseconds / 1_000 }

    /// Looks whether the wall clock was stepped over a job's time.
    mutating func judgeJobs() {
        forgiveClock()
        let due = base.jobs.values.filter { ($0.nextDue ?? .max) <= now.wallMilliseconds }
        for job in due.sorted(by: { $0.id < $1.id }) { if let time = job.nextDue { jobDue(job.id, time) } }
    }

    mutating func jobClockTicked() {
        guard !base.jobs.isEmpty else { return }
        judgeJobs()
        lookAgain(.jobClock, after: Self.jobClock)
    }

    /// A timer ran out; one for a time that was dealt with already is left over from before the clock was stepped.
    mutating func jobDue(_ id: JobID, _ due: Int64) {
        guard var job = job(id), job.isEnabled, job.nextDue == due else { return }
        let late = now.wallMilliseconds - due
        guard late >= 0 else { return waitFor(job) }
        job.lastDue = due
        job.dealtAt = now.wallMilliseconds
        job.nextDue = nil
        if late > job.grace.wholeMilliseconds, job.missedPolicy == .report {
            report(job, missed: due)
        } else if let wake = job.wake, let held = self.wake(wake), held.state != .ended {
            record(.skipped, of: job, due: due)
            tell(decision(.jobSkipped, job, "the last one is still held"))
        } else {
            fire(&job, due: due)
        }
        if job.isOneShot { job.isEnabled = false }
        put(job)
        if job.isEnabled { act(.planJob(job, after: max(due, now.wallMilliseconds))) }
    }

    /// A one-shot job goes once everything of its wake was delivered; otherwise it stays to be seen.
    mutating func jobsWokenBy(_ wake: Wake) {
        guard wake.notes.contains(where: { $0.origin == .job }) else { return }
        guard wake.deliveries.allSatisfy({ delivery($0)?.stateName == "delivered" }) else { return }
        for id in base.jobs.values.filter({ $0.wake == wake.id && $0.isOneShot }).map(\.id).sorted() {
            guard let job = job(id), !job.isEnabled else { continue }
            drop(job: id)
            tell(decision(.jobRemoved, job, "it was due once, and is delivered"))
        }
    }

    private mutating func fire(_ job: inout Job, due: Int64) {
        let session = job.session(due: due)
        guard let owes = owed(by: job, session) else {
            record(.refused, of: job, due: due)
            return tell(
                decision(.jobMissed, job, "nobody takes turns of \(session), and it is not to be announced: nobody would hear it")
            )
        }
        let late = Duration.milliseconds(max(0, now.wallMilliseconds - due))
        let title = "Job \(job.name)" + (late < .seconds(60) ? "" : ", due \(NoticeText.span(late)) ago")
        let id = job.sentinel(due: due)
        requested(
            RestartRequest(
                id: id, session: session, route: job.route ?? job.session.route, note: job.message, target: .nothing,
                performedByUs: false, owes: owes, origin: .job, title: title, isLight: job.isLight, requestedAt: now), nil)
        guard let sentinel = sentinel(id) else { return record(.refused, of: job, due: due) }
        job.wake = sentinel.wake
        record(.fired, of: job, due: due, sentinel: id)
        tell(decision(.jobFired, job, nil))
    }

    /// A turn where somebody takes it, a notice where people are to see it; nil where neither is left.
    private func owed(by job: Job, _ session: SessionKey) -> Set<DeliveryKind>? {
        let takesTurns =
            (job.route ?? job.session.route)?.channel.gateway != nil
            || session.agent.map { policy.commandAgents[$0] != nil } ?? false
        switch job.announcing {
        case .always: return takesTurns ? [.notice, .turn] : [.notice]
        case .ifNeeded: return takesTurns ? [.turn] : [.notice]
        case .never: return takesTurns ? [.turn] : nil
        }
    }

    /// The log is told, and people in the channel where the job may be seen there.
    private mutating func report(_ job: Job, missed due: Int64) {
        let late = NoticeText.span(.milliseconds(now.wallMilliseconds - due))
        record(.missed, of: job, due: due)
        tell(decision(.jobMissed, job, "it was due \(late) ago"))
        guard job.announcing != .never else { return }
        requested(
            RestartRequest(
                id: job.sentinel(due: due, tells: "missed"), session: job.session(due: due),
                route: job.route ?? job.session.route,
                note: job.message, target: .nothing, performedByUs: false, owes: [.notice], origin: .job,
                title: "Job \(job.name) was not run: it was due \(late) ago", requestedAt: now), nil)
    }

    private mutating func waitFor(_ job: Job) {
        guard job.isEnabled else { return }
        guard let due = job.nextDue else { return act(.planJob(job, after: job.lastDue ?? now.wallMilliseconds)) }
        lookAgain(.job(job.id, due: due), after: .milliseconds(max(0, due - now.wallMilliseconds)))
    }

    private mutating func record(_ result: JobRun.Result, of job: Job, due: Int64, sentinel: SentinelID? = nil) {
        change(.jobRun(JobRun(job: job.id, due: due, at: now.wallMilliseconds, result: result, sentinel: sentinel)))
    }

    private func decision(_ code: Decision.Code, _ job: Job, _ reason: String?) -> Decision {
        Decision(code: code, wake: job.wake, session: job.session, place: "job \(job.name)", reason: reason)
    }
}
