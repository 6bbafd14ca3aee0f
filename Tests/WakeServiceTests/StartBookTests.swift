import Testing
import WakeCore
import WakeService

@Suite("How long the machine was away is told from the daemon's lives")
struct StartBookTests {
    private func moment(_ second: Int64, _ boot: String) -> Moment {
        Moment(wallMilliseconds: second * 1000, boot: BootID(boot), boottimeMicroseconds: second * 1_000_000)
    }

    private func absence(_ lives: [StartRecord], at second: Int64 = 100) -> RestartStory.Absence? {
        StartBook(previous: lives).absence(before: moment(second, "new"))
    }

    @Test("from the shutdown that was seen; else from the end, or the last sign of life, at most")
    func lastSeen() {
        var life = StartRecord(instance: "a", started: moment(1, "old"), alive: moment(60, "old"))
        #expect(absence([life]) == .init(lastSeen: moment(60, "old"), isExact: false, back: moment(100, "new")))
        life.ended = .init(.stopped, reason: "", at: moment(70, "old"))
        #expect(absence([life]) == .init(lastSeen: moment(70, "old"), isExact: false, back: moment(100, "new")))
        life.shutdown = moment(69, "old")
        #expect(absence([life]) == .init(lastSeen: moment(69, "old"), isExact: true, back: moment(100, "new")))
    }

    @Test("until the first life of this boot, however often the daemon has restarted since")
    func back() {
        let lives = [
            StartRecord(instance: "c", started: moment(95, "new")), StartRecord(instance: "b", started: moment(90, "new")),
            StartRecord(instance: "a", started: moment(1, "old"), alive: moment(60, "old")),
        ]
        #expect(absence(lives) == .init(lastSeen: moment(60, "old"), isExact: false, back: moment(90, "new")))
    }

    @Test("where no earlier boot is known, nothing is told")
    func unknown() {
        #expect(absence([]) == nil)
        #expect(absence([StartRecord(instance: "c", started: moment(95, "new"))]) == nil)
    }
}
