import Testing

@testable import WakeCore

@Suite("Wakes")
struct CoalescingTests {
    private static func notice(_ wake: Wake) -> DeliveryID { DeliveryID(wake: wake.id, kind: .notice) }

    @Test("sentinels of one session and route join one wake until its first attempt; then they form the next")
    func joining() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        story.fire(2)
        let first = try #require(story.coordinator.wakes.values.first)
        #expect(story.coordinator.wakes.count == 1)
        #expect(first.notes.map(\.text) == ["note 1", "note 2"])
        let asked = Story.permits(story.open())
        #expect(asked == [Self.notice(first)])
        let sent = Story.sends(story.on(.permitGranted(asked[0])))
        #expect(sent.first?.text.contains("> note 1") == true && sent.first?.text.contains("> note 2") == true)
        #expect(story.coordinator.wakes[first.id]?.state == .sealed)
        story.fire(3)
        #expect(story.coordinator.wakes.count == 2, "a sealed wake takes no more notes")
        #expect(story.coordinator.wakes[first.id]?.notes.count == 2)
    }

    @Test("other sessions and other routes have wakes of their own")
    func places() {
        var story = Story()
        story.begin()
        story.fire(1)
        story.fire(2, session: Sample.key("agent:other:discord:channel:1234"))
        story.fire(3, route: Sample.otherRoute)
        #expect(story.coordinator.wakes.count == 3)
    }

    @Test("a wake with its notes full takes no more")
    func full() {
        var story = Story()
        story.begin()
        for number in 1...UInt64(Limits.notesPerWake + 1) { story.fire(number) }
        #expect(story.coordinator.wakes.values.map(\.notes.count).sorted() == [1, Limits.notesPerWake])
    }

    @Test("a wake of which a part has ended takes no note that this part should carry")
    func halfEnded() throws {
        var policy = Policy()
        policy.loopWakes = 0
        var story = Story(policy)
        story.begin()
        // The turn of a session that seems to loop is stopped; its notice goes on being held.
        story.on(.requested(Sample.request(1, target: .daemon, owes: [.notice, .turn], at: story.now), inboxRow: nil))
        story.begin("two")
        let first = try #require(story.coordinator.wakes.values.first)
        #expect(story.coordinator.deliveries[DeliveryID(wake: first.id, kind: .turn)]?.stateName == "unresolved")
        story.fire(2, owes: [.turn])
        #expect(story.coordinator.wakes.count == 2)
    }

    @Test("a restart of host, unit and daemon at once is one wake")
    func reboot() {
        var story = Story()
        story.begin()
        for (number, target) in [RestartTarget.host, .unit("web.service"), .daemon].enumerated() {
            if target != .daemon { story.on(.epochObserved(target, .token("old"), settled: true)) }
            story.on(
                .requested(
                    Sample.request(UInt64(number + 1), target: target, performedByUs: false, at: story.now), inboxRow: nil))
        }
        story.begin("two")
        story.on(.epochObserved(.host, .token("new"), settled: true))
        story.on(.epochObserved(.unit("web.service"), .token("new"), settled: true))
        #expect(story.coordinator.wakes.values.map(\.notes.count) == [3])
        #expect(story.coordinator.sentinels.isEmpty)
    }

    @Test("a soft reboot is told by its facts: the same boot, another start of user space")
    func softReboot() throws {
        var story = Story()
        story.begin()
        let boot = Sample.boot
        story.on(.epochObserved(.host, .of(boot, "1200000"), settled: true))
        story.on(.requested(Sample.request(1, target: .host, performedByUs: false, at: story.now), inboxRow: nil))
        story.begin("two")
        // The daemon was restarted, and the machine was not.
        story.on(.epochObserved(.host, .of(boot, "1200000"), settled: true))
        #expect(story.coordinator.wakes.isEmpty)
        story.begin("three")
        story.on(.epochObserved(.host, .of(boot, "98700000"), settled: true))
        let note = try #require(story.coordinator.wakes.values.first?.notes.first)
        #expect(note.story?.kind == .softReboot)
        let wake = try #require(story.coordinator.wakes.values.first)
        #expect(NoticeText.of(wake, at: story.now).contains("user space was restarted (soft reboot)"))
    }
}
