import Glibc
import Testing
import WakeCore
import WakeService

@testable import LedgerSQLite

@Suite("One daemon, many command lines")
struct LockTests {
    let scratch = Scratch()

    @Test("a second daemon is refused with the pid of the first, until that has ended")
    func secondDaemon() throws {
        let first = try SQLiteLedger.open(scratch.ledger, instance: "i-1")
        let error = #expect(throws: WakeError.self) { try SQLiteLedger.open(scratch.ledger) }
        #expect(error?.code == .ledgerLocked)
        #expect(error?.message.contains("process \(getpid())") == true)
        #expect(error?.hint != nil)
        first.abandon()
        try SQLiteLedger.open(scratch.ledger).close()
    }

    @Test("a command line sees whether a daemon lives, and which")
    func probe() throws {
        #expect(try LedgerClient.daemon(at: scratch.ledger) == nil)
        let ledger = try SQLiteLedger.open(scratch.ledger, instance: "i-1")
        let client = try LedgerClient(at: scratch.ledger)
        #expect(try client.daemon() == InstanceHolder(pid: getpid(), instance: "i-1"))
        // Looking takes nothing away.
        #expect(try client.daemon() != nil)
        ledger.close()
        #expect(try client.daemon() == nil)
    }

    @Test("a shorter text in the lock's file leaves nothing of a longer one")
    func lockText() throws {
        try SQLiteLedger.open(scratch.ledger, instance: String(repeating: "x", count: 100)).close()
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try LedgerClient.daemon(at: scratch.ledger) == InstanceHolder(pid: getpid(), instance: nil))
        ledger.close()
    }

    @Test("a command line that closes last leaves the write-ahead log alone")
    func clientLeavesLog() throws {
        try SQLiteLedger.open(scratch.ledger).close()
        let client = try LedgerClient(at: scratch.ledger)
        _ = try client.append(.command(.retryWake(Identifier(high: 1, low: 1))))
        client.close()
        #expect((LedgerFolder.status(client.folder.logPath)?.st_size ?? 0) > 0)
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try ledger.inbox(after: 0, limit: 9).count == 1)
    }

    @Test("a start moves everything into the database before it answers, and so does a clean end")
    func checkpoints() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        _ = try client.append(.command(.retryWake(Identifier(high: 1, low: 1))))
        client.close()
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let size = LedgerFolder.status(ledger.folder.logPath)?.st_size ?? 0
        #expect(size < 40_000, "only what the new generation wrote")
        ledger.close()
        #expect(LedgerFolder.status(ledger.folder.logPath)?.st_size ?? 0 == 0)
    }

    @Test("many writers at once lose nothing")
    func concurrentAppends() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let path = scratch.ledger
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let client = try LedgerClient(at: path)
                    for number in 0..<25 {
                        _ = try client.append(.command(.retryWake(Identifier(high: UInt64(writer), low: UInt64(number)))))
                    }
                }
            }
            try await group.waitForAll()
        }
        let rows = try ledger.inbox(after: 0, limit: 1000)
        #expect(rows.count == 100 && Set(rows.map(\.item)).count == 100)
    }
}
