import GRDB
import Glibc
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Disks that fail")
struct FailureTests {
    let scratch = Scratch()

    @Test(
        "a full disk refuses a change whole, promises nothing, and is no reason to stop",
        .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func diskFull() throws {
        let disk = try Tmpfs(kibibytes: 1024)
        var story = LedgerStory(try SQLiteLedger.open(disk.path + "/ledger"))
        try story.ask(1)
        disk.fill()
        var refused: WakeError?
        var asked = 1
        while refused == nil, asked < 2000 {
            asked += 1
            do { try story.ask(asked) } catch { refused = error as? WakeError }
        }
        #expect(refused?.code == .diskFull)
        #expect(refused?.hint?.contains("df") == true)
        #expect(story.coordinator.sentinels.count == asked - 1)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels, "nothing of the refused change is there")
        let other = try LedgerClient(at: disk.path + "/ledger")
        #expect(try other.reader.sentinels(open: true, limit: 10_000).count == asked - 1)
        #expect(throws: WakeError.self) {
            for _ in 0..<50 { _ = try other.append(.request(LedgerStory<SQLiteLedger>.request(1))) }
        }
        disk.unfill()
        try story.ask(asked)
        let path = story.ledger.folder.path
        story.ledger.abandon()
        story.ledger = try SQLiteLedger.open(path)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test(
        "a new ledger on a full disk is refused, and made once there is room",
        .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func noRoomForNew() throws {
        let disk = try Tmpfs(kibibytes: 1024)
        disk.fill()
        let error = #expect(throws: WakeError.self) { try SQLiteLedger.open(disk.path + "/ledger") }
        #expect(error?.code == .diskFull)
        disk.unfill()
        try SQLiteLedger.open(disk.path + "/ledger").close()
    }

    @Test("a daemon starts on a disk that has become full", .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func startsWhileFull() throws {
        let disk = try Tmpfs(kibibytes: 2048)
        var story = LedgerStory(try SQLiteLedger.open(disk.path + "/ledger"))
        for number in 1...50 { try story.ask(number) }
        let path = story.ledger.folder.path
        story.ledger.abandon()
        disk.fill()
        story.ledger = try SQLiteLedger.open(path)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        story.ledger.abandon()
        disk.unfill()
        story.ledger = try SQLiteLedger.open(path)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
    }

    @Test(
        "after a write of unknown outcome the ledger is never used again",
        arguments: [ResultCode.SQLITE_IOERR_FSYNC, .SQLITE_IOERR_WRITE])
    func poisoned(code: ResultCode) throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let error = #expect(throws: WakeError.self) {
            try ledger.store.write { _ in throw DatabaseError(resultCode: code) }
        }
        #expect(error?.code == .outcomeUnknown)
        let story = LedgerStory<SQLiteLedger>.request(1)
        for attempt in [
            { try ledger.commit([.epoch(.host, .token("x"))]) }, { _ = try ledger.append(.request(story)) },
            { _ = try ledger.load(endedWakesSince: StillMoments.start) }, { _ = try ledger.inbox(after: 0, limit: 1) },
        ] as [() throws -> Void] {
            let again = #expect(throws: WakeError.self) { try attempt() }
            #expect(again?.code == .outcomeUnknown)
        }
        ledger.abandon()
        try SQLiteLedger.open(scratch.ledger).close()
    }

    @Test("errors before anything was written leave the ledger usable", arguments: [ResultCode.SQLITE_FULL, .SQLITE_BUSY])
    func knownOutcome(code: ResultCode) throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(throws: WakeError.self) { try ledger.store.write { _ in throw DatabaseError(resultCode: code) } }
        try ledger.commit([.epoch(.host, .token("x"))])
    }

    @Test("a write-ahead log that was cut off or damaged loses the tail, never the middle", arguments: [0.25, 0.5, 0.9])
    func damagedLog(fraction: Double) throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for number in 1...40 { try story.ask(number) }
        let folder = story.ledger.folder
        story.ledger.abandon()
        let log = try bytes(of: folder.logPath)
        try write(Array(log.prefix(Int(Double(log.count) * fraction))), to: folder.logPath)
        unlink(folder.databasePath + "-shm")
        story.ledger = try SQLiteLedger.open(folder.path)
        let found = try story.loaded().sentinels
        #expect(found.count < 40)
        for number in 1...max(1, found.count) where !found.isEmpty {
            #expect(found[LedgerStory<SQLiteLedger>.identifier(UInt64(number))] != nil, "a prefix of what was committed")
        }
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test("a database that was cut off is reported as damaged, never replaced", arguments: [0.3, 0.7])
    func cutDatabase(fraction: Double) throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for number in 1...60 { try story.ask(number) }
        let folder = story.ledger.folder
        story.ledger.close()
        let whole = try bytes(of: folder.databasePath)
        try write(Array(whole.prefix(Int(Double(whole.count) * fraction))), to: folder.databasePath)
        #expect(try reports(folder))
    }

    @Test("damage to a page is found where it hurts, or by the check", arguments: [5, 110, 4096])
    func damagedPage(offset: Int) throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for number in 1...60 { try story.ask(number) }
        let folder = story.ledger.folder
        story.ledger.close()
        var whole = try bytes(of: folder.databasePath)
        for index in offset..<offset + 64 { whole[index] ^= 0x55 }
        try write(whole, to: folder.databasePath)
        #expect(try reports(folder))
    }

    @Test("one flipped bit in what somebody wrote is found, and the row is named")
    func flippedBit() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for number in 1...9 { try story.ask(number) }
        let folder = story.ledger.folder
        story.ledger.close()
        var whole = try bytes(of: folder.databasePath)
        let text = Array("go on with step 7".utf8)
        let place = try #require(whole.indices.first { Array(whole[$0...].prefix(text.count)) == text })
        for bit in [0, 1] {
            whole[place] ^= 1 << bit
            try write(whole, to: folder.databasePath)
            let ledger = try SQLiteLedger.open(folder.path)
            let error = #expect(throws: WakeError.self) { try ledger.load(endedWakesSince: StillMoments.start) }
            #expect(error?.code == .ledgerCorrupt)
            #expect(error?.message.contains(LedgerStory<SQLiteLedger>.identifier(7).description) == true)
            #expect(ledger.check().problems.contains { $0.contains("damaged") })
            ledger.close()
            whole = try bytes(of: folder.databasePath)
            whole[place] ^= 1 << bit
        }
    }

    /// Whether opening, loading or checking says that the ledger is not sound.
    private func reports(_ folder: LedgerFolder) throws -> Bool {
        do {
            let ledger = try SQLiteLedger.open(folder.path)
            defer { ledger.abandon() }
            if !ledger.check().problems.isEmpty { return true }
            _ = try ledger.load(endedWakesSince: StillMoments.start)
            return false
        } catch {
            let failure = error
            #expect(failure.hint != nil)
            return [.ledgerCorrupt, .notALedger, .ledgerNewer].contains(failure.code)
        }
    }

    @Test("a cancelled task does not undo what it committed")
    func cancellation() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            #expect(Task.isCancelled)
            var story = LedgerStory(ledger)
            try story.ask(1)
            _ = try ledger.append(.request(LedgerStory<SQLiteLedger>.request(2)))
            await ledger.storeSession("kept", of: .discord())
        }
        try await task.value
        #expect(try LedgerStory(ledger).loaded().sentinels.count == 1)
        #expect(try ledger.inbox(after: 0, limit: 9).count == 1)
        #expect(await ledger.loadSession(of: .discord()) == "kept")
    }
}
