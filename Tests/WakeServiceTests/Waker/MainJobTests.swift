import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker does the main job", .timeLimit(.minutes(1)))
struct MainJobTests {
    @Test("a session that asked for a restart is woken after it, once, when its channel can hear it, and the receipt is kept")
    func wholeWay() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        let due = rig.moments.now().advanced(by: .seconds(2)).boottimeMicroseconds
        try await rig.life("first") { waker in
            let request = try rig.request(delay: .seconds(2))
            try await SentinelWriter(inbox: rig.ledger).write(request)
            waker.inboxMayHaveChanged()
            await rig.log.line(.sentinelArmed)
            await rig.moments.waitUntilArmed(atBoottimeMicroseconds: due)
            #expect(rig.restarter.performed.isEmpty, "the delay is not over")
            rig.moments.advance(by: .seconds(2))
            await rig.restarter.waitForRestarts(1)
            #expect(rig.ledger.tables.sentinels[request.id]?.state == .restarting, "the mark is durable before the restart")
        }
        rig.transport.holdSends()
        try await rig.life("second") { _ in
            let id = try await rig.delivery()
            #expect(rig.transport.calls.isEmpty, "nothing is asked of a channel that is not ready")
            rig.openGate()
            await rig.transport.wait { $0.contains(.asked(id)) }
            #expect(rig.check.checked == [WakerRig.route])
            #expect(rig.ledger.tables.deliveries[id]?.attempts == 0, "waiting for a permit charges nothing")
            rig.transport.grant(id)
            let order = await rig.transport.waitForSends(1)[0]
            #expect(rig.ledger.tables.deliveries[id]?.state == .sending, "the attempt is durable before the send")
            #expect(order.text.contains("go on with the patch") && order.nonce == id.description)
            rig.transport.finish(id, with: .accepted(Receipt(id: "77", source: .reply)))
            await rig.log.line(.wakeEnded)
            #expect(rig.ledger.tables.deliveries[id]?.state == .delivered(Receipt(id: "77", source: .reply)))
        }
        try await rig.life("third") { _ in rig.openGate(generation: 2) }
        #expect(rig.transport.sent.count == 1)
        #expect(!rig.transport.calls.contains { if case .sentWithoutPermit = $0 { true } else { false } })
        #expect(rig.ledger.tables.inbox.isEmpty && rig.restarter.performed.count == 1)
    }

    @Test("two sentinels of one session that fire together are one message")
    func coalesced() async throws {
        let rig = WakerRig()
        try await rig.held(count: 2) { _, _ in
            rig.openGate()
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.transport.sent.count == 1)
    }

    @Test("a gate that closes while a permit is awaited takes the request back, and nothing is sent before it opens again")
    func gateCloses() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        try await rig.held { _, id in
            rig.openGate()
            await rig.transport.wait { $0.contains(.asked(id)) }
            rig.bus.report(.discord(), .connecting)
            await rig.transport.wait { $0.contains(.released(id)) }
            #expect(!rig.transport.grant(id), "nobody waits for the permit any more")
            rig.openGate(generation: 2)
            await rig.transport.wait { $0.count { $0 == .asked(id) } == 2 }
            #expect(rig.transport.sent.isEmpty)
            rig.transport.grant(id)
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.transport.sent.count == 1 && rig.transport.heldPermits.isEmpty)
    }

    @Test("a transient outcome is tried again when its wait is over, under the same nonce")
    func transient() async throws {
        let rig = WakerRig()
        rig.transport.answer(.transient(reason: "429", retryAfter: .seconds(3)))
        try await rig.held { _, id in
            let due = rig.moments.now().advanced(by: .seconds(3)).boottimeMicroseconds
            rig.openGate()
            await rig.moments.waitUntilArmed(atBoottimeMicroseconds: due)
            #expect(rig.state(of: id) == "waiting")
            rig.moments.advance(by: .seconds(3))
            await rig.log.line(.wakeEnded)
        }
        #expect(Set(rig.transport.sent.map(\.nonce)).count == 1 && rig.transport.sent.map(\.attempt) == [1, 2])
    }

    @Test("a receipt found after an unclear outcome ends the delivery without another send")
    func foundAfterAmbiguous() async throws {
        let rig = WakerRig()
        rig.transport.answer(.ambiguous(reason: "no answer"))
        rig.lookup.answer(.found(Receipt(id: "5", source: .history)))
        try await rig.held { _, id in
            rig.openGate()
            await rig.log.line(.wakeEnded)
            #expect(rig.ledger.tables.deliveries[id]?.state == .delivered(Receipt(id: "5", source: .history)))
        }
        #expect(rig.transport.sent.count == 1 && rig.lookup.searched.count == 1)
    }

    @Test("what is provably absent is sent again, under the same nonce")
    func absentAfterAmbiguous() async throws {
        let rig = WakerRig()
        rig.transport.answer(.ambiguous(reason: "no answer"))
        try await rig.held { _, id in
            rig.openGate()
            await rig.log.line(.deliveryWaiting)
            await rig.moments.waitUntilArmed()
            rig.moments.advance(by: .seconds(1))
            await rig.log.line(.wakeEnded)
            #expect(rig.state(of: id) == "delivered")
        }
        #expect(Set(rig.transport.sent.map(\.nonce)).count == 1 && rig.transport.sent.count == 2)
    }

    @Test("where nobody can tell, the policy decides: held as unresolved, and nothing is sent again")
    func cannotTell() async throws {
        var rig = WakerRig()
        rig.policy.unclearNotice = .preferOnce
        rig.policy.nonceWindow = .zero
        rig.transport.answer(.ambiguous(reason: "no answer"))
        rig.lookup.answer(.cannotTell(reason: "history may not be read"))
        let all = rig
        try await rig.held { _, id in
            all.openGate()
            await all.log.line(.deliveryUnresolved)
            #expect(all.state(of: id) == "unresolved")
        }
        #expect(rig.transport.sent.count == 1)
    }

    @Test("an echo that comes before the reply is the receipt; the reply then changes nothing")
    func echoFirst() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        try await rig.held { _, id in
            rig.openGate()
            await rig.transport.waitForSends(1)
            rig.bus.reportReceipt(id, Receipt(id: "9", source: .echo))
            await rig.log.line(.wakeEnded)
            rig.transport.finish(id, with: .accepted(Receipt(id: "9", source: .reply)))
            await rig.transport.wait { $0.contains(.answered(id, .accepted(Receipt(id: "9", source: .reply)))) }
        }
        #expect(rig.ledger.tables.deliveries.values.map(\.state) == [.delivered(Receipt(id: "9", source: .echo))])
    }

    @Test("a receipt that is reported before the ledger is loaded is not lost")
    func receiptBeforeStart() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        let id = Witness<DeliveryID?>(nil)
        // The first life dies with a send under way: what it knew is what the ledger holds.
        let ledger = rig.ledger
        var request = try rig.request()
        request.epoch = .token("an earlier life")
        try ledger.append(request)
        var story = LedgerStory(ledger)
        // In the rig's own time: months later the hold would be over, and whether that or the receipt came first would be chance.
        story.now = rig.moments.now()
        try story.run(.daemonStarted(instance: .token("first")))
        try story.run(.requested(request, inboxRow: 1))
        try story.openGates()
        try story.grantPermits()
        let delivery = try #require(story.coordinator.deliveries.keys.first)
        id.change { $0 = delivery }
        let waker = rig.waker("second")
        rig.bus.reportReceipt(delivery, Receipt(id: "4", source: .echo))
        let run = Task { try await waker.run() }
        await rig.log.line(.wakeEnded)
        waker.stop()
        try await run.value
        #expect(ledger.tables.deliveries[delivery]?.state == .delivered(Receipt(id: "4", source: .echo)))
        #expect(rig.transport.sent.isEmpty)
    }

    @Test("a clock that is set some time after the start is noticed, and what waited for it is decided")
    func clockIsSet() async throws {
        let rig = WakerRig()
        try rig.ledger.append(rig.request(target: .exec, delay: .seconds(3), command: ["true"]))
        let unset = Moment(wallMilliseconds: 0, boot: BootID("b2"), boottimeMicroseconds: 5_000_000, clockSynchronised: false)
        rig.moments.set(unset)
        try await rig.life { _ in
            let look = unset.advanced(by: .seconds(10))
            await rig.moments.waitUntilArmed(atBoottimeMicroseconds: look.boottimeMicroseconds)
            #expect(rig.ledger.tables.sentinels.values.map(\.state) == [.armed])
            var set = look
            set.wallMilliseconds = 1_800_000_600_000
            set.clockSynchronised = true
            rig.moments.set(set)
            await rig.log.line(.sentinelNotRestarted)
        }
        #expect(rig.restarter.performed.isEmpty, "nobody expects that restart any more")
    }

    @Test("between READY and the send there is one commit, that of the attempt; what people read goes with it")
    func oneCommit() async throws {
        let rig = WakerRig()
        rig.transport.needNoWait()
        rig.transport.holdSends()
        try await rig.held { _, id in
            rig.bus.report(.discord(), .connecting)
            // Looked at while the channel connects.
            while rig.ledger.tables.routes[WakerRig.route] == nil { await Task.yield() }
            let before = rig.ledger.commits
            rig.openGate()
            await rig.transport.waitForSends(1)
            #expect(rig.ledger.commits == before + 1)
            #expect(rig.state(of: id) == "sending")
            #expect(rig.ledger.tables.channels[.discord()] == .ready(generation: 1))
            rig.transport.finish(id, with: .accepted(Receipt(id: "6", source: .reply)))
        }
        #expect(rig.check.checked == [WakerRig.route], "looked at once")
    }
}
