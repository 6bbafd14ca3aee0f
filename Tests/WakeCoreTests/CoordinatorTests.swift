import Testing

@testable import WakeCore

@Suite("The coordinator")
struct CoordinatorTests {
    private static let web = RestartTarget.unit("web.service")

    @Test("a request is applied once, whether it comes once or twice, before or after its end")
    func twice() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Self.web, .token("a"), settled: true))
        let request = Sample.request(performedByUs: false, at: story.now)
        story.on(.requested(request, inboxRow: 1))
        #expect(story.on(.requested(request, inboxRow: 2)).isEmpty)
        #expect(story.coordinator.sentinels.count == 1)
        story.on(.epochObserved(Self.web, .token("b"), settled: true))
        #expect(story.on(.requestedAgain(request.id, inboxRow: 3)).isEmpty)
        #expect(story.coordinator.sentinels.isEmpty && story.coordinator.wakes.values.map(\.notes.count) == [1])
    }

    @Test("a request with faults is refused and set aside, saying all of them")
    func refused() {
        var story = Story()
        story.begin()
        var request = Sample.request(delay: .seconds(-1))
        request.note = ""
        let directives = story.coordinator.step(.requested(request, inboxRow: 4), at: story.now, dice: Dice(high: 1, low: 1))
        guard case .record(let changes)? = directives.first, case .inboxRefused(4, let reason)? = changes.first else {
            Issue.record("\(directives)")
            return
        }
        #expect(reason.contains("empty") && reason.contains("delay"))
    }

    @Test("an epoch counts once it has settled, so a crash loop fires nothing")
    func settling() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Self.web, .token("a"), settled: true))
        story.on(.requested(Sample.request(performedByUs: false, at: story.now), inboxRow: nil))
        for crash in 1...5 {
            story.on(.epochObserved(Self.web, .token("crash \(crash)"), settled: false), after: .seconds(3))
            story.wait(.seconds(1))
            #expect(story.coordinator.wakes.isEmpty)
        }
        story.wait(.seconds(6))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("what was asked for and taken back before the daemon saw it fires nothing, not even at its start")
    func withdrawn() {
        var story = Story()
        story.begin()
        let request = Sample.request(target: .daemon, performedByUs: false, epoch: .token("earlier"), at: story.now)
        story.on(.withdrawn(request, inboxRow: 3))
        #expect(story.told.map(\.code) == [.sentinelCancelled])
        #expect(story.coordinator.sentinels.isEmpty && story.coordinator.wakes.isEmpty)
    }

    @Test("what is known of a target that is down is no restart since it was asked for")
    func downMeanwhile() {
        var story = Story()
        story.coordinator.adopt([.epoch(Self.web, .token("old"))])
        story.begin()
        story.on(.targetDown(Self.web))
        story.on(.requested(Sample.request(performedByUs: false, epoch: .token("newer"), at: story.now), inboxRow: nil))
        story.wait(.seconds(60))
        #expect(story.coordinator.wakes.isEmpty)
        story.on(.epochObserved(Self.web, .token("newest"), settled: true))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("a target that is first seen as given up is not restarted for those who are told so")
    func gaveUpUnseen() {
        var story = Story()
        story.begin()
        story.on(.requested(Sample.request(epoch: .token("a"), at: story.now), inboxRow: nil))
        let directives = story.on(.targetGaveUp(Self.web, reason: "start limit", since: nil))
        #expect(!directives.contains { if case .performRestart = $0 { true } else { false } })
        #expect(story.told.map(\.code).contains(.sentinelTargetFailed) && story.coordinator.sentinels.isEmpty)
    }

    @Test("a request made while a new epoch settles is about that epoch, not the one before")
    func requestWhileSettling() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Self.web, .token("a"), settled: true))
        story.on(.epochObserved(Self.web, .token("b"), settled: false))
        story.on(.requested(Sample.request(performedByUs: false, at: story.now), inboxRow: nil))
        story.wait(.seconds(10))
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.sentinels.values.first?.epoch == .token("b"))
    }

    @Test("a requester who saw the newest epoch before us wakes nobody by it")
    func requesterKnowsMore() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Self.web, .token("a"), settled: true))
        story.on(.requested(Sample.request(performedByUs: false, epoch: .token("b"), at: story.now), inboxRow: nil))
        story.on(.epochObserved(Self.web, .token("b"), settled: true))
        story.wait(.seconds(30))
        #expect(story.coordinator.wakes.isEmpty)
        story.on(.epochObserved(Self.web, .token("c"), settled: true))
        #expect(story.coordinator.wakes.count == 1)
    }

    @Test("after a start a planned restart waits until its target was seen, and is dropped if that has restarted by itself")
    func unseenTarget() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Self.web, .token("a"), settled: true))
        story.on(.requested(Sample.request(delay: .seconds(20), at: story.now), inboxRow: nil))
        for isSame in [true, false] {
            var next = Story()
            next.now = story.now
            next.coordinator.adopt(story.coordinator.sentinels.values.map { .sentinel($0) } + [.epoch(Self.web, .token("a"))])
            next.wait(.seconds(60))
            #expect(next.on(.daemonStarted(instance: .token("two"))) == [.observe(Self.web)], "due, but unseen")
            let seen = next.on(.epochObserved(Self.web, .token(isSame ? "a" : "b"), settled: true))
            let performed = seen.contains { if case .performRestart = $0 { true } else { false } }
            #expect(performed == isSame)
            #expect(next.coordinator.wakes.isEmpty == isSame)
        }
    }

    @Test("a session that its own restarts woke three times in 10 min gets no further turn without the operator")
    func loop() throws {
        var story = Story()
        story.begin("0")
        for round in 1...4 as ClosedRange<UInt64> {
            story.on(
                .requested(Sample.request(round, target: .daemon, owes: [.notice, .turn], at: story.now), inboxRow: nil),
                after: .seconds(60))
            story.begin("\(round)")
            story.open(generation: round)
            for id in story.coordinator.deliveries.keys.sorted(by: { $0.kind < $1.kind }) {
                story.on(.permitGranted(id))
                story.on(.attemptEnded(id, .accepted(Receipt(id: "\(round)", source: .reply))))
            }
            if round < 4 { #expect(story.coordinator.wakes.isEmpty, "round \(round)") }
        }
        #expect(story.coordinator.wakes.isEmpty, "an unresolved turn holds nothing up")
    }

    @Test("an operator can cancel, retry and mark, and is told where there is nothing to do")
    func operatorCommands() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let wake = try #require(story.coordinator.wakes.keys.first)
        story.on(.commanded(.markDelivered(wake), ended: nil, inboxRow: nil))
        #expect(story.told.map(\.code) == [.commandRefused], "held is not unresolved")
        story.on(.commanded(.cancelWake(wake), ended: nil, inboxRow: nil))
        #expect(story.told.map(\.code) == [.deliveryCancelled, .wakeEnded])
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.deliveries.isEmpty && story.coordinator.routes.isEmpty)
        story.on(.commanded(.cancelWake(wake), ended: nil, inboxRow: nil))
        #expect(story.told.map(\.code) == [.commandRefused], "only the ledger still knows it")
        story.on(.commanded(.cancelSentinel(Sample.id(9)), ended: nil, inboxRow: 3))
        #expect(story.told.map(\.code) == [.commandRefused])
    }

    @Test("a retried wake comes back from the ledger, is held as long as any, and leaves nothing in memory when dropped")
    func retry() throws {
        var policy = Policy()
        policy.wakeHold = .seconds(100)
        var story = Story(policy)
        story.begin()
        story.fire(1)
        let wake = try #require(story.coordinator.wakes.values.first)
        let held = try #require(story.coordinator.deliveries.values.first)
        story.wait(.seconds(101))
        #expect(story.coordinator.wakes.isEmpty, "held too long")
        var ended = EndedWake(wake: wake, deliveries: [held])
        ended.wake.state = .ended
        ended.deliveries[0].state = .expired
        story.on(.commanded(.retryWake(wake.id), ended: ended, inboxRow: nil))
        #expect(story.coordinator.deliveries[held.id]?.state == .held)
        story.wait(.seconds(90))
        #expect(story.coordinator.deliveries[held.id]?.state == .held)
        story.wait(.seconds(11))
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.deliveries.isEmpty)
        story.on(.commanded(.cancelWake(wake.id), ended: ended, inboxRow: nil))
        #expect(story.told.map(\.code) == [.deliveryCancelled])
        #expect(story.coordinator.deliveries.isEmpty, "a part of a wake that stays ended is nothing to keep")
    }

    @Test("what was owed before the clock was set is held as long as any after a reboot")
    func holdWithoutClock() {
        var unset = Sample.start
        unset.clockSynchronised = false
        let delivery = Delivery(
            id: DeliveryID(wake: Sample.id(1), kind: .notice), session: Sample.key(), route: Sample.route, sequence: 1, at: unset)
        var story = Story()
        story.coordinator.adopt([
            .wake(
                Wake(
                    id: Sample.id(1), session: Sample.key(), route: Sample.route, sequence: 1, openedAt: unset, notes: [],
                    owes: [.notice], state: .open, stateSince: unset)),
            .delivery(delivery),
        ])
        story.now = Sample.nextBoot(after: 100)
        story.begin()
        story.wait(.seconds(7 * 86_400 + 1))
        #expect(story.coordinator.deliveries.isEmpty)
    }

    @Test("a stopped turn leaves no trace of a route that would keep later ones from being checked")
    func stoppedTurn() {
        var policy = Policy()
        policy.loopWakes = 0
        var story = Story(policy)
        story.begin()
        story.on(.channelChanged(.discord(), .ready(generation: 1)))
        story.on(.requested(Sample.request(1, target: .daemon, owes: [.turn], at: story.now), inboxRow: nil))
        story.begin("two")
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.routes.isEmpty && story.coordinator.deliveries.isEmpty)
        let old = story.coordinator
        story.fire(2)
        #expect(old.routes.isEmpty && story.coordinator.routes[Sample.route]?.isChecking == true)
    }

    @Test("after a start whatever was being sent is looked for, not repeated")
    func recovery() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(id))
        var next = Story()
        next.now = story.now
        next.coordinator.adopt(
            story.coordinator.wakes.values.map { .wake($0) } + story.coordinator.deliveries.values.map { .delivery($0) })
        next.begin("two")
        #expect(next.coordinator.deliveries[id]?.state == .reconciling)
        let directives = next.on(.channelChanged(.discord(), .ready(generation: 1)))
        let searched = directives.compactMap { if case .search(let order) = $0 { order } else { nil } }
        #expect(searched.map(\.delivery) == [id])
        #expect(searched.first?.trailer == NoticeText.trailer(of: id.wake))
        next.on(.searched(id, .found(Receipt(id: "5", source: .history))))
        #expect(next.coordinator.wakes.isEmpty)
    }

    @Test("every decision about an end that is not good asks for a person")
    func needsOperator() {
        for code in [Decision.Code.deliveryDead, .deliveryExpired, .deliveryUnresolved, .gateShutLong, .commandRefused] {
            #expect(Decision(code: code).needsOperator)
        }
        #expect(!Decision(code: .deliveryDelivered).needsOperator)
    }
}
