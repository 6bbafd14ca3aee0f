import Testing
import WakeService

@testable import ReveilleCommand
@testable import WakeCore

@Suite("What --follow tells")
struct WakePictureTests {
    private static let route = Route("gateway:main/discord:default/channel:1")!
    private static let id = Identifier(high: 1, low: 2)

    private func picture(_ row: Sentinel?, isUp: Bool = true, state: ChannelState? = nil) -> WakePicture {
        WakePicture(
            sentinel: Self.id, target: .gateway("main"), row: row, wake: nil, route: Self.route,
            gates: Gates(
                isDaemonUp: isUp, channels: state.map { [Self.route.channel: $0] } ?? [:], routes: [:]))
    }

    private func sentinel(_ state: Sentinel.State) throws -> Sentinel {
        let now = Moment(wallMilliseconds: 0, boot: BootID("b"), boottimeMicroseconds: 0, clockSynchronised: true)
        let request = RestartRequest(
            id: Self.id, session: try SessionKey("agent:a:discord:channel:1"), route: Self.route, note: "n",
            target: .gateway("main"), performedByUs: false, requestedAt: now)
        var sentinel = Sentinel(request, epoch: nil, at: now)
        sentinel.state = state
        return sentinel
    }

    @Test("while it waits in the inbox nothing has ended, and a daemon that is down is told")
    func inbox() {
        let picture = picture(nil, isUp: false)
        #expect(picture.ending == nil)
        #expect(picture.lines.map(\.topic) == ["daemon", "sentinel"])
        #expect(picture.lines[0].words.hasPrefix("down"))
    }

    @Test("the channel's state is told beside the sentinel's")
    func channel() throws {
        let picture = picture(try sentinel(.armed), state: .down(reason: "it restarts", retryAt: nil))
        #expect(picture.lines.contains { $0.topic == "gateway:main/discord:default" && $0.words.contains("it restarts") })
        #expect(picture.lines.contains { $0.words == "waits for the restart of the gateway main" })
        #expect(picture.ending == nil)
    }

    @Test(
        "a sentinel that ended without a wake ends it, with its exit code",
        arguments: [
            (Sentinel.State.cancelled, 66), (.expired, 69), (.notRestarted(reason: "refused"), 69),
            (.targetFailed(reason: "gone"), 69),
        ] as [(Sentinel.State, Int32)])
    func ended(state: Sentinel.State, code: Int32) throws {
        guard case .failure(let complaint)? = picture(try sentinel(state)).ending else {
            Issue.record("it goes on")
            return
        }
        #expect(complaint.code == code)
    }
}
