import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker on a full disk", .timeLimit(.minutes(1)))
struct FullDiskTests {
    private func advanceToRetry(_ rig: WakerRig, withRoom: Bool = false) async {
        let retry = rig.moments.now().advanced(by: .seconds(1)).boottimeMicroseconds
        await rig.moments.waitUntilArmed(atBoottimeMicroseconds: retry)
        if withRoom { rig.ledger.setFull(false) }
        rig.moments.advance(by: .seconds(1))
    }

    @Test("a receipt waits in memory until it can be written, and nothing is begun meanwhile")
    func receiptWaits() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        try await rig.held { _, id in
            rig.openGate()
            await rig.transport.waitForSends(1)
            rig.ledger.setFull(true)
            rig.transport.finish(id, with: .accepted(Receipt(id: "6", source: .reply)))
            await rig.log.wait(forMessage: "the ledger is full")
            #expect(rig.state(of: id) == "sending")
            await advanceToRetry(rig)
            await advanceToRetry(rig)
            await advanceToRetry(rig, withRoom: true)
            await rig.log.wait(forMessage: "room again")
            #expect(rig.state(of: id) == "delivered")
        }
        #expect(rig.log.lines.value.count { $0.message.contains("is full") } == 1, "said once")
    }

    @Test("an inbox row that can't be applied stays, and is applied when there is room")
    func rowStays() async throws {
        let rig = WakerRig()
        try await rig.life { waker in
            try rig.ledger.append(rig.request())
            rig.ledger.setFull(true)
            waker.inboxMayHaveChanged()
            await rig.log.wait(forMessage: "the ledger is full")
            #expect(rig.ledger.tables.inbox.count == 1 && rig.restarter.performed.isEmpty)
            await advanceToRetry(rig, withRoom: true)
            await rig.restarter.waitForRestarts(1)
        }
        #expect(rig.ledger.tables.inbox.isEmpty)
    }

    @Test("a permit that was had at once keeps its place while the disk is full, and is used when there is room")
    func takenPermit() async throws {
        let rig = WakerRig()
        rig.transport.needNoWait()
        try await rig.held { _, id in
            rig.ledger.setFull(true)
            rig.openGate()
            await rig.log.wait(forMessage: "the ledger is full")
            #expect(rig.transport.sent.isEmpty && rig.state(of: id) == "held")
            #expect(rig.transport.heldPermits == [id])
            await advanceToRetry(rig, withRoom: true)
            await rig.transport.waitForSends(1)
        }
        #expect(rig.transport.sent.count == 1)
        #expect(!rig.transport.calls.contains { if case .sentWithoutPermit = $0 { true } else { false } })
    }

    /// Takes each turn at once.
    private final class EagerSink: TurnSink {
        let started = Witness<[DeliveryID]>([])
        func serves(_ session: SessionKey, over channel: ChannelName) -> Bool { true }
        func start(_ order: SendOrder) async -> Outcome {
            started.change { $0.append(order.delivery) }
            return .accepted(Receipt(kind: .run, id: "r", source: .reply))
        }
        func search(_ order: SearchOrder) async -> ReceiptSearch { .absent }
    }

    @Test("a turn, which needs no permit, is started once there is room")
    func turn() async throws {
        var rig = WakerRig()
        let sink = EagerSink()
        rig.turns = [sink]
        var request = try rig.request()
        request.epoch = .token("an earlier life")
        request.owes = [.turn]
        try rig.ledger.append(request)
        try await rig.life { [rig] _ in
            let id = try await rig.delivery()
            rig.ledger.setFull(true)
            rig.openGate()
            await rig.log.wait(forMessage: "the ledger is full")
            #expect(sink.started.value.isEmpty && rig.state(of: id) == "held")
            await advanceToRetry(rig, withRoom: true)
            await sink.started.wait { $0 == [id] }
        }
    }

    @Test("a permit that came while the disk was full sends nothing if the gate has closed since")
    func gateClosedMeanwhile() async throws {
        let rig = WakerRig(grantsAtOnce: false)
        try await rig.held { _, id in
            rig.openGate()
            await rig.transport.wait { $0.contains(.asked(id)) }
            rig.ledger.setFull(true)
            rig.transport.grant(id)
            await rig.log.wait(forMessage: "the ledger is full")
            rig.bus.report(.discord(), .connecting)
            rig.bus.report(.discord(), .down(reason: "gone", retryAt: nil))
            // The waker has heard of both once it has heard of what comes after them.
            rig.bus.reportReceipt(id, Receipt(id: "none", source: .echo))
            await advanceToRetry(rig, withRoom: true)
            await rig.log.wait(forMessage: "room again")
            await rig.transport.wait { $0.contains(.released(id)) }
        }
        #expect(rig.transport.sent.isEmpty && rig.transport.heldPermits.isEmpty)
    }

    @Test("a start on a full disk recovers when there is room, and sends nothing before")
    func fullAtStart() async throws {
        let rig = WakerRig()
        var request = try rig.request()
        request.epoch = .token("an earlier life")
        try rig.ledger.append(request)
        rig.ledger.setFull(true)
        rig.openGate()
        try await rig.life { _ in
            await rig.log.wait(forMessage: "the ledger is full")
            #expect(rig.transport.calls.isEmpty)
            await advanceToRetry(rig, withRoom: true)
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.transport.sent.count == 1)
    }

    @Test("at a stop, what waited for room is tried once more")
    func stopTriesAgain() async throws {
        let rig = WakerRig()
        rig.transport.holdSends()
        let id = Witness<DeliveryID?>(nil)
        try await rig.held { _, delivery in
            id.change { $0 = delivery }
            rig.openGate()
            await rig.transport.waitForSends(1)
            rig.ledger.setFull(true)
            rig.transport.finish(delivery, with: .accepted(Receipt(id: "6", source: .reply)))
            await rig.log.wait(forMessage: "the ledger is full")
            rig.ledger.setFull(false)
        }
        #expect(rig.state(of: try #require(id.value)) == "delivered")
    }
}
