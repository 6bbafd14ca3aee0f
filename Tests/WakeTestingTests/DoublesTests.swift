import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("Test doubles")
struct DoublesTests {
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
