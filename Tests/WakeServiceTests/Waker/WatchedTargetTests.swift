import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker has targets watched", .timeLimit(.minutes(1)))
struct WatchedTargetTests {
    private let web = RestartTarget.unit("web.service")

    /// The rig's epoch source runs beside the waker, as the daemon has it.
    private func life(_ rig: WakerRig, _ body: @Sendable (Waker) async throws -> Void) async throws {
        try await rig.life { waker in
            let watch = Task { await rig.epochs.run { waker.post($0) } }
            defer { watch.cancel() }
            try await body(waker)
        }
    }

    private func up(_ run: String, _ story: RestartStory? = nil) -> Event {
        .epochObserved(web, .of(BootID("b001"), run), settled: true, story: story)
    }

    @Test("a unit is looked at before it is restarted, and its new run wakes the session")
    func restart() async throws {
        let rig = WakerRig()
        rig.epochs.happen(up("1"), to: web)
        try await life(rig) { waker in
            try rig.ledger.append(try rig.request(target: web))
            waker.inboxMayHaveChanged()
            await rig.epochs.waitUntilObserved(web)
            await rig.restarter.waitForRestarts(1)
            rig.epochs.happen(up("2", RestartStory(.restart, down: .seconds(4))), to: web)
            rig.openGate()
            await rig.log.line(.wakeEnded)
        }
        #expect(
            rig.transport.sent.map(\.text) == [
                "**Back after the restart of web.service** (down for 4 s; asked for 0 s ago). Go on with:\n> go on with the patch"
            ])
    }

    @Test("a job that fails for want of another unit tells the session that its unit failed")
    func failed() async throws {
        let rig = WakerRig()
        rig.epochs.happen(up("1"), to: web)
        rig.restarter.answer(.failed(reason: "a unit that it needs did not start"))
        try await life(rig) { waker in
            try rig.ledger.append(try rig.request(target: web))
            waker.inboxMayHaveChanged()
            rig.openGate()
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.transport.sent.first?.text.hasPrefix("**web.service failed**: a unit that it needs did not start") == true)
    }

    @Test("a watched target is observed from the start on, and its crash wakes whom the policy names")
    func watched() async throws {
        var rig = WakerRig()
        let session = try SessionKey("agent:ops:discord:channel:1234")
        rig.policy.watches[web] = [Policy.Watch(session: session, route: WakerRig.route)]
        let rigNow = rig
        try await rigNow.life { waker in
            #expect(rigNow.epochs.observed == [web])
            waker.post(up("1"))
            waker.post(up("2", RestartStory(.crash, detail: "it ended with exit code 3")))
            rigNow.openGate()
            await rigNow.log.line(.wakeEnded)
        }
        #expect(
            rigNow.transport.sent.first?.text.hasPrefix(
                "**web.service crashed and was started again** (it ended with exit code 3)") == true)
    }

    @Test("an outlook is answered by the loop that works: what is held for whom, and that it keeps up")
    func outlook() async throws {
        let rig = WakerRig()
        try await rig.held(count: 2) { waker, _ in
            let outlook = try #require(await waker.outlook())
            #expect(outlook.held == [.discord(): 1] && outlook.openWakes == 1 && outlook.openSentinels == 0)
            let since = rig.moments.now()
            rig.moments.advance(by: .seconds(3))
            let channels = [ChannelName.discord(): (state: ChannelState.connecting, since: since)]
            #expect(outlook.words(channels, at: rig.moments.now()) == "holding 1 wake for discord:default, connecting for 3 s")
            #expect(outlook.isWaiting([.ready(generation: 1)]))
        }
        #expect(Outlook().words([:], at: rig.moments.now()) == "nothing is held")
    }
}
