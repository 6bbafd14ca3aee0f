import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker stops without losing anything", .timeLimit(.minutes(1)))
struct StopTests {
    @Test("a send under way is waited for, and its outcome recorded", arguments: [false, true])
    func drains(byCancelling: Bool) async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        var request = try rig.request()
        request.epoch = .token("an earlier life")
        try rig.ledger.append(request)
        let waker = rig.waker()
        let run = Task { try await waker.run() }
        let id = try await rig.delivery()
        rig.openGate()
        await rig.transport.waitForSends(1)
        if byCancelling { run.cancel() } else { waker.stop() }
        // Handled after the stop, or nothing could be told from it.
        rig.bus.report(.discord("other"), .connecting)
        rig.transport.finish(id, with: .accepted(Receipt(id: "8", source: .reply)))
        try await run.value
        #expect(rig.state(of: id) == "delivered")
    }

    @Test("permits that are awaited or held are given back, and none is asked for any more")
    func returnsPermits() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        try await rig.held { _, id in
            rig.openGate()
            await rig.transport.wait { $0.contains(.asked(id)) }
        }
        #expect(rig.transport.heldPermits.isEmpty && rig.transport.sent.isEmpty)
        let id = try await rig.delivery()
        #expect(Set(rig.transport.calls) == [.asked(id), .released(id)] && rig.state(of: id) == "held")
    }

    @Test("a permit that is granted after the stop was asked for sends nothing and goes back")
    func permitAfterStop() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        rig.transport.holdSends()
        for (number, session) in [(UInt64(1), "1234"), (2, "5678")] {
            var request = try rig.request(number, session: "agent:infra:discord:channel:\(session)")
            request.epoch = .token("an earlier life")
            try rig.ledger.append(request)
        }
        let waker = rig.waker()
        let run = Task { try await waker.run() }
        rig.openGate()
        await rig.transport.wait { $0.count { if case .asked = $0 { true } else { false } } == 2 }
        let asked = rig.transport.calls.compactMap { if case .asked(let id) = $0 { id } else { nil } }
        // One is under way, so that the waker has to drain; the other's permit comes too late.
        rig.transport.grant(asked[0])
        await rig.transport.waitForSends(1)
        waker.stop()
        rig.transport.grant(asked[1])
        rig.transport.finish(asked[0], with: .accepted(Receipt(id: "1", source: .reply)))
        try await run.value
        #expect(rig.transport.sent.count == 1 && rig.transport.heldPermits.isEmpty)
        #expect(rig.state(of: asked[1]) == "held" && rig.ledger.tables.deliveries[asked[1]]?.attempts == 0)
    }

    @Test("a restart that falls due during the stop is left to the next start")
    func nothingNewBegins() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        try await rig.held { waker, id in
            try rig.ledger.append(rig.request(2, delay: .seconds(5)))
            waker.inboxMayHaveChanged()
            await rig.log.line(.sentinelArmed, 2)
            rig.openGate()
            await rig.transport.waitForSends(1)
            waker.stop()
            rig.moments.advance(by: .seconds(5))
            try rig.ledger.append(rig.request(3))
            waker.inboxMayHaveChanged()
            rig.transport.finish(id, with: .accepted(Receipt(id: "1", source: .reply)))
        }
        #expect(rig.restarter.performed.isEmpty)
        #expect(rig.ledger.tables.sentinels[Identifier(high: 1, low: 2)]?.state == .armed)
        #expect(rig.ledger.tables.inbox.count == 1, "what came during the stop waits in the inbox")
    }

    @Test("a restarter that never returns does not hold up the stop")
    func hangingRestarter() async throws {
        let rig = WakerRig()
        rig.restarter.hold()
        try await rig.life { waker in
            try rig.ledger.append(rig.request(1, target: .exec, command: ["sleep", "1000"]))
            waker.inboxMayHaveChanged()
            await rig.restarter.waitForRestarts(1)
        }
        try await rig.life("second") { _ in
            await rig.log.line(.wakeOpened)
        }
        #expect(rig.restarter.performed.count == 1, "a command whose result is unknown is never run again")
    }

    @Test("a send that never returns becomes unclear after its time, and a late acceptance still counts")
    func hangingSend() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        rig.lookup.answer(.cannotTell(reason: "no history"))
        try await rig.held { _, id in
            let limit = rig.policy.attemptTimeout + .seconds(5)
            let due = rig.moments.now().advanced(by: limit).boottimeMicroseconds
            rig.openGate()
            await rig.transport.waitForSends(1)
            await rig.moments.waitUntilArmed(atBoottimeMicroseconds: due)
            rig.moments.advance(by: limit)
            await rig.log.line(.deliveryReconciling)
            await rig.log.line(.deliveryWaiting)
            rig.transport.finish(id, with: .accepted(Receipt(id: "3", source: .reply)))
            await rig.log.line(.deliveryDelivered)
        }
        #expect(rig.transport.sent.count == 1)
    }

    @Test("a ledger that can't be trusted any more ends the run with its error, and permits are given back")
    func untrustedLedger() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        let waker = rig.waker()
        var request = try rig.request()
        request.epoch = .token("an earlier life")
        try rig.ledger.append(request)
        let run = Task { try await waker.run() }
        let id = try await rig.delivery()
        rig.openGate()
        await rig.transport.wait { $0.contains(.asked(id)) }
        rig.ledger.failNext(.failedBeforeSyncing)
        rig.transport.grant(id)
        await #expect {
            try await run.value
        } throws: { error in
            (error as? WakeError)?.code == .outcomeUnknown
        }
        #expect(rig.transport.sent.isEmpty && rig.transport.heldPermits.isEmpty)
    }

    @Test("events posted after the end are passed over")
    func postedAfterTheEnd() async throws {
        let rig = WakerRig()
        let waker = rig.waker()
        waker.stop()
        try await waker.run()
        waker.post(.clockSynchronised)
        waker.inboxMayHaveChanged()
        #expect(rig.ledger.tables.epochs[.daemon] == .token("first"))
    }
}
