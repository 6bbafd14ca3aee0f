import Testing

@testable import WakeCore

@Suite("Routes are looked at while their channel connects")
struct LookAheadTests {
    private let ready = RouteState.ready(RouteCapabilities(mayReadHistory: true))

    /// One wake that waits, and its channel connects.
    private func connecting() throws -> (Story, DeliveryID) {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(story.coordinator.deliveries.keys.first)
        #expect(story.on(.channelChanged(.discord(), .connecting)) == [.checkRoute(Sample.route)])
        return (story, id)
    }

    @Test("a fresh look opens the gate with READY, and not before")
    func fresh() throws {
        var (story, id) = try connecting()
        #expect(story.on(.routeChecked(Sample.route, ready)).isEmpty, "the channel is not ready")
        #expect(!story.coordinator.gateIsOpen(Sample.route))
        #expect(story.on(.permitGranted(id)).allSatisfy { $0 == .returnPermit(id) }, "a stray permit sends nothing")
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))) == [.requestPermit(id, Sample.route)])
        let orders = Story.sends(story.on(.permitGranted(id)))
        #expect(orders.map(\.delivery) == [id])
        #expect(orders.first?.capabilities.mayReadHistory == true, "what the look found goes with the send")
    }

    @Test("a look under way when READY comes is waited for, not made twice")
    func underWay() throws {
        var (story, id) = try connecting()
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))).isEmpty)
        #expect(story.on(.routeChecked(Sample.route, ready)) == [.requestPermit(id, Sample.route)])
    }

    @Test("a look that has hung for more than 2 s is made anew; the first answer counts")
    func hanging() throws {
        var (story, id) = try connecting()
        story.wait(.seconds(3))
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))) == [.checkRoute(Sample.route)])
        #expect(story.on(.routeChecked(Sample.route, ready)) == [.requestPermit(id, Sample.route)])
        story.on(.permitGranted(id))
        #expect(story.on(.routeChecked(Sample.route, ready)).isEmpty)
    }

    @Test("an answer of more than 30 s ago counts for nothing")
    func stale() throws {
        var (story, _) = try connecting()
        story.on(.routeChecked(Sample.route, ready))
        story.wait(.seconds(31))
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))) == [.checkRoute(Sample.route)])
    }

    @Test(
        "a place that was found unready before READY is looked at again after it, and nothing ends by it",
        arguments: [RouteState.unknown, .blocked(reason: "missing permission"), .gone(reason: "unknown channel")])
    func unready(state: RouteState) throws {
        var (story, id) = try connecting()
        #expect(story.on(.routeChecked(Sample.route, state)).isEmpty)
        #expect(story.coordinator.deliveries[id]?.state == .held)
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))) == [.checkRoute(Sample.route)])
        #expect(story.on(.routeChecked(Sample.route, ready)) == [.requestPermit(id, Sample.route)])
    }

    @Test("a refused send outweighs a look ahead")
    func refusedMeanwhile() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        let id = try #require(Story.permits(story.open()).first)
        story.on(.permitGranted(id))
        story.on(.channelChanged(.discord(), .connecting))
        story.on(.routeChecked(Sample.route, ready))
        story.on(.attemptEnded(id, .unavailable(.route, reason: "missing permission")))
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 2))) == [.checkRoute(Sample.route)])
    }

    @Test("a look ahead counts for one generation only")
    func oneGeneration() throws {
        var (story, id) = try connecting()
        story.on(.routeChecked(Sample.route, ready))
        story.on(.channelChanged(.discord(), .ready(generation: 1)))
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 2))) == [.returnPermit(id), .checkRoute(Sample.route)])
    }

    @Test("while a channel is down or blocked nothing is looked at")
    func notWhileDown() {
        var story = Story()
        story.begin()
        story.fire(1)
        #expect(story.on(.channelChanged(.discord(), .down(reason: "lost", retryAt: nil))).isEmpty)
        #expect(story.on(.channelChanged(.discord(), .blocked(reason: "bad token"))).isEmpty)
        #expect(story.wait(.seconds(500)).isEmpty)
    }

    @Test("in an outage each route is looked at once ahead, however often the channel flaps, and 10 routes at most")
    func flapping() {
        var story = Story()
        story.begin()
        for number in 1...100 as ClosedRange<UInt64> {
            let session = Sample.key("agent:infra:discord:channel:\(5000 + number)")
            story.on(.requested(Sample.request(number, target: .daemon, epoch: .token("none"), session: session), inboxRow: nil))
        }
        var looks: [Directive] = []
        for attempt in 0..<120 {
            looks += story.on(.channelChanged(.discord(), .connecting))
            if attempt == 3 {
                for case .checkRoute(let place) in looks { #expect(story.on(.routeChecked(place, ready)).isEmpty) }
            }
            story.wait(.seconds(15))
            looks += story.on(.channelChanged(.discord(), .down(reason: "no connection", retryAt: nil)))
            story.wait(.seconds(15))
        }
        #expect(looks.count == 10)
        #expect(Set(looks).count == 10)
        story.on(.channelChanged(.discord(), .connecting))
        #expect(story.on(.channelChanged(.discord(), .ready(generation: 1))).count == 100, "all of them once it is back")
    }
}
