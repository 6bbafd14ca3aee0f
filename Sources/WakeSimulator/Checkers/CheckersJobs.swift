internal import WakeCore
internal import WakeService
internal import WakeTesting

/// Jobs: each of their times is dealt with, once, and never too early by the clock that the machine shows.
extension Checkers {
    /// What became of a time of a job, and what the wall clock said then.
    struct TimeDealtWith {
        let result: JobRun.Result
        let atWall: Int64
        let wasSet: Bool
        var isVoid = false
    }

    /// What is known of one job.
    struct KnownJob {
        let job: Job
        var isAcknowledged = true
        var isTakenBack = false
        var runsByHand = 0
        /// What became of each of its times, and when, by the wall clock.
        var runs: [Int64: TimeDealtWith] = [:]
    }

    func jobAdded(_ job: Job) { jobs[job.id] = KnownJob(job: job) }
    func jobMaybeAdded(_ job: Job) { jobs[job.id] = KnownJob(job: job, isAcknowledged: false) }
    func jobTakenBack(_ id: JobID) { jobs[id]?.isTakenBack = true }
    func jobRunByHand(_ id: JobID) { jobs[id]?.runsByHand += 1 }

    /// An acknowledged job that nobody took back is there, or waits in the inbox, or had its one time.
    func jobsAreKept(_ tables: LedgerTables) {
        for value in jobs.values where value.isAcknowledged && !value.isTakenBack && tables.jobs[value.job.id] == nil {
            let isWaiting = tables.inbox.values.contains {
                if case .job(.add(let job)) = $0 { job.id == value.job.id } else { false }
            }
            // Its run may have been committed in the moment in which the last life ended.
            let hadItsTime = tables.jobRuns.contains { $0.job == value.job.id }
            if !isWaiting, !(value.job.isOneShot && hadItsTime) { report(.jobLost, "\(value.job.name) is gone") }
        }
        for run in tables.jobRuns where jobs[run.job]?.runs[run.due] == nil { note(run) }
    }

    func note(_ run: JobRun) {
        latestJobTime = max(latestJobTime, run.at, run.due)
        jobs[run.job]?.runs[run.due] = TimeDealtWith(result: run.result, atWall: run.at, wasSet: now.clockSynchronised)
    }

    /// A time that had not come, as the clock shows once it is set, was no time; neither was one of a clock that was a day ahead.
    func jobsSeeClock() {
        guard now.clockSynchronised else { return }
        let wall = now.wallMilliseconds
        // Only a clock that is behind what was seen of it can void anything.
        guard wall < latestJobTime else { return }
        latestJobTime = wall
        for (id, value) in jobs {
            for (due, run) in value.runs where wall < run.atWall - 86_000_000 || (!run.wasSet && wall < due) {
                jobs[id]?.runs[due]?.isVoid = true
            }
        }
    }

    func check(_ run: JobRun) {
        guard let value = jobs[run.job] else { return report(.jobUntimely, "nobody added the job \(run.job)") }
        let job = value.job
        let isItsTime = World.nextTime(job.schedule, after: run.due - 1) == run.due
        guard isItsTime else {
            // By hand, at any time.
            if run.result != .fired, run.result != .refused {
                report(.jobUntimely, "\(job.name) \(run.result) at a time that is none")
            }
            return
        }
        if run.due > now.wallMilliseconds { report(.jobUntimely, "\(job.name) runs \(run.due - now.wallMilliseconds) ms early") }
        if let old = value.runs[run.due], !old.isVoid {
            report(.jobUntimely, "\(job.name) is dealt with twice for \(run.due): \(old.result), \(run.result)")
        }
        let late = now.wallMilliseconds - run.due
        if run.result == .missed, job.missedPolicy == .run || late <= job.grace.wholeMilliseconds {
            report(.jobUntimely, "\(job.name) is called missed, \(late) ms late")
        }
        if run.result == .fired, job.missedPolicy == .report, late > job.grace.wholeMilliseconds {
            report(.jobUntimely, "\(job.name) runs \(late) ms late")
        }
        if run.result == .fired, run.sentinel == nil { report(.jobLost, "\(job.name) ran, and woke nobody") }
    }

    /// A job wakes its own session, with its message.
    func checkJob(_ sentinel: Sentinel) {
        guard sentinels[sentinel.id] == nil else { return report(.jobUntimely, "a time of a job has two wakes") }
        let isKnown = jobs.values.contains { $0.job.session == sentinel.session && $0.job.message == sentinel.note }
        if !isKnown { report(.jobUntimely, "nobody added a job with the message '\(sentinel.note)'") }
    }

    /// Whether each job that is due once had its time, by the clock as it is now, and no other is due or being planned.
    func jobsHadTheirTime(_ tables: LedgerTables, _ now: Moment) -> Bool {
        tables.jobs.values.allSatisfy { !$0.isEnabled || ($0.nextDue ?? 0) > now.wallMilliseconds }
            && jobs.values.allSatisfy { value in
                !value.isAcknowledged || value.isTakenBack || !value.job.isOneShot
                    || value.job.nextDue.map { value.runs[$0] != nil } ?? true
            }
    }

    /// In the end each time has come to something, and those that go on know when they are due next.
    func checkJobs(_ tables: LedgerTables, _ world: World) {
        for value in jobs.values where value.isAcknowledged && !value.isTakenBack {
            let job = value.job
            if job.isOneShot, let due = job.nextDue, value.runs[due] == nil, due < now.wallMilliseconds - 700_000 {
                report(.jobLost, "\(job.name) was due, and nothing came of it")
            }
            guard !job.isOneShot else { continue }
            guard let kept = tables.jobs[job.id] else { return report(.jobLost, "\(job.name) is gone") }
            let step = (World.nextTime(job.schedule, after: now.wallMilliseconds) ?? 0) - now.wallMilliseconds
            if let next = kept.nextDue, next < now.wallMilliseconds - 700_000 {
                report(.jobLost, "\(job.name) was due \(now.wallMilliseconds - next) ms ago, and nothing comes of it")
            }
            if kept.nextDue ?? .max > now.wallMilliseconds + step + 2 * 86_400_000, world.runner != nil, now.clockSynchronised,
                kept.createdAt.wallMilliseconds <= now.wallMilliseconds
            {
                report(
                    .jobLost,
                    "\(job.name) is silent: next \(kept.nextDue.map { "\($0 - now.wallMilliseconds) ms from now" } ?? "never")")
            }
        }
        for wake in tables.wakes.values {
            for note in wake.notes where note.origin == .job && wake.state != .ended {
                report(.jobLost, "the wake \(wake.id) of '\(note.text)' never ended")
            }
        }
        world.statistics.jobs = jobs.values.reduce(0) { $0 + $1.runs.count }
    }
}
