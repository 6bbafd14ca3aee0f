import Testing

@testable import WakeCore

@Suite("Watched targets")
struct WatchTests {
    private static let web = RestartTarget.unit("web.service")
    private static let boot = Sample.boot

    /// A story in which one session is told of every restart of the unit, and of the machine.
    private func story(_ watchers: [SessionKey] = [Sample.key()]) -> Story {
        var policy = Policy()
        for target in [Self.web, .host] {
            policy.watches[target] = watchers.map { Policy.Watch(session: $0, route: Sample.route, note: "look") }
        }
        return Story(policy)
    }

    private func run(_ name: String, boot: BootID = Self.boot) -> Epoch { .of(boot, name) }

    private func headlines(_ story: Story) -> [String] {
        story.coordinator.wakes.values.map { NoticeText.of($0, at: story.now).split(separator: "\n")[0].description }.sorted()
    }

    @Test("a start has every watched target observed, and those of open sentinels")
    func observing() {
        var story = story()
        #expect(story.on(.daemonStarted(instance: .token("one"))) == [.observe(.host), .observe(Self.web)])
        let other = RestartTarget.unit("other.service")
        let asked = story.on(.requested(Sample.request(target: other, performedByUs: false, at: story.now), inboxRow: nil))
        #expect(asked == [.observe(other)])
    }

