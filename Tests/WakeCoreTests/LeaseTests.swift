import Testing

@testable import WakeCore

@Suite("Leases of pending run states")
struct LeaseTests {
    private static let path = "/home/agent/runstate.json"

    private static func work(_ story: Story, secondsAgo: Int64 = 0, session: SessionKey = Sample.key(), operation: String = "op")
        -> WorkInHand
    {
        WorkInHand(
            operation: operation, path: path, session: session, goal: "move the database",
            steps: [.init(text: "1) stop", isDone: true), .init(text: "2) copy", isDone: false)], nextStep: 1,
            progressedAt: story.now.wallMilliseconds - secondsAgo * 1_000)
    }

    /// A daemon that has run for a while, and a run state whose work has just gone on.
    private static func story(_ change: (inout Policy) -> Void = { _ in }) -> Story {
        var policy = Policy()
        change(&policy)
        var story = Story(policy)
        story.begin()
        story.wait(.seconds(3_600))
        story.open()
        see(&story, "1")
        return story
    }

    private static func see(_ story: inout Story, _ fingerprint: String) {
        story.on(.workSeen(path: path, work(story), fingerprint: fingerprint))
    }

    private static var wakes: (Story) -> [Wake] { { $0.coordinator.wakes.values.sorted { $0.sequence < $1.sequence } } }

    /// Lets everything that is owed arrive.
    private static func deliver(_ story: inout Story) {
        story.open()
        for id in story.coordinator.deliveries.keys {
            story.on(.permitGranted(id))
            story.on(.attemptEnded(id, .accepted(Receipt(id: "m", source: .reply))))
        }
    }

    @Test("work that goes on wakes nobody, for as long as it does")
    func goesOn() {
        var story = Self.story()
        for step in 2...20 {
            story.wait(.seconds(599))
            Self.see(&story, "\(step)")
            #expect(story.coordinator.wakes.isEmpty)
        }
    }

    @Test("what waited for the clock to be set over a boot is found by that boot once, not again when the clock is set")
    func twoBootsWithoutClock() {
        var story = Story()
        story.now.clockSynchronised = false
        story.begin()
        Self.see(&story, "1")
        story.now.boot = BootID("another")
        story.now.boottimeMicroseconds = 5_000_000
        story.begin("two")
        story.on(.workSeen(path: Self.path, Self.work(story, secondsAgo: 60), fingerprint: "1"))
        Self.deliver(&story)
        let found = Self.wakes(story).count + story.told.count { $0.code == .leaseRunOut }
        story.now.clockSynchronised = true
        story.on(.clockSynchronised)
        #expect(!story.told.contains { $0.code == .leaseRunOut }, "\(found)")
    }

    @Test("what waited for the clock is judged by a daemon that finds it set")
    func setBetweenLives() {
        var story = Story()
        story.now.clockSynchronised = false
        story.begin()
        story.on(.workSeen(path: Self.path, Self.work(story, secondsAgo: 8_640_000), fingerprint: "1"))
        story.now.clockSynchronised = true
        story.begin("two")
        story.on(.workSeen(path: Self.path, Self.work(story, secondsAgo: 8_640_000), fingerprint: "1"))
        #expect(story.told.contains { $0.code == .leaseGivenUp }, "it is a hundred days old")
        story.wait(.seconds(3_600))
        #expect(story.coordinator.wakes.isEmpty)
    }

