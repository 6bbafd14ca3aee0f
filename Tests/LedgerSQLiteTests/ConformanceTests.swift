import Synchronization
import Testing
import WakeTesting

@testable import LedgerSQLite

@Suite("The ledger port, kept by SQLite")
struct ConformanceTests {
    @Test(
        "every promise of the port holds, whether the ledger is closed or abandoned before it is opened again",
        arguments: [true, false])
    func conforms(isClosed: Bool) throws {
        let scratches = Mutex<[Scratch]>([])
        let suite = LedgerConformance<SQLiteLedger>(
            make: {
                let scratch = Scratch()
                scratches.withLock { $0.append(scratch) }
                return try .open(scratch.ledger)
            },
            reopen: { ledger in
                if isClosed { ledger.close() } else { ledger.abandon() }
                return try .open(ledger.folder.path)
            })
        try suite.check()
    }

    @Test("the double in memory keeps the same promises, or tests with it would prove nothing")
    func doubleConforms() throws {
        try LedgerConformance<InMemoryLedger>(
            make: { InMemoryLedger() },
            reopen: { ledger in
                ledger.crash()
                return ledger
            }
        ).check()
    }
}
