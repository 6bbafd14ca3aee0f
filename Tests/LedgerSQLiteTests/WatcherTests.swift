import Testing
import WakeCore
import WakeService

@testable import LedgerSQLite

@Suite("Noticing the inbox", .timeLimit(.minutes(1)))
struct WatcherTests {
    let scratch = Scratch()

    @Test("a row that another process appends can be seen once it is hinted at")
    func notices() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        var hints = try InboxWatcher(ledger.folder, lookEvery: .seconds(3600)).hints().makeAsyncIterator()
        _ = await hints.next()
        let client = try LedgerClient(at: scratch.ledger)
        for number in 1...5 {
            let row = try client.append(.command(.retryWake(Identifier(high: 1, low: UInt64(number)))))
            _ = await hints.next()
            #expect(try ledger.inbox(after: row - 1, limit: 1).count == 1)
        }
    }

    @Test("without any hint it looks all the same, from time to time")
    func looks() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        var hints = try InboxWatcher(ledger.folder, lookEvery: .milliseconds(5)).hints().makeAsyncIterator()
        for _ in 1...5 { #expect(await hints.next() != nil) }
    }

    @Test("it ends with the task that listens")
    func ends() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let hints = try InboxWatcher(ledger.folder, lookEvery: .milliseconds(5)).hints()
        let task = Task {
            var count = 0
            for await _ in hints { count += 1 }
            return count
        }
        task.cancel()
        _ = await task.value
    }

    @Test("a folder that is not there can't be watched, and that is said")
    func missingFolder() {
        let error = #expect(throws: WakeError.self) { try InboxWatcher(LedgerFolder(scratch.ledger)).hints() }
        #expect(error?.code == .ledgerUnavailable)
    }
}
