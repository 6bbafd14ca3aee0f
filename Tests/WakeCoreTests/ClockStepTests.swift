import Testing

@testable import WakeCore

@Suite("Clocks that are stepped, and machines that sleep")
struct ClockStepTests {
    @Test(
        "a wall clock that is stepped by hours during a hold changes nothing within a boot",
        arguments: [8, -8, 24 * 30] as [Int64])
    func stepped(hours: Int64) {
        var story = Story()
        story.begin()
        story.fire(1)
        story.now.wallMilliseconds += hours * 3_600_000
        #expect(story.wait(.seconds(60)).isEmpty && story.coordinator.wakes.count == 1)
        #expect(Story.permits(story.open()).count == 1)
    }

    @Test("what is due while the machine sleeps is due when it wakes: too late to restart anything, in time to tell so")
    func asleep() {
        var story = Story()
        let web = RestartTarget.unit("web.service")
        story.begin()
        story.on(.epochObserved(web, .token("a"), settled: true))
        story.on(.requested(Sample.request(delay: .seconds(30), at: story.now), inboxRow: nil))
        // Suspended: boottime goes on, nothing else does.
        let after = story.on(.timePassed, after: .seconds(3600))
        #expect(!after.contains { if case .performRestart = $0 { true } else { false } })
        let notes = story.coordinator.wakes.values.flatMap(\.notes)
        #expect(notes.count == 1 && { if case .didNotHappen = notes[0].cause { true } else { false } }())
    }

    @Test("a wake that is held over a suspend of hours is delivered when its channel is back")
    func heldAsleep() {
        var story = Story()
        story.begin()
        story.fire(1)
        story.on(.timePassed, after: .seconds(9 * 3600))
        #expect(Story.permits(story.open(generation: 2)).count == 1)
    }
}
