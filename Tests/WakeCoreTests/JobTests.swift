import Testing

@testable import WakeCore

@Suite("Jobs")
struct JobTests {
    private static let id = Sample.id(77)

    private static func job(
        in seconds: Int64 = 10, isOneShot: Bool = true, policy: Job.MissedPolicy = .report,
        announcing: Job.Announcing = .ifNeeded, isIsolated: Bool = false, isLight: Bool = false
    ) -> Job {
        Job(
            id: id, name: "report", schedule: isOneShot ? "+\(seconds)s" : "every 10m", isOneShot: isOneShot,
            session: isIsolated ? Sample.key("agent:infra:cron:77") : Sample.key(), isIsolated: isIsolated,
            route: Sample.key().route, message: "write the report",
            announcing: announcing, isLight: isLight, missedPolicy: policy,
            nextDue: Sample.start.wallMilliseconds + seconds * 1_000, createdAt: Sample.start)
    }

    private static func story(_ job: Job) -> Story {
        var story = Story()
        story.begin()
        story.on(.jobAdded(job, inboxRow: nil))
        return story
    }

    private static func deliver(_ story: inout Story) {
        story.open()
        for id in story.coordinator.deliveries.keys {
            story.on(.permitGranted(id))
            story.on(.attemptEnded(id, .accepted(Receipt(id: "m", source: .reply))))
        }
    }

    /// Hands an event in and returns what became of the times of jobs.
    private static func runs(_ story: inout Story, _ event: Event = .timePassed, at moment: Moment? = nil) -> [JobRun] {
        let directives = story.coordinator.step(event, at: moment ?? story.now, dice: Dice(high: 3, low: 4))
        var found: [JobRun] = []
        for case .record(let changes) in directives {
            story.coordinator.adopt(changes)
            for case .jobRun(let run) in changes { found.append(run) }
        }
        return found
    }

    private static func plans(_ directives: [Directive]) -> [Int64] {
        directives.compactMap { if case .planJob(_, let after) = $0 { after } else { nil } }
    }

    @Test("a job that is due wakes its session, which waits for the gate as any wake does")
    func due() throws {
        var story = Self.story(Self.job())
        story.wait(.seconds(9))
        #expect(story.coordinator.wakes.isEmpty)
        let done = story.wait(.seconds(2))
        #expect(Story.permits(done).isEmpty)
        let wake = try #require(story.coordinator.wakes.values.first)
        #expect(wake.notes.map(\.origin) == [.job])
        #expect(wake.notes.map(\.text) == ["write the report"])
        #expect(!Story.permits(story.open()).isEmpty)
    }

    @Test("a one-shot job goes once it is delivered, not when it is due")
    func removal() {
        var story = Self.story(Self.job())
        story.wait(.seconds(11))
        #expect(story.coordinator.jobs[Self.id]?.isEnabled == false)
        Self.deliver(&story)
        #expect(story.coordinator.jobs.isEmpty)
    }

    @Test("a job that is late by less than its grace runs once")
    func lateWithinGrace() {
        var story = Self.story(Self.job())
        let late = story.now.advanced(by: .seconds(3_000))
        #expect(Self.runs(&story, at: late).map(\.result) == [.fired])
        #expect(Self.runs(&story, at: late.advanced(by: .seconds(1))).isEmpty)
    }

