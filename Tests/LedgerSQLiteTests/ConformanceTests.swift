import Synchronization
import Testing
import WakeService
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

    @Test("the inbox keeps its promises, for the daemon and for any other process")
    func inbox() async throws {
        for asClient in [false, true] {
            let scratch = Scratch()
            let ledger = try SQLiteLedger.open(scratch.ledger)
            let inbox: any Inbox = asClient ? try LedgerClient(at: scratch.ledger) : ledger
            try await InboxConformance(inbox, rows: { try ledger.inbox(after: 0, limit: 100) }).check()
            ledger.close()
        }
    }

    @Test("the session store keeps its promises")
    func sessions() async throws {
        let scratch = Scratch()
        let ledger = try SQLiteLedger.open(scratch.ledger)
        try await SessionStoreConformance(ledger).check()
        ledger.close()
    }
}
