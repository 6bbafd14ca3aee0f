import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker hears of steps of the clock", .timeLimit(.minutes(1)))
struct ClockStepTests {
    @Test("a clock that is set over a job's time runs it then, without any timer")
    func job() async throws {
        let rig = WakerRig()
        try await rig.life { waker in
            let now = rig.moments.now()
            waker.post(
                .jobAdded(
                    Job(
                        id: Identifier(high: 1, low: 7), name: "report", schedule: "+1h", isOneShot: true,
                        session: try SessionKey("agent:infra:discord:channel:1234"), route: WakerRig.route, message: "write it",
                        nextDue: now.wallMilliseconds + 3_600_000, createdAt: now), inboxRow: nil))
            await rig.log.line(.jobAdded)
            rig.moments.stepWall(by: .seconds(3_601))
            await rig.log.line(.jobFired)
            #expect(rig.moments.now().boottimeMicroseconds == now.boottimeMicroseconds)
        }
    }
}
