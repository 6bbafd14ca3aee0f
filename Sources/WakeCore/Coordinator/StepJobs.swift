/// Jobs: when they are due, and what is done then. Each has one timer; the wall clock is looked at now and then as well, since it may be
/// stepped over a job's time.
extension Step {
    /// How often the wall clock is looked at while there are jobs.
    static var jobClock: Duration { .seconds(600) }

    mutating func jobAdded(_ job: Job, _ row: Int64?) {
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

    mutating func jobRunNow(_ id: JobID, _ row: Int64?) {
        if let row { change(.inboxApplied(row: row)) }
        guard var job = job(id) else { return tell(Decision(code: .commandRefused, reason: "no job has the id \(id)")) }
        fire(&job, due: now.wallMilliseconds)
        put(job)
    }

    /// The next time was found out; nil: there is none.
    mutating func jobPlanned(_ id: JobID, _ next: Int64?) {
        guard var job = job(id), job.isEnabled, job.nextDue == nil else { return }
        // A clock that was stepped back must not bring a time twice.
        if let next, next <= job.lastDue ?? .min { return act(.planJob(job, after: job.lastDue ?? next)) }
        job.nextDue = next
        job.isEnabled = next != nil
        put(job)
        if next == nil { tell(decision(.jobMissed, job, "it has no further time")) } else { waitFor(job) }
    }

    /// At a start: what is planned is waited for, and only what is not is planned.
    mutating func armJobs() {
        guard !base.jobs.isEmpty else { return }
        lookAgain(.jobClock, after: Self.jobClock)
        for job in base.jobs.values.sorted(by: { $0.id < $1.id }) { waitFor(job) }
    }

    /// Looks whether the wall clock was stepped over a job's time.
    mutating func judgeJobs() {
        for id in base.jobs.values.filter({ ($0.nextDue ?? .max) <= now.wallMilliseconds }).map(\.id).sorted() { jobDue(id) }
    }

    mutating func jobClockTicked() {
        guard !base.jobs.isEmpty else { return }
        judgeJobs()
        lookAgain(.jobClock, after: Self.jobClock)
    }

    mutating func jobDue(_ id: JobID) {
        guard var job = job(id), job.isEnabled, let due = job.nextDue else { return }
        // Before the clock is set after a boot, nobody knows what time it is.
        guard now.clockSynchronised || job.createdAt.boot == now.boot else { return }
        let late = now.wallMilliseconds - due
        guard late >= 0 else { return waitFor(job) }
        job.lastDue = due
        job.nextDue = nil
        if late > job.grace.wholeMilliseconds, job.missedPolicy == .report {
            record(.missed, of: job, due: due)
            tell(decision(.jobMissed, job, "it was due \(NoticeText.span(.milliseconds(late))) ago"))
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
        let id = job.sentinel(due: due)
        requested(
            RestartRequest(
                id: id, session: job.session, route: job.route, note: job.message, target: .nothing, performedByUs: false,
                owes: job.owes, origin: .job, requestedAt: now), nil)
        guard let sentinel = sentinel(id) else { return record(.refused, of: job, due: due) }
        job.wake = sentinel.wake
        record(.fired, of: job, due: due, sentinel: id)
        tell(decision(.jobFired, job, nil))
    }

    private mutating func waitFor(_ job: Job) {
        guard job.isEnabled else { return }
        guard let due = job.nextDue else { return act(.planJob(job, after: max(now.wallMilliseconds, job.lastDue ?? .min))) }
        lookAgain(.job(job.id), after: .milliseconds(max(0, due - now.wallMilliseconds)))
    }

    private mutating func record(_ result: JobRun.Result, of job: Job, due: Int64, sentinel: SentinelID? = nil) {
        change(.jobRun(JobRun(job: job.id, due: due, at: now.wallMilliseconds, result: result, sentinel: sentinel)))
    }

    private func decision(_ code: Decision.Code, _ job: Job, _ reason: String?) -> Decision {
        Decision(code: code, wake: job.wake, session: job.session, place: "job \(job.name)", reason: reason)
    }
}
