import Testing

@testable import WakeCore

@Suite("An outage of an hour with a hundred wakes pending")
struct OutageTests {
    private static let wakes = 100

    /// A hundred sessions in a hundred channels, each with a wake that waits for the gate.
    private func pending() -> Story {
        var story = Story()
        story.begin()
        for number in 1...UInt64(Self.wakes) {
            let session = Sample.key("agent:infra:discord:channel:\(5000 + number)")
            story.on(.requested(Sample.request(number, target: .daemon, epoch: .token("none"), session: session), inboxRow: nil))
        }
        return story
    }

    /// Carries directives out: grants permits, finds routes ready, and answers sends by the given rule.
    private func run(
        _ directives: [Directive], _ story: inout Story, answer: (SendOrder, Moment) -> Outcome
    ) -> [Moment] {
        var open = directives
        var sends: [Moment] = []
        while !open.isEmpty {
            switch open.removeFirst() {
            case .checkRoute(let route):
                open += story.on(.routeChecked(route, .ready(RouteCapabilities())), after: .microseconds(50))
            case .requestPermit(let id, _): open += story.on(.permitGranted(id), after: .microseconds(50))
            case .send(let order):
                sends.append(story.now)
                open += story.on(.attemptEnded(order.delivery, answer(order, story.now)), after: .microseconds(50))
            default: break
            }
        }
        return sends
    }

    @Test("while the channel is down nothing is sent; when it is back, each wake once and at once")
    func channelDown() throws {
        var story = pending()
        var sends = run(story.on(.channelChanged(.discord(), .down(reason: "outage", retryAt: nil))), &story) { _, _ in
            .permanent(reason: "sent into the void")
        }
        sends += run(story.wait(.seconds(3600)), &story) { _, _ in .permanent(reason: "sent into the void") }
        #expect(sends.isEmpty)
        let back = story.now
        sends = run(story.on(.channelChanged(.discord(), .ready(generation: 2))), &story) { order, _ in
            .accepted(Receipt(id: order.nonce, source: .reply))
        }
        #expect(sends.count == Self.wakes, "1.0 × the sends needed, at most 1.1 are allowed")
        let first = try #require(sends.first?.elapsed(since: back))
        #expect(first <= .seconds(1))
        #expect(story.coordinator.deliveries.isEmpty)
    }

    @Test(
        "where only requests are refused, each wake probes by its backoff, and the first is through within its cap after the end")
    func requestsRefused() throws {
        var story = pending()
        let end = story.now.advanced(by: .seconds(3600))
        var arrived: [Moment] = []
        let answer = { (order: SendOrder, now: Moment) -> Outcome in
            now.boottimeMicroseconds < end.boottimeMicroseconds
                ? .transient(reason: "connection refused", retryAfter: nil) : .accepted(Receipt(id: order.nonce, source: .reply))
        }
        var sends = run(story.on(.channelChanged(.discord(), .ready(generation: 1))), &story, answer: answer)
        while !story.coordinator.deliveries.isEmpty {
            let due = try #require(story.coordinator.nextDeadlineMicroseconds)
            let directives = story.on(.timePassed, after: .microseconds(max(0, due - story.now.boottimeMicroseconds)))
            let now = run(directives, &story, answer: answer)
            sends += now
            arrived += now.filter { $0.boottimeMicroseconds >= end.boottimeMicroseconds }
        }
        #expect(try #require(arrived.first?.elapsed(since: end)) <= Policy().backoff.cap)
        #expect(try #require(arrived.last?.elapsed(since: end)) <= Policy().backoff.cap)
        #expect(arrived.count == Self.wakes)
        // Full jitter under a cap of 60 s waits 30 s on average: about 120 probes an hour, and the first few steps.
        #expect(sends.count <= Self.wakes * 140, "\(sends.count)")
    }
}
