import Testing

@testable import WakeCore

@Suite("An outage of an hour with a hundred wakes pending")
struct OutageTests {
    private static let wakes = 100

    /// So many sessions in as many channels, each with a wake that waits for the gate.
    private func pending(_ wakes: Int = wakes) -> Story {
        var story = Story()
        story.begin()
        for number in 1...UInt64(wakes) {
            let session = Sample.key("agent:infra:discord:channel:\(5000 + number)")
            story.on(.requested(Sample.request(number, target: .daemon, epoch: .token("none"), session: session), inboxRow: nil))
        }
        return story
    }

    /// Carries directives out: grants permits, finds routes ready, and answers sends by the given rule. Each to its end before the next
    /// one, as where rate limits hand out permits one at a time and a refusal comes at once.
    private func run(
        _ directives: [Directive], _ story: inout Story, answer: (SendOrder, Moment) -> Outcome
    ) -> [Moment] {
        var open = directives
        var sends: [Moment] = []
        while !open.isEmpty {
            switch open.removeFirst() {
            case .checkRoute(let route):
                open = story.on(.routeChecked(route, .ready(RouteCapabilities())), after: .microseconds(50)) + open
            case .requestPermit(let id, _): open = story.on(.permitGranted(id), after: .microseconds(50)) + open
            case .send(let order):
                sends.append(story.now)
                open = story.on(.attemptEnded(order.delivery, answer(order, story.now)), after: .microseconds(50)) + open
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
        "where only requests are refused, one delivery at a time probes, and all others follow the first that is through",
        arguments: [100, 1000])
    func requestsRefused(wakes: Int) throws {
        var story = pending(wakes)
        let end = story.now.advanced(by: .seconds(3600))
        var arrived: [Moment] = []
        let answer = { (order: SendOrder, now: Moment) -> Outcome in
            now.boottimeMicroseconds < end.boottimeMicroseconds
                ? .transient(reason: "connection refused", retryAfter: nil) : .accepted(Receipt(id: order.nonce, source: .reply))
        }
        var sends = run(story.on(.channelChanged(.discord(), .ready(generation: 1))), &story, answer: answer)
        #expect(sends.count == Doubt.refusals)
        while !story.coordinator.deliveries.isEmpty {
            let due = try #require(story.coordinator.nextDeadlineMicroseconds)
            let directives = story.on(.timePassed, after: .microseconds(max(0, due - story.now.boottimeMicroseconds)))
            let now = run(directives, &story, answer: answer)
            sends += now
            arrived += now.filter { $0.boottimeMicroseconds >= end.boottimeMicroseconds }
        }
        #expect(arrived.count == wakes)
        #expect(try #require(arrived.first?.elapsed(since: end)) <= Policy().backoff.cap)
        // All at once, but for those few that wait for themselves since their own attempt.
        #expect(try #require(arrived.last?.elapsed(since: end)) <= Policy().backoff.cap + .seconds(1))
        // A probe every 45 to 60 s, after the refusals that made the doubt and the first short waits. Fewer would hear of the end too late.
        #expect(sends.count - wakes <= Doubt.refusals + 9 + 3600 / 45, "\(sends.count)")
        if wakes >= 1000 { #expect(Double(sends.count) <= 1.1 * Double(wakes), "\(sends.count)") }
    }
}
