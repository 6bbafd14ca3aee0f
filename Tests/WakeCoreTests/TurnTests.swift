import Testing

@testable import WakeCore

@Suite("Turns that are commands")
struct TurnTests {
    private static let receipt = Receipt(kind: .unit, id: "reveille-turn-1.service", source: .reply)

    private static func story(atOnce: Int = 1) -> Story {
        var policy = Policy()
        policy.commandAgents = ["infra": atOnce]
        var story = Story(policy)
        story.begin()
        return story
    }

    private static func turn(_ story: Story, _ session: SessionKey = Sample.key()) -> DeliveryID? {
        story.coordinator.deliveries.values.filter { $0.id.kind == .turn && $0.session == session }.max {
            $0.sequence < $1.sequence
        }?.id
    }

    /// Lets the turn be handed over, and returns what is done then.
    private static func start(_ story: inout Story, _ id: DeliveryID) -> [Directive] {
        story.on(.permitGranted(id))
        return story.on(.attemptEnded(id, .accepted(receipt)))
    }

    private static func follows(_ directives: [Directive]) -> [DeliveryID] {
        directives.compactMap { if case .followTurn(let turn) = $0 { turn.id } else { nil } }
    }

    @Test("what a session whose agent is a command asks for owes a turn as well; through a gateway, as asked")
    func owed() {
        var story = Self.story()
        story.fire(1)
        #expect(story.coordinator.deliveries.keys.map(\.kind).sorted() == [.notice, .turn])
        story.fire(2, route: Sample.gatewayRoute)
        #expect(story.coordinator.deliveries.values.filter { $0.route == Sample.gatewayRoute }.map(\.id.kind) == [.notice])
    }

    @Test("a turn that was accepted is followed to its end; then its record may go")
    func followed() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let id = try #require(Self.turn(story))
        #expect(Self.follows(Self.start(&story, id)) == [id])
        #expect(story.told.contains { $0.code == .turnStarted && $0.reason == "reveille-turn-1.service" })
        #expect(story.coordinator.turns[id]?.note == "note 1")
        let done = story.on(.turnEnded(id, .done))
        guard case .forgetTurn(let turn)? = done.first else {
            Issue.record("\(done)")
            return
        }
        #expect(turn.end == .done && story.coordinator.turns.isEmpty)
        #expect(story.on(.turnEnded(id, .failed(reason: "late"))).isEmpty, "an end is an end")
    }

    @Test("what a new life finds running is followed again")
    func newLife() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let id = try #require(Self.turn(story))
        _ = Self.start(&story, id)
        var next = Story(story.coordinator.policy)
        next.coordinator.adopt(story.coordinator.turns.values.map { .turn($0) })
        #expect(Self.follows(next.on(.daemonStarted(instance: .token("two")))) == [id])
    }

    @Test("turns of one session go one after another; notices don't wait for them")
    func order() throws {
        var story = Self.story(atOnce: 5)
        story.fire(1)
        story.open()
        let first = try #require(Self.turn(story))
        _ = Self.start(&story, first)
        story.fire(2)
        let second = try #require(Self.turn(story))
        #expect(second != first && story.coordinator.deliveries[second]?.state == .held)
        #expect(story.coordinator.deliveries.values.filter { $0.id.kind == .notice && $0.id.wake == second.wake }.count == 1)
        let directives = story.on(.turnEnded(first, .done))
        #expect(Story.permits(directives) == [second])
    }

    @Test("no more turns of an agent run at once than it may; whoever waits goes when one has ended")
    func concurrency() throws {
        var story = Self.story(atOnce: 2)
        let sessions = (1...4).map { Sample.key("agent:infra:discord:channel:\($0)") }
        var granted: [DeliveryID] = []
        for (index, session) in sessions.enumerated() {
            story.fire(UInt64(index + 1), session: session)
            story.open(Route(channel: .discord(), kind: .channel, destination: "\(index + 1)"))
            let id = try #require(Self.turn(story, session))
            if story.coordinator.deliveries[id].map({ _ in story.coordinator.progress[id]?.permitRequested == true }) == true {
                granted.append(id)
                _ = Self.start(&story, id)
            }
        }
        #expect(granted.count == 2)
        let next = Story.permits(story.on(.turnEnded(granted[0], .done))).filter { $0.kind == .turn }
        #expect(next.count == 1)
    }

    @Test("exit code 75: the session is woken once more, by a wake of its own, later each time; a success starts anew")
    func tryLater() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        for wait in [30, 60, 120, 240, 480, 600, 600] as [Int64] {
            let id = try #require(Self.turn(story))
            story.open()
            _ = Self.start(&story, id)
            story.on(.turnEnded(id, .tryLater))
            let sentinel = try #require(story.coordinator.sentinels.values.first)
            #expect(sentinel.delay == .seconds(wait) && sentinel.note == "note 1" && sentinel.owes == [.turn])
            story.wait(.seconds(wait - 1))
            #expect(!story.coordinator.deliveries.values.contains { $0.id.kind == .turn && $0.isActive })
            story.wait(.seconds(2))
            #expect(Self.turn(story) != id)
        }
        let id = try #require(Self.turn(story))
        story.open()
        _ = Self.start(&story, id)
        story.on(.turnEnded(id, .done))
        #expect(story.coordinator.sentinels.isEmpty && story.coordinator.turnTries.isEmpty)
    }

    @Test(
        "a turn that failed or was lost is told to the operator, and not done again",
        arguments: [
            Turn.End.failed(reason: "exit code 3"), .lost(reason: "its unit is gone"),
        ])
    func failed(end: Turn.End) throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let id = try #require(Self.turn(story))
        _ = Self.start(&story, id)
        story.on(.turnEnded(id, end))
        #expect(story.told.contains { $0.code == .turnFailed && $0.needsOperator })
        #expect(story.coordinator.sentinels.isEmpty)
    }

    @Test("a person ends a turn that runs; of one that doesn't, they are told")
    func cancelled() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let id = try #require(Self.turn(story))
        story.on(.commanded(.cancelTurn(id), ended: nil, inboxRow: nil))
        #expect(story.told.map(\.code) == [.commandRefused])
        _ = Self.start(&story, id)
        let directives = story.on(.commanded(.cancelTurn(id), ended: nil, inboxRow: nil))
        guard case .cancelTurn(let turn)? = directives.first else {
            Issue.record("\(directives)")
            return
        }
        #expect(turn.id == id)
        story.on(.turnEnded(id, .cancelled))
        #expect(story.coordinator.turns.isEmpty)
    }

    @Test("what a person wants sent again, out of order, waits for a turn as well, and goes once that has ended")
    func retried() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let first = try #require(Self.turn(story))
        story.on(.permitGranted(first))
        story.on(.attemptEnded(first, .ambiguous(reason: "no answer")))
        story.on(.searched(first, .cannotTell(reason: "nothing is there")))
        story.fire(2)
        let second = try #require(Self.turn(story))
        _ = Self.start(&story, second)
        story.on(.commanded(.retryWake(first.wake), ended: nil, inboxRow: nil))
        #expect(story.coordinator.progress[first]?.permitRequested != true)
        #expect(Story.permits(story.on(.turnEnded(second, .done))).contains(first))
    }

    @Test("a turn whose start is unclear and then found runs as well")
    func foundLater() throws {
        var story = Self.story()
        story.fire(1)
        story.open()
        let id = try #require(Self.turn(story))
        story.on(.permitGranted(id))
        story.on(.attemptEnded(id, .ambiguous(reason: "no answer")))
        let found = story.on(.searched(id, .found(Self.receipt)))
        #expect(Self.follows(found) == [id])
    }
}
