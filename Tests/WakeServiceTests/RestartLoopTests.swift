import Testing
import WakeCore
import WakeService

@Suite("A loop of restarts is told from restarts that were meant")
struct RestartLoopTests {
    private let now = Moment(wallMilliseconds: 1_790_000_000_000, boot: BootID("b2"), boottimeMicroseconds: 1_000_000_000)
    private let loop = RestartLoop()

    private func life(_ secondsAgo: Int, _ end: StartRecord.EndKind? = nil, boot: String = "b2", isSet: Bool = true)
        -> StartRecord
    {
        var started = now.advanced(by: .seconds(-secondsAgo))
        started.boot = BootID(boot)
        started.clockSynchronised = isSet
        return StartRecord(
            instance: "\(secondsAgo)", started: started,
            ended: end.map { .init($0, reason: "", at: started.advanced(by: .seconds(1))) })
    }

    @Test("three starts after a cut-off life, within 5 minutes, are a loop; two are none")
    func counts() {
        #expect(!loop.isLooping(after: [], at: now))
        #expect(!loop.isLooping(after: [life(10), life(20)], at: now))
        #expect(loop.isLooping(after: [life(10), life(20), life(30)], at: now))
    }

    @Test("planned restarts and stops are none, however many")
    func cleanEnds() {
        for kind in [StartRecord.EndKind.planned, .stopped] {
            #expect(!loop.isLooping(after: [life(10, kind), life(20, kind), life(30, kind), life(40, kind)], at: now))
        }
    }

    @Test("whoever stops the daemon and starts it again gets it whole")
    func aStopBreaksTheRow() {
        #expect(!loop.isLooping(after: [life(5, .stopped), life(10), life(20), life(30)], at: now))
        #expect(!loop.isLooping(after: [life(5), life(10), life(20, .stopped), life(30)], at: now))
    }

    @Test("starts that are spread over more than 5 minutes are none")
    func window() {
        #expect(!loop.isLooping(after: [life(10), life(301), life(302)], at: now))
        #expect(
            loop.isLooping(after: [life(10), life(299), life(9_000)], at: now), "the third start is what counts, not its life")
    }

    @Test("a machine that was lost is not the daemon's doing: its restarts don't count, nor do lives before them")
    func acrossBoots() {
        #expect(!loop.isLooping(after: [life(60, boot: "b1"), life(120, boot: "b0"), life(180, boot: "a9")], at: now))
        #expect(!loop.isLooping(after: [life(10), life(20), life(30, boot: "b1"), life(40, boot: "b1")], at: now))
    }

    @Test("0 starts switch it off")
    func off() {
        var loop = loop
        loop.loopStarts = 0
        #expect(!loop.isLooping(after: [life(10), life(20), life(30), life(40)], at: now))
    }

    @Test("after a planned restart the next one waits out the rest of 30 seconds, also when a crash came between")
    func cooldown() {
        #expect(loop.cooldownLeft(after: [], at: now) == nil)
        #expect(loop.cooldownLeft(after: [life(11, .planned)], at: now) == .seconds(20))
        #expect(loop.cooldownLeft(after: [life(3), life(11, .planned)], at: now) == .seconds(20))
        #expect(loop.cooldownLeft(after: [life(31, .planned)], at: now) == nil)
        #expect(loop.cooldownLeft(after: [life(5, .stopped)], at: now) == nil)
        #expect(loop.cooldownLeft(after: [life(5, .stopped), life(100, .planned)], at: now) == nil)
    }
}