    @Test("a person's message in the session's place begins the lease anew; one elsewhere does not")
    func placeActive() throws {
        for (place, isWoken) in [(Sample.key().route, false), (Sample.otherRoute, true)] {
            var story = Self.story()
            story.wait(.seconds(500))
            story.on(.placeActive(try #require(place)))
            story.wait(.seconds(110))
            #expect(story.coordinator.wakes.isEmpty != isWoken)
        }
    }

    @Test(
        "people who write many lines renew a lease once, and one who writes to an agent that was given up starts all of it anew")
    func seenTo() {
        var story = Self.story { $0.leases.maximumWakes = 1 }
        let isSeenTo = { (story: inout Story) in
            story.on(.sessionActive(Sample.key()))
            return story.told.contains { $0.code == .leaseSeenTo }
        }
        story.wait(.seconds(59))
        #expect(!isSeenTo(&story), "it has hardly begun")
        story.wait(.seconds(2))
        #expect(isSeenTo(&story))
        for _ in 1...20 { #expect(!isSeenTo(&story)) }
        story.wait(.seconds(601))
        #expect(story.told.contains { $0.code == .leaseRunOut })
        Self.deliver(&story)
        story.wait(.seconds(1_201))
        #expect(story.told.contains { $0.code == .leaseGivenUp })
        #expect(isSeenTo(&story))
        Self.deliver(&story)
        story.wait(.seconds(601))
        #expect(story.told.contains { $0.code == .leaseRunOut })
    }

    @Test("ten minutes without progress wake the session, with the work as it stands")
    func stalls() throws {
        var story = Self.story()
        story.wait(.seconds(599))
        #expect(story.coordinator.wakes.isEmpty)
        story.wait(.seconds(2))
        let wake = try #require(Self.wakes(story).first)
        #expect(wake.notes.map(\.origin) == [.stalled])
        let id = try #require(story.coordinator.deliveries.keys.first)
        story.open()
        let sends = Story.sends(story.on(.permitGranted(id)))
        let text = try #require(sends.first?.text)
        #expect(text.contains("Nothing goes on here") && text.contains("Step 2 of 2: 2) copy"))
    }

    @Test("it is woken again, later each time, five times at most; then the operator is told and it is left alone")
    func backsOff() {
        var story = Self.story()
        var waits: [Int64] = []
        var last = story.now
        for _ in 1...5 {
            while story.coordinator.wakes.isEmpty { story.wait(.seconds(10)) }
            waits.append((story.now.elapsed(since: last) ?? .zero).wholeMilliseconds / 10_000 * 10)
            Self.deliver(&story)
            last = story.now
        }
        #expect(zip(waits, [600, 1_200, 2_400, 4_800, 7_200]).allSatisfy { abs($0 - $1) <= 20 }, "\(waits)")
        var told: [Decision] = []
        while story.coordinator.wakes.isEmpty {
            story.wait(.seconds(10))
            told += story.told
        }
        #expect(story.coordinator.leases[Self.path]?.isGivenUp == true)
        #expect(story.coordinator.deliveries.keys.map(\.kind) == [.notice], "people are told, the agent gets no further turn")
        Self.deliver(&story)
        story.wait(.seconds(200_000))
        #expect(story.coordinator.wakes.isEmpty)
        Self.see(&story, "2")
        #expect(story.coordinator.leases[Self.path]?.isGivenUp == false, "progress starts all of it anew")
    }

    @Test("an agent that takes each turn and does nothing is given up like one that never answers")
    func idleTurns() {
        var story = Self.story { $0.commandAgents = ["infra": 1] }
        var wakes = 0
        while story.coordinator.leases[Self.path]?.isGivenUp == false, wakes < 20 {
            while story.coordinator.wakes.isEmpty { story.wait(.seconds(10)) }
            wakes += 1
            story.open()
            for id in story.coordinator.deliveries.keys.sorted(by: { $0.description < $1.description }) {
                story.on(.permitGranted(id))
                let receipt = Receipt(kind: id.kind == .turn ? .unit : .message, id: "r", source: .reply)
                story.on(.attemptEnded(id, .accepted(receipt)))
                story.on(.turnEnded(id, .done))
            }
        }
        #expect(wakes == 6, "five wakes, and the word to people")
    }

    @Test("progress or a person's message starts the lease anew; a finished run state has none")
    func renewed() {
        var story = Self.story()
        story.wait(.seconds(590))
        story.on(.sessionActive(Sample.key()))
        story.wait(.seconds(590))
        #expect(story.coordinator.wakes.isEmpty)
        Self.see(&story, "2")
        story.wait(.seconds(590))
        #expect(story.coordinator.wakes.isEmpty)
        story.on(.workSeen(path: Self.path, nil, fingerprint: ""))
        #expect(story.coordinator.leases.isEmpty)
        story.wait(.seconds(10_000))
        #expect(story.coordinator.wakes.isEmpty)
    }

    @Test("while a turn of the session runs nothing stands still")
    func liveTurn() throws {
        var story = Self.story { $0.commandAgents = ["infra": 1] }
        story.fire(1)
        story.open()
        let id = try #require(story.coordinator.deliveries.keys.first { $0.kind == .turn })
        story.on(.permitGranted(id))
        story.on(.attemptEnded(id, .accepted(Receipt(kind: .unit, id: "u", source: .reply))))
        Self.deliver(&story)
        story.wait(.seconds(20_000))
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.turns.count == 1)
        story.on(.turnEnded(id, .done))
        story.wait(.seconds(601))
        #expect(story.coordinator.wakes.count == 1, "it ended without doing anything: the lease catches it")
    }

    @Test("what is still held for the session is enough; a delivery counts as the beginning of a new lease")
    func held() {
        var story = Self.story()
        story.on(.channelChanged(.discord(), .down(reason: "x", retryAt: nil)))
        story.wait(.seconds(20_000))
        #expect(story.coordinator.wakes.count == 1 && story.coordinator.leases[Self.path]?.wakes == 1)
        story.on(.channelChanged(.discord(), .ready(generation: 2)))
        Self.deliver(&story)
        story.wait(.seconds(1_100))
        #expect(story.coordinator.wakes.isEmpty)
        story.wait(.seconds(200))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("in quiet hours nobody is woken; when they are over, at once")
    func quiet() {
        var story = Self.story()
        story.on(.quietHours(until: story.now.advanced(by: .seconds(20_000))))
        story.wait(.seconds(19_900))
        #expect(story.coordinator.wakes.isEmpty)
        story.wait(.seconds(200))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test(
        "pending work that is found after a boot wakes its session at once; a sentinel of that session carries it instead",
        arguments: [
            true, false,
        ])
    func boot(hasSentinel: Bool) {
        var story = Self.story()
        var next = Story(story.coordinator.policy)
        next.now = Sample.nextBoot(after: 3_700)
        next.coordinator.adopt(story.coordinator.leases.map { .lease(path: $0.key, $0.value) })
        if hasSentinel {
            story.on(
                .requested(Sample.request(target: .host, performedByUs: false, epoch: .token("h"), at: story.now), inboxRow: nil))
            next.coordinator.adopt(story.coordinator.sentinels.values.map { .sentinel($0) })
        }
        next.begin("two")
        Self.see(&next, "1")
        #expect(next.coordinator.wakes.count == (hasSentinel ? 0 : 1))
        Self.see(&next, "1")
        #expect(next.coordinator.wakes.count == (hasSentinel ? 0 : 1), "once for each boot")
    }

    @Test("a restart of the daemon alone wakes nobody and starts no lease anew")
    func daemonRestart() {
        var story = Self.story()
        story.wait(.seconds(300))
        var next = Story(story.coordinator.policy)
        next.now = story.now
        next.coordinator.adopt(story.coordinator.leases.map { .lease(path: $0.key, $0.value) })
        next.begin("two")
        next.on(.workSeen(path: Self.path, Self.work(next, secondsAgo: 300), fingerprint: "1"))
        #expect(next.coordinator.wakes.isEmpty)
        next.wait(.seconds(290))
        #expect(next.coordinator.wakes.isEmpty)
        next.wait(.seconds(20))
        #expect(next.coordinator.wakes.count == 1)
    }

    @Test("pending work that nobody knew of: cut off by a boot it is woken, stale it is left alone and told")
    func unknown() {
        var story = Story()
        story.begin()
        story.wait(.seconds(600))
        story.on(.workSeen(path: Self.path, Self.work(story, secondsAgo: 4_000), fingerprint: "1"))
        #expect(story.coordinator.wakes.count == 1)
        var stale = Story()
        stale.begin()
        stale.on(.workSeen(path: Self.path, Self.work(stale, secondsAgo: 8 * 86_400), fingerprint: "1"))
        #expect(stale.coordinator.wakes.isEmpty && stale.told.contains { $0.code == .leaseGivenUp })
    }

    @Test("no heartbeat is sent while nothing stalls, and none at all without work; a stalled one is asked in its own words")
    func heartbeat() throws {
        var story = Self.story {
            $0.commandAgents = ["infra": 1]
            $0.heartbeats = ["infra": .init(every: .seconds(60), prompt: "anything?", session: Sample.key())]
        }
        story.on(.workSeen(path: Self.path, nil, fingerprint: ""))
        story.wait(.seconds(86_400))
        #expect(story.coordinator.wakes.isEmpty, "no call in a day")
        Self.see(&story, "1")
        story.wait(.seconds(601))
        #expect(Self.wakes(story).last?.notes.map(\.text) == ["anything?"])
        Self.deliver(&story)
        story.wait(.seconds(61))
        #expect(Self.wakes(story).count == 1, "and asked again after its own interval")
    }

    @Test("an agent that is to be asked always is asked each time, unless the last one is still on its way")
    func always() {
        var story = Self.story {
            $0.commandAgents = ["infra": 1]
            $0.heartbeats = ["infra": .init(every: .seconds(1_800), session: Sample.key(), condition: .always)]
        }
        story.on(.workSeen(path: Self.path, nil, fingerprint: ""))
        story.wait(.seconds(7_300))
        #expect(Self.wakes(story).map(\.notes.count) == [1])
        Self.deliver(&story)
        story.wait(.seconds(1_900))
        #expect(Self.wakes(story).count == 1)
    }
}
