import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("Test doubles")
struct DoublesTests {
    private let route = Route(channel: .discord(), kind: .channel, destination: "1234")

    @Test("the ledger in memory is a ledger")
    func ledger() throws {
        try LedgerConformance(
            make: { InMemoryLedger() },
            reopen: { ledger in
                ledger.crash()
                ledger.checkpoint()
                return ledger
            }
        ).check()
    }

    @Test("the ledger in memory keeps what it acknowledged through a power cut")
    func ledgerThroughPowerCuts() throws {
        var random = SplitMix(seed: 7)
        try LedgerConformance(
            make: { InMemoryLedger() },
            reopen: { ledger in
                ledger.powerCut(&random)
                return ledger
            }
        ).check()
    }

    @Test("a ledger that does not sync loses what it acknowledged in a power cut, and nothing in a crash")
    func unsynced() throws {
        var random = SplitMix(seed: 3)
        var lost = 0
        for _ in 0..<20 {
            let ledger = InMemoryLedger(syncsEachCommit: false)
            for number in 0..<5 { try ledger.commit([.epoch(.unit("u\(number)"), .token("e"))]) }
            ledger.crash()
            #expect(ledger.tables.epochs.count == 5)
            lost += ledger.powerCut(&random)
            let left = ledger.tables.epochs.keys.map(\.description).sorted()
            #expect(left == (0..<left.count).map { "unit:u\($0)" }, "what follows a torn one is not read")
        }
        #expect(lost > 20)
    }

    @Test("faults come when asked for, and say what they must")
    func faults() throws {
        let ledger = InMemoryLedger()
        let changes = [Change.epoch(.host, .token("e"))]
        ledger.setFull(true)
        #expect(throws: WakeError.self) { try ledger.commit(changes) }
        #expect(ledger.tables.epochs.isEmpty)
        ledger.setFull(false)
        for (fault, isThere) in [(InMemoryLedger.Fault.failedBeforeWriting, false), (.failedAfterSyncing, true)] {
            ledger.failNext(fault)
            do throws(WakeError) {
                try ledger.commit(changes)
                Issue.record("no error")
            } catch { #expect(error.code == .outcomeUnknown) }
            #expect(ledger.tables.epochs.isEmpty == !isThere)
        }
        try ledger.commit(changes)
        #expect(ledger.takeCommitted() == changes)
    }

    @Test("the scripted transport is a transport")
    func transport() async throws {
        let transport = ScriptedNoticeTransport()
        try await NoticeTransportConformance(transport, route: route) { order in
            transport.sent.count { $0.trailer == order.trailer }
        }.check()
        #expect(transport.permits.isEmpty)
    }

    @Test("a permit that is held back is waited for, granted later, and given up when its task is cancelled")
    func permits() async {
        let transport = ScriptedNoticeTransport()
        let id = DeliveryID(wake: WakeID(high: 1, low: 1), kind: .notice)
        transport.grantsPermits(false)
        async let granted = transport.acquirePermit(id, over: route)
        let cancelled = Task { await transport.acquirePermit(DeliveryID(wake: id.wake, kind: .turn), over: route) }
        cancelled.cancel()
        #expect(await cancelled.value == false)
        transport.grantsPermits(true)
        #expect(await granted)
    }

    @Test("scripts are followed in order")
    func scripts() async throws {
        let check = ScriptedRouteCheck()
        check.script(route, [.blocked(reason: "missing permission"), .gone(reason: "unknown channel")])
        #expect(await check.check(route) == .blocked(reason: "missing permission"))
        #expect(await check.check(route) == .gone(reason: "unknown channel"))
        #expect(await check.check(route) == .gone(reason: "unknown channel"))
        try await RouteCheckConformance(check).check(
            ready: Route(channel: .discord(), kind: .channel, destination: "1"), gone: route)
        let restarter = ScriptedRestarter(results: [.refused(reason: "denied")])
        try await RestarterConformance(restarter).check(mine: [.daemon, .exec], others: [])
        #expect(!restarter.restarts(.host))
    }

    @Test("a manual clock lets a test wait for the fact that somebody waits")
    func clock() async {
        let clock = ManualMoments()
        let due = clock.now().advanced(by: .seconds(5)).boottimeMicroseconds
        let waiter = Task { await clock.wait(untilBoottimeMicroseconds: due) }
        await clock.waitUntilArmed(atBoottimeMicroseconds: due)
        #expect(clock.deadlines == [due])
        clock.advance(by: .seconds(4))
        #expect(clock.deadlines == [due])
        clock.advance(by: .seconds(1))
        await waiter.value
        #expect(clock.deadlines.isEmpty)
        let cancelled = Task { await clock.wait(untilBoottimeMicroseconds: .max) }
        await clock.waitUntilArmed()
        cancelled.cancel()
        await cancelled.value
        await clock.wait(untilBoottimeMicroseconds: 0)
    }

    @Test("dice of the same seed fall alike")
    func dice() {
        var (one, two) = (SeededDice(seed: 4).roll(), SeededDice(seed: 4).roll())
        #expect(one.identifier() == two.identifier())
        var random = SplitMix(seed: 1)
        #expect((0..<1000).allSatisfy { _ in (3...5).contains(random.within(3...5)) })
        #expect((0..<1000).allSatisfy { _ in (0..<7).contains(random.below(7)) })
        #expect(random.below(0) == 0)
    }
}
