import Testing

@testable import WakeCore

@Suite("A channel in doubt")
struct DoubtTests {
    private static let refusal = Outcome.transient(reason: "connection refused", retryAfter: nil)

    /// So many sessions on as many routes of one channel; the gate of each is open, and each has asked for its permit.
    private func open(_ count: UInt64) -> (Story, [DeliveryID]) {
        var story = Story()
        story.begin()
        for number in 1...count { story.fire(number, session: Self.session(number)) }
        var directives = story.on(.channelChanged(.discord(), .ready(generation: 1)))
        for number in 1...count {
            directives += story.on(.routeChecked(Self.route(number), .ready(RouteCapabilities(mayReadHistory: true))))
        }
        return (story, Story.permits(directives))
    }

    private static func session(_ number: UInt64) -> SessionKey { Sample.key("agent:infra:discord:channel:\(5000 + number)") }

    private static func route(_ number: UInt64) -> Route {
        Route(channel: .discord(), kind: .channel, destination: "\(5000 + number)")
    }

    /// Sends it, and hands in what comes of it.
    @discardableResult
    private func attempt(_ id: DeliveryID, _ outcome: Outcome, _ story: inout Story) -> [Directive] {
        #expect(Story.sends(story.on(.permitGranted(id))).map(\.delivery) == [id])
        return story.on(.attemptEnded(id, outcome))
    }

    /// Lets time go by until somebody asks for a permit.
    private func nextPermit(_ story: inout Story) throws -> [DeliveryID] {
        while true {
            let due = try #require(story.coordinator.nextDeadlineMicroseconds)
            let asked = Story.permits(
                story.on(.timePassed, after: .microseconds(max(0, due - story.now.boottimeMicroseconds))))
            if !asked.isEmpty { return asked }
        }
    }

    @Test("three refusals in a row on two routes: permits go back, one delivery probes, an answer lets all go on")
    func probes() throws {
        var (story, ids) = open(6)
        #expect(ids.count == 6)
        attempt(ids[0], Self.refusal, &story)
        attempt(ids[1], Self.refusal, &story)
        #expect(story.coordinator.doubts[.discord()]?.since == nil)
        let directives = attempt(ids[2], Self.refusal, &story)
        #expect(story.told.map(\.code).contains(.channelDoubted))
        #expect(Set(directives) == Set(ids[3...].map { .returnPermit($0) }))
        let first = try nextPermit(&story)
        #expect(first.count == 1)
        attempt(first[0], Self.refusal, &story)
        let second = try nextPermit(&story)
        #expect(second.count == 1 && second != first, "another route, so that a bad one holds nobody up")
        let freed = attempt(second[0], .accepted(Receipt(id: "1", source: .reply)), &story)
        #expect(story.told.map(\.code).contains(.channelTrusted))
        #expect(story.coordinator.doubts.isEmpty)
        #expect(!Story.permits(freed).isEmpty)
        #expect(Set(ids[3...]).subtracting(second + first).isSubset(of: Story.permits(freed)))
    }

    @Test("one bad route is not the channel's fault, however often it refuses")
    func oneRoute() throws {
        var (story, ids) = open(2)
        for _ in 0..<10 {
            attempt(ids[0], Self.refusal, &story)
            ids[0] = try nextPermit(&story)[0]
        }
        #expect(story.coordinator.doubts[.discord()]?.since == nil)
        #expect(!attempt(ids[1], .accepted(Receipt(id: "1", source: .reply)), &story).contains { $0 == .returnPermit(ids[1]) })
    }

    @Test("what is said about the message itself proves that the far side serves")
    func answers() {
        for outcome in [Outcome.permanent(reason: "50035"), .unavailable(.route, reason: "50013")] {
            var (story, ids) = open(4)
            attempt(ids[0], Self.refusal, &story)
            attempt(ids[1], Self.refusal, &story)
            attempt(ids[2], outcome, &story)
            attempt(ids[3], Self.refusal, &story)
            #expect(story.coordinator.doubts[.discord()]?.since == nil)
        }
    }

    @Test("a server that errs is doubted too, and searches wait like sends: one at a time")
    func unclear() throws {
        var (story, ids) = open(5)
        var searches: [Directive] = []
        for id in ids[..<3] { searches += attempt(id, .ambiguous(reason: "503"), &story) }
        #expect(story.coordinator.doubts[.discord()]?.since != nil)
        searches = searches.filter { if case .search = $0 { true } else { false } }
        #expect(searches.count == 2, "those of the first two, before there was doubt")
        for id in ids[..<2] { story.on(.searched(id, .tryAgain(reason: "503", retryAfter: nil))) }
        let asked = story.wait(.milliseconds(250)).filter { if case .search = $0 { true } else { false } }
        #expect(asked.count + Story.permits(story.wait(.zero)).count <= 1)
    }

    @Test("a probe that is taken back is followed by another, and a channel that goes down is doubted no more")
    func probeGone() throws {
        var (story, ids) = open(5)
        for id in ids[..<3] { attempt(id, Self.refusal, &story) }
        let probe = try nextPermit(&story)[0]
        story.on(.commanded(.cancelWake(probe.wake), ended: nil, inboxRow: nil))
        #expect(try nextPermit(&story) != [probe])
        story.on(.channelChanged(.discord(), .down(reason: "connection lost", retryAt: nil)))
        #expect(story.coordinator.doubts.isEmpty)
    }
}