    @Test("the first look tells nothing; a restart that nobody announced wakes the watchers with its cause")
    func unannounced() {
        var story = story()
        story.begin()
        story.on(.epochObserved(Self.web, run("a"), settled: true, story: RestartStory(.restart)))
        #expect(story.coordinator.wakes.isEmpty)
        let crash = RestartStory(.crash, detail: "it was killed by signal 9 (KILL)", down: .seconds(3))
        story.on(.epochObserved(Self.web, run("b"), settled: false, story: crash))
        #expect(story.coordinator.wakes.isEmpty, "it has still to settle")
        story.wait(.seconds(6))
        #expect(
            headlines(story) == [
                "**web.service crashed and was started again** (it was killed by signal 9 (KILL); down for 3 s). Go on with:"
            ])
    }

    @Test("what was asked for and what is watched are one wake with one note for a session")
    func merged() {
        var story = story([Sample.key(), Sample.key("agent:ops:discord:channel:99")])
        story.begin()
        story.on(.epochObserved(Self.web, run("a"), settled: true))
        story.on(.requested(Sample.request(at: story.now), inboxRow: nil))
        story.on(.epochObserved(Self.web, run("b"), settled: true))
        let notes = story.coordinator.wakes.values.map { $0.notes.map(\.origin) }
        #expect(Set(notes) == [[.requested], [.observed]])
    }

    @Test("a reboot is told as such, for the machine and its units in one wake")
    func reboot() {
        var story = story()
        story.coordinator.adopt([.epoch(Self.web, run("a")), .epoch(.host, run("1"))])
        story.begin()
        let next = BootID("b002")
        story.on(.epochObserved(.host, run("1", boot: next), settled: true))
        story.on(.epochObserved(Self.web, run("c", boot: next), settled: true, story: RestartStory(.restart, down: .seconds(2))))
        let wakes = Array(story.coordinator.wakes.values)
        let text = wakes.first.map { NoticeText.of($0, at: story.now) } ?? ""
        #expect(wakes.count == 1)
        #expect(
            text.hasPrefix(
                "**The machine was rebooted**. Go on with:\n> look\n**The machine was rebooted, and web.service with it**"))
    }

    @Test("a reboot that was asked for says how long it took")
    func rebootTook() {
        var story = story([])
        story.begin()
        story.on(.epochObserved(.host, run("1"), settled: true))
        story.on(.requested(Sample.request(target: .host, at: story.now), inboxRow: nil))
        // The next boot, 41 s later by the wall clock.
        let next = BootID("b002")
        story.now = Moment(wallMilliseconds: story.now.wallMilliseconds + 41_000, boot: next, boottimeMicroseconds: 9_000_000)
        story.on(.epochObserved(.host, run("1", boot: next), settled: true))
        #expect(
            headlines(story) == ["**Back after the restart of the machine** (down for 41 s; asked for 41 s ago). Go on with:"])
    }

    @Test(
        "a reboot that nobody announced is told with how long the machine was away, or for how long at most",
        arguments: [(true, "the machine was away for 3 min"), (false, "the machine was away for at most 3 min")])
    func away(isExact: Bool, words: String) {
        var story = story()
        story.coordinator.adopt([.epoch(Self.web, run("a")), .epoch(.host, run("1"))])
        story.begin()
        let lastSeen = story.now
        let next = BootID("b002")
        story.now = Moment(wallMilliseconds: lastSeen.wallMilliseconds + 200_000, boot: next, boottimeMicroseconds: 9_000_000)
        let absence = RestartStory.Absence(lastSeen: lastSeen, isExact: isExact, back: story.now)
        story.on(.epochObserved(.host, run("1", boot: next), settled: true, story: RestartStory(.reboot, absence: absence)))
        #expect(headlines(story) == ["**The machine was rebooted** (\(words)). Go on with:"])
        // The same boot's later restart of a unit is none of the machine's.
        story.on(.epochObserved(Self.web, run("b", boot: next), settled: true))
        let later = RestartStory(.restart, down: .seconds(4), absence: absence)
        story.on(.epochObserved(Self.web, run("c", boot: next), settled: true, story: later))
        let text = story.coordinator.wakes.values.map { NoticeText.of($0, at: story.now) }.joined()
        #expect(text.contains("**web.service has restarted** (down for 4 s)."), "\(text)")
    }

    @Test("how long the machine was away is told once its clock is set, and not before")
    func awayByAnUnsetClock() {
        let lastSeen = story().now
        var back = Moment(wallMilliseconds: 5, boot: BootID("b002"), boottimeMicroseconds: 9_000_000, clockSynchronised: false)
        let absence = RestartStory.Absence(lastSeen: lastSeen, isExact: true, back: back)
        #expect(absence.length(toldAt: back) == nil)
        // The clock is set 11 s later.
        back = Moment(
            wallMilliseconds: lastSeen.wallMilliseconds + 71_000, boot: back.boot, boottimeMicroseconds: 20_000_000)
        #expect(absence.length(toldAt: back) == .seconds(60))
        back.boot = BootID("b003")
        #expect(absence.length(toldAt: back) == nil)
    }

    @Test("a soft reboot has the boot id of the boot before, and another start of its user space")
    func softReboot() {
        var story = story()
        story.coordinator.adopt([.epoch(.host, run("1000"))])
        story.begin()
        story.on(.epochObserved(.host, run("2000"), settled: true))
        #expect(headlines(story) == ["**The machine's user space was restarted (soft reboot)**. Go on with:"])
    }

    @Test("one that is given up on is told once, to the watchers and to those who asked before it failed")
    func gaveUp() {
        var story = story([Sample.key("agent:ops:discord:channel:99")])
        story.begin()
        story.on(.epochObserved(Self.web, run("a"), settled: true))
        story.on(.requested(Sample.request(1, performedByUs: false, at: story.now), inboxRow: nil))
        let failedAt = story.now
        story.on(
            .requested(Sample.request(2, delay: .seconds(60), at: story.now.advanced(by: .seconds(1))), inboxRow: nil),
            after: .seconds(2))
        story.on(.targetGaveUp(Self.web, reason: "start limit", since: failedAt))
        #expect(headlines(story).allSatisfy { $0.hasPrefix("**web.service failed**: start limit") })
        #expect(story.coordinator.wakes.count == 2)
        #expect(story.coordinator.sentinels.values.map(\.id) == [Sample.id(2)], "who asks for what has failed wants it mended")
        #expect(!story.wait(.seconds(120)).isEmpty)
    }

    @Test("a unit that does not run can be restarted; its first run is what was waited for")
    func downAtFirst() {
        var story = story([])
        story.begin()
        let asked = story.on(.requested(Sample.request(at: story.now), inboxRow: nil))
        #expect(asked == [.observe(Self.web)], "nothing is restarted before it was looked at")
        let seen = story.on(.targetDown(Self.web))
        #expect(seen.contains { if case .performRestart = $0 { true } else { false } })
        story.on(.epochObserved(Self.web, run("a"), settled: true))
        #expect(headlines(story).first?.hasPrefix("**Back after the restart of web.service**") == true)
    }

    @Test("a restart that is too late by an unknown time is refused before anything was seen, whatever the clocks say later")
    func lateUnseen() {
        var story = story([])
        story.now = Moment(
            wallMilliseconds: 1_800_000_000_000, boot: BootID("b001"), boottimeMicroseconds: 5_000_000, clockSynchronised: false)
        story.begin()
        let asked = Sample.request(delay: .seconds(14), at: story.now)
        story.now = Sample.nextBoot(after: 600)
        story.on(.requested(asked, inboxRow: nil))
        #expect(story.coordinator.sentinels.isEmpty && story.coordinator.wakes.count == 1)
        #expect(story.on(.targetDown(Self.web)).allSatisfy { if case .performRestart = $0 { false } else { true } })
    }

    @Test("the first start of a watched unit is no restart")
    func firstStart() {
        var story = story()
        story.begin()
        story.on(.targetDown(Self.web))
        story.on(.epochObserved(Self.web, run("a"), settled: true))
        #expect(story.coordinator.wakes.isEmpty)
    }
}