    @Test("what was missed by more than the grace is reported and does not run; by the other policy it runs late, once")
    func missed() throws {
        for (policy, result) in [(Job.MissedPolicy.report, JobRun.Result.missed), (.run, .fired)] {
            var story = Self.story(Self.job(policy: policy))
            #expect(Self.runs(&story, at: story.now.advanced(by: .seconds(7_200))).map(\.result) == [result])
            let title = try #require(story.coordinator.wakes.values.first?.notes.first?.title)
            #expect(
                title == (result == .missed ? "Job report was not run: it was due 119 min ago" : "Job report, due 119 min ago"))
            #expect(Self.runs(&story, at: story.now.advanced(by: .seconds(9_000))).isEmpty)
        }
    }

    @Test("the operator is told of a missed time")
    func missedIsTold() {
        var story = Self.story(Self.job())
        story.on(.timePassed, after: .seconds(7_200))
        #expect(story.told.contains { $0.code == .jobMissed && $0.needsOperator })
    }

    @Test("a clock that is stepped forward over the time brings it at the next look; stepped back it is not brought early")
    func steppedClock() {
        var story = Self.story(Self.job(in: 5_000))
        story.now.wallMilliseconds += 5_001_000
        story.wait(.seconds(601))
        #expect(story.coordinator.wakes.count == 1)

        story = Self.story(Self.job(in: 100))
        story.now.wallMilliseconds -= 1_000_000
        story.wait(.seconds(1_000))
        #expect(story.coordinator.wakes.isEmpty)
        story.wait(.seconds(120))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("a step that is told brings what is due at once, and what is due later in time, however the clock went before")
    func toldSteps() {
        var story = Self.story(Self.job(in: 5_000))
        story.now.wallMilliseconds += 5_001_000
        story.on(.clockStepped)
        #expect(story.coordinator.wakes.count == 1)

        story = Self.story(Self.job(in: 5_000))
        story.now.wallMilliseconds -= 1_000_000
        story.on(.clockStepped)
        story.now.wallMilliseconds += 5_000_000
        story.on(.clockStepped)
        story.wait(.seconds(999))
        #expect(story.coordinator.wakes.isEmpty)
        story.wait(.seconds(2))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("a clock that is set to and fro arms each job once")
    func toAndFro() {
        var story = Self.story(Self.job(in: 5_000))
        var armed = 0
        for _ in 1...20 {
            for step in [10_000, -10_000] as [Int64] {
                story.now.wallMilliseconds += step
                for case .record(let changes) in story.coordinator.step(.clockStepped, at: story.now, dice: Dice(high: 3, low: 4))
                {
                    story.coordinator.adopt(changes)
                    armed += changes.count { if case .timer = $0 { true } else { false } }
                }
            }
        }
        #expect(armed == 1)
    }

    @Test("no time runs twice, even where the clock is stepped back and planned anew")
    func neverTwice() throws {
        var story = Self.story(Self.job(isOneShot: false))
        let due = try #require(story.coordinator.jobs[Self.id]?.nextDue)
        #expect(Self.plans(story.wait(.seconds(11))).allSatisfy { $0 >= due })
        Self.deliver(&story)
        #expect(Self.plans(story.on(.jobPlanned(Self.id, after: story.now.wallMilliseconds, next: due))) == [due])
        #expect(story.coordinator.jobs[Self.id]?.nextDue == nil)
        story.on(.jobPlanned(Self.id, after: story.now.wallMilliseconds, next: due + 600_000))
        #expect(story.coordinator.jobs[Self.id]?.nextDue == due + 600_000)
        #expect(story.coordinator.jobs[Self.id]?.sentinel(due: due) != story.coordinator.jobs[Self.id]?.sentinel(due: due + 1))
    }

    @Test("while its last wake is held, a repeating job opens no other: that time is skipped")
    func coalesced() {
        var story = Self.story(Self.job(isOneShot: false))
        story.wait(.seconds(11))
        story.on(.jobPlanned(Self.id, after: story.now.wallMilliseconds, next: story.now.wallMilliseconds + 5_000))
        #expect(Self.runs(&story, at: story.now.advanced(by: .seconds(6))).map(\.result) == [.skipped])
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("a start takes up what was recorded: before the record the job is still due, after it never again")
    func restart() {
        let before = Self.story(Self.job())
        let directives = before.coordinator.step(
            .timePassed, at: before.now.advanced(by: .seconds(11)), dice: Dice(high: 5, low: 6))
        for isRecorded in [false, true] {
            var story = before
            for case .record(let changes) in directives where isRecorded { story.coordinator.adopt(changes) }
            story.wait(.seconds(12))
            story.begin("two")
            story.wait(.seconds(60))
            #expect(story.coordinator.wakes.count == 1)
            #expect(story.coordinator.wakes.values.first?.notes.count == 1)
        }
    }

    @Test("a start plans only what has no time yet")
    func startPlans() {
        var story = Self.story(Self.job())
        var other = Self.job(isOneShot: false)
        other.nextDue = nil
        story.coordinator.adopt([.job(Self.id, other)])
        #expect(Self.plans(story.on(.daemonStarted(instance: .token("two")))).count == 1)
        story.coordinator.adopt([.job(Self.id, Self.job())])
        #expect(Self.plans(story.on(.daemonStarted(instance: .token("three")))).isEmpty)
    }

    @Test("a job that was taken back is never due; one that is not there is refused with its id")
    func removed() {
        var story = Self.story(Self.job())
        story.on(.jobRemoved(Self.id, inboxRow: nil))
        story.wait(.seconds(60))
        #expect(story.coordinator.wakes.isEmpty)
        story.on(.jobRemoved(Self.id, inboxRow: nil))
        #expect(story.told.first?.code == .commandRefused)
    }

    @Test("a missed job that nobody is to see is told to the log alone")
    func missedInSilence() {
        var story = Self.story(Self.job(announcing: .never))
        #expect(Self.runs(&story, at: story.now.advanced(by: .seconds(7_200))).map(\.result) == [.missed])
        #expect(story.coordinator.wakes.isEmpty)
    }

    @Test("who takes turns gets a turn, with an announcement people see it too; where nobody does, people alone are told")
    func owes() {
        let cases: [(Job.Announcing, takesTurns: Bool, Set<DeliveryKind>?)] = [
            (.ifNeeded, true, [.turn]), (.always, true, [.notice, .turn]), (.never, true, [.turn]),
            (.ifNeeded, false, [.notice]), (.always, false, [.notice]), (.never, false, nil),
        ]
        for (announcing, takesTurns, owes) in cases {
            var story = Story()
            if takesTurns, let agent = Sample.key().agent { story.coordinator.policy.commandAgents[agent] = 1 }
            story.begin()
            story.on(.jobAdded(Self.job(announcing: announcing), inboxRow: nil))
            let done = Self.runs(&story, at: story.now.advanced(by: .seconds(11)))
            #expect(done.map(\.result) == [owes == nil ? .refused : .fired])
            #expect(story.coordinator.wakes.values.first?.owes == owes)
        }
    }

    @Test("each run of an isolated job has a session of its own")
    func isolated() {
        var story = Self.story(Self.job(isIsolated: true))
        let due = story.coordinator.jobs[Self.id]?.nextDue ?? 0
        story.wait(.seconds(11))
        #expect(story.coordinator.wakes.values.first?.session.description == "agent:infra:cron:77:run:\(due)")
    }

    @Test("the turn of a light job says its message, and nothing of what is pending or was written meanwhile")
    func light() throws {
        for isLight in [false, true] {
            var story = Self.story(Self.job(isLight: isLight))
            story.wait(.seconds(11))
            let wake = try #require(story.coordinator.wakes.values.first)
            let missed = [MissedMessage(author: "ada", text: "are you there?", at: story.now.wallMilliseconds)]
            let text = TurnText.of(wake, [], missed: missed, at: story.now)
            #expect(text.contains("**Job report**") && text.contains("> write the report"))
            #expect(text.contains("are you there?") == !isLight)
        }
    }

    @Test("what can't be a job is refused with everything that is wrong with it")
    func problems() {
        var story = Story()
        story.begin()
        var job = Self.job()
        job.name = "two\nlines"
        job.message = " "
        story.on(.jobAdded(job, inboxRow: nil))
        #expect(story.coordinator.jobs.isEmpty)
        let reason = story.told.last?.reason ?? ""
        #expect(reason.contains("name") && reason.contains("message is empty"))
    }

    @Test("a clock that was days ahead silences no job: its times begin anew, and none of before is taken for done")
    func clockAhead() throws {
        var story = Self.story(Self.job(isOneShot: false))
        story.now.wallMilliseconds += 400_000_000
        story.on(.clockSynchronised)
        let first = try #require(story.coordinator.jobs[Self.id]?.lastDue)
        story.on(.jobPlanned(Self.id, after: story.now.wallMilliseconds, next: story.now.wallMilliseconds + 600_000))
        Self.deliver(&story)
        story.wait(.seconds(601))
        let last = try #require(story.coordinator.jobs[Self.id]?.lastDue)
        #expect(last > first)
        story.now.wallMilliseconds -= 400_000_000
        #expect(Self.plans(story.on(.clockSynchronised)) == [story.now.wallMilliseconds])
        #expect(story.coordinator.jobs[Self.id]?.lastDue == story.now.wallMilliseconds)
    }

    @Test("a timer left over from before the clock was stepped does nothing")
    func staleTimer() {
        var story = Self.story(Self.job(in: 5_000, isOneShot: false))
        let due = story.coordinator.jobs[Self.id]?.nextDue ?? 0
        story.now.wallMilliseconds += 5_001_000
        story.on(.clockSynchronised)
        #expect(story.coordinator.wakes.count == 1)
        story.on(.jobPlanned(Self.id, after: story.now.wallMilliseconds, next: due + 100_000_000))
        story.wait(.seconds(5_000))
        #expect(story.coordinator.jobs[Self.id]?.nextDue == due + 100_000_000)
        #expect(story.coordinator.wakes.values.first?.notes.count == 1)
    }

    @Test("a job runs by hand at once, and its times stay")
    func byHand() {
        var story = Self.story(Self.job(isOneShot: false))
        let due = story.coordinator.jobs[Self.id]?.nextDue
        #expect(Self.runs(&story, .jobRunNow(Self.id, inboxRow: nil)).map(\.result) == [.fired])
        #expect(story.coordinator.jobs[Self.id]?.nextDue == due)
    }
}
