import Testing

@testable import WakeCore

@Suite("Readiness and order")
struct ReadinessTests {
    @Test("nothing is asked of the transport before channel and route are ready, and waiting charges nothing")
    func gate() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(story.coordinator.deliveries.keys.first)
        let directives = story.on(.channelChanged(.discord(), .ready(generation: 1)))
        #expect(directives == [.checkRoute(Sample.route)])
        #expect(Story.permits(story.on(.routeChecked(Sample.route, .ready(RouteCapabilities())))) == [id])
        #expect(story.on(.channelChanged(.discord(), .down(reason: "lost", retryAt: nil))) == [.returnPermit(id)])
        #expect(story.on(.permitGranted(id)) == [.returnPermit(id)], "a grant that was on its way is given back")
        #expect(story.coordinator.deliveries[id]?.attempts == 0)
        #expect(story.coordinator.shutGate(Sample.route)?.contains("lost") == true)
    }

    @Test("what was known of a route belongs to the channel's generation")
    func generations() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(story.coordinator.deliveries.keys.first)
        story.open()
        let directives = story.on(.channelChanged(.discord(), .ready(generation: 2)))
        #expect(directives == [.returnPermit(id), .checkRoute(Sample.route)])
    }

    @Test("a closing gate leaves a request under way alone, and an opening one does not repeat it")
    func underWay() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(id))
        story.on(.channelChanged(.discord(), .down(reason: "lost", retryAt: nil)))
        #expect(story.coordinator.deliveries[id]?.state == .sending)
        #expect(Story.sends(story.open(generation: 2)).isEmpty)
        #expect(Story.permits(story.on(.routeChecked(Sample.route, .ready(RouteCapabilities())))).isEmpty)
    }

    @Test("a search waits for its channel, so that what a resume replays counts first")
    func searchWaits() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(id))
        story.on(.channelChanged(.discord(), .down(reason: "lost", retryAt: nil)))
        #expect(story.on(.attemptEnded(id, .ambiguous(reason: "no answer"))).isEmpty)
        #expect(story.on(.receiptSeen(id, Receipt(id: "77", source: .echo))).isEmpty)
        #expect(story.coordinator.deliveries.isEmpty, "the replayed echo is the receipt")
        #expect(story.told.contains { $0.code == .deliveryDelivered })
    }

    @Test("a blocked route is looked at again every few minutes by one timer, however often its channel flaps")
    func recheck() {
        var story = Story()
        story.begin()
        story.fire(1)
        for generation in 1...20 as ClosedRange<UInt64> {
            story.on(.channelChanged(.discord(), .ready(generation: generation)))
            story.on(.routeChecked(Sample.route, .blocked(reason: "missing permission")))
        }
        var checks = 0
        for _ in 0..<60 {
            let directives = story.wait(.seconds(60))
            checks += directives.count { $0 == .checkRoute(Sample.route) }
            if !directives.isEmpty { story.on(.routeChecked(Sample.route, .blocked(reason: "missing permission"))) }
        }
        #expect((11...13).contains(checks), "\(checks) checks in an hour")
    }

    @Test("a route that is gone ends what waits for it, and what comes back to it from a request under way")
    func gone() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(id))
        story.fire(2)
        story.on(.channelChanged(.discord(), .ready(generation: 2)))
        story.on(.routeChecked(Sample.route, .gone(reason: "unknown channel")))
        #expect(story.coordinator.deliveries.keys.sorted { $0.description < $1.description } == [id])
        story.on(.attemptEnded(id, .transient(reason: "429", retryAfter: .seconds(1))))
        #expect(story.wait(.seconds(400)).contains(.checkRoute(Sample.route)), "it is not held on in vain")
        story.on(.routeChecked(Sample.route, .gone(reason: "unknown channel")))
        #expect(story.coordinator.deliveries.isEmpty)
    }

    @Test("later ones of a session and kind wait for earlier ones; other sessions don't")
    func order() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let first = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(first))
        story.fire(2)
        let other = Sample.key("agent:other:discord:channel:1234")
        story.fire(3, session: other)
        let second = try #require(
            story.coordinator.deliveries.keys.first { $0 != first && story.coordinator.deliveries[$0]?.session != other })
        story.on(.attemptEnded(first, .transient(reason: "429", retryAfter: .seconds(30))))
        #expect(Story.permits(story.wait(.seconds(20))).isEmpty, "it waits while the first one backs off")
        story.wait(.seconds(11))
        story.on(.permitGranted(first))
        #expect(Story.permits(story.on(.attemptEnded(first, .accepted(Receipt(id: "1", source: .reply))))) == [second])
    }

    @Test("a part that joins an older wake is owed later than what a permit was asked for")
    func joinedLater() throws {
        var story = Story()
        story.begin()
        story.open(Sample.otherRoute)
        story.fire(1, owes: [.notice])
        story.fire(2, owes: [.turn], route: Sample.otherRoute)
        story.on(.routeChecked(Sample.otherRoute, .ready(RouteCapabilities())))
        let turn = try #require(story.coordinator.deliveries.keys.first { $0.kind == .turn })
        story.fire(3, owes: [.turn])
        #expect(Story.sends(story.on(.permitGranted(turn))).map(\.delivery) == [turn])
    }

    @Test("a gate shut for 10 min is told, and the fallback taken where there is one")
    func escalation() throws {
        var policy = Policy()
        policy.fallbackRoute = Sample.otherRoute
        var story = Story(policy)
        story.begin()
        story.open(Sample.otherRoute)
        story.fire(1)
        let id = try #require(story.coordinator.deliveries.keys.first)
        let directives = story.wait(.seconds(601))
        #expect(directives.contains(.checkRoute(Sample.otherRoute)))
        #expect(story.coordinator.deliveries[id]?.route == Sample.otherRoute)
        #expect(Story.permits(story.on(.routeChecked(Sample.otherRoute, .ready(RouteCapabilities())))) == [id])
    }

    @Test("a gate that was open when the 10 min were over is still watched")
    func escalationLater() {
        var story = Story()
        story.begin()
        story.fire(1)
        story.open()
        story.wait(.seconds(601))
        story.on(.channelChanged(.discord(), .down(reason: "lost", retryAt: nil)))
        var isTold = false
        while let due = story.coordinator.nextDeadlineMicroseconds, due < Sample.after(3000).boottimeMicroseconds {
            story.on(.timePassed, after: .microseconds(max(0, due - story.now.boottimeMicroseconds)))
            isTold = isTold || story.told.contains { $0.code == .gateShutLong }
        }
        #expect(isTold)
    }
}
