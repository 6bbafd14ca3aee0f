import GRDB
import Glibc
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Backups, copies and what is old")
struct CareTests {
    let scratch = Scratch()
    var folder: LedgerFolder { LedgerFolder(scratch.ledger) }

    private func owing() throws -> LedgerStory<SQLiteLedger> {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        try story.ask(1)
        try story.restart()
        try story.openGates()
        try story.grantPermits()
        try story.ask(2, session: "agent:other:discord:channel:1234")
        return story
    }

    private func states(_ ledger: SQLiteLedger) throws -> [String] {
        try ledger.reader.wakes(.all).flatMap(\.deliveries).map(\.stateName)
    }

    @Test("restarts of the daemon, clean or not, are no copies")
    func restarts() throws {
        var story = try owing()
        for round in 1...6 {
            if round.isMultiple(of: 2) { story.ledger.close() } else { story.ledger.abandon() }
            story.ledger = try SQLiteLedger.open(scratch.ledger)
            #expect(try story.ledger.adoptionReason() == nil)
        }
        #expect(try story.loaded().deliveries == story.coordinator.deliveries)
    }

    @Test("a start that was cut off between its two writes is no copy")
    func cutOffStart() throws {
        let story = try owing()
        story.ledger.abandon()
        let written = try #require(GenerationFile(folder: folder).read())
        try GenerationFile(folder: folder).write("next", previous: written.generation)
        #expect(try SQLiteLedger.open(scratch.ledger).adoptionReason() == nil)
    }

    @Test("a restored backup owes nothing until it is adopted, and then looks for receipts first")
    func restored() throws {
        var story = try owing()
        let backup = scratch.path + "/backup.sqlite"
        let row = try story.ledger.append(.request(LedgerStory<SQLiteLedger>.request(9)))
        try story.ledger.backUp(to: backup)
        story.ledger.close()
        try write(try bytes(of: backup), to: folder.databasePath)
        story.ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try story.ledger.adoptionReason()?.contains("restored") == true)
        #expect(try states(story.ledger) == ["unresolved"])
        #expect(try story.loaded(since: story.now.advanced(by: .seconds(9))).deliveries.isEmpty)
        #expect(try story.loaded().sentinels.isEmpty)
        #expect(story.ledger.check().problems.isEmpty)

        #expect(try story.ledger.inbox(after: 0, limit: 9).isEmpty, "the original has long applied it")
        #expect(try story.ledger.reader.inbox().map(\.row) == [row])
        let later = try story.ledger.append(.request(LedgerStory<SQLiteLedger>.request(10)))
        #expect(try story.ledger.inbox(after: 0, limit: 9).map(\.row) == [later])

        // Still held after another start; what is new goes its way.
        story.ledger.close()
        story.ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try story.ledger.adoptionReason() != nil)
        story.coordinator = try story.loaded()
        try story.ask(3)
        #expect(try story.loaded().sentinels.count == 1)

        let adopted = try story.ledger.adopt()
        #expect(adopted == .init(deliveries: 1, sentinels: 1))
        #expect(try story.ledger.adoptionReason() == nil)
        #expect(try story.ledger.inbox(after: 0, limit: 9).map(\.row) == [row, later])
        #expect(try states(story.ledger) == ["reconciling"])
        let loaded = try story.loaded()
        #expect(loaded.sentinels.count == 2)
        #expect(loaded.deliveries.values.allSatisfy { $0.firstUnresolvedAttemptAt != nil })
        #expect(try story.ledger.adopt() == .init(deliveries: 0, sentinels: 0))
    }

    @Test("what an operator has settled while a ledger was held stays settled when it is adopted")
    func settledBeforeAdoption() throws {
        var story = try owing()
        story.ledger.close()
        unlink(folder.generationPath)
        story.ledger = try SQLiteLedger.open(scratch.ledger)
        story.coordinator = try story.loaded(since: story.now.advanced(by: .seconds(9)))
        let id = try #require(try story.ledger.reader.wakes(.unresolved).first?.wake.id)
        try story.run(.commanded(.markDelivered(id), ended: try story.ledger.endedWake(id), inboxRow: nil))
        #expect(try states(story.ledger) == ["delivered"])
        #expect(try story.ledger.adopt().deliveries == 0)
        #expect(try states(story.ledger) == ["delivered"])
    }

    @Test("a copied folder, and one from another machine, are held")
    func copied() throws {
        try owing().ledger.close()
        let copy = LedgerFolder(scratch.path + "/copy")
        mkdir(copy.path, 0o700)
        try write(try bytes(of: folder.databasePath), to: copy.databasePath)
        try write(try bytes(of: folder.generationPath), to: copy.generationPath)
        #expect(try SQLiteLedger.open(copy.path).adoptionReason()?.contains("copied") == true)
        let other = try SQLiteLedger(
            at: scratch.ledger, moments: StillMoments(), identity: LedgerIdentity(machine: "another", nextGeneration: "g"))
        #expect(try other.adoptionReason()?.contains("another machine") == true)
    }

    @Test("a backup is whole, durable, private, and never overwrites")
    func backup() throws {
        var story = try owing()
        let path = scratch.path + "/backup.sqlite"
        try LedgerClient(at: scratch.ledger).backUp(to: path)
        try story.ask(3)
        #expect(LedgerFolder.status(path).map { $0.st_mode & 0o777 } == 0o600)
        #expect(LedgerFolder.status(path + "-wal") == nil)
        let before = try bytes(of: path)
        let error = #expect(throws: WakeError.self) { try story.ledger.backUp(to: path) }
        #expect(error?.code == .ledgerUnavailable && error?.hint?.contains("another file") == true)
        #expect(try bytes(of: path) == before)
        let copy = try DatabaseQueue(path: path)
        #expect(try copy.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sentinel") } == 2)
    }

    @Test("what ended long ago goes in small bites; what lives, awaits adoption or is young stays")
    func retention() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for round in 1...30 {
            try story.ask(round)
            try story.restart(as: "i\(round)")
            try story.deliverAll()
        }
        let old = story.now
        story.now = story.now.advanced(by: .seconds(3600))
        try story.ask(100)
        try story.restart(as: "young")
        try story.deliverAll()
        try story.ask(101)
        try story.restart(as: "live")
        var bites: [Int] = []
        while let bite = Optional(try story.ledger.prune(endedBefore: old, limit: 8)), bite > 0 { bites.append(bite) }
        #expect(bites.reduce(0, +) == 61 && bites.allSatisfy { $0 <= 24 })
        #expect(try story.ledger.reader.wakes(.all).count == 2)
        #expect(try story.ledger.reader.sentinels().count == 2)
        #expect(try story.ledger.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM attempt") } == 1)
        #expect(try story.loaded().deliveries == story.coordinator.deliveries)
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test("a sound ledger has nothing to complain of, and tells what it is")
    func soundReport() throws {
        let story = try owing()
        let report = story.ledger.check()
        #expect(report.problems.isEmpty)
        #expect(report.schema == 3 && report.minReader == 3 && report.databaseBytes > 0)
        #expect(report.counts?.openSentinels == 1 && report.counts?.liveDeliveries == ["sending": 1])
    }

    @Test("a check names rows that break the rules")
    func unsoundReport() throws {
        let story = try owing()
        try story.ledger.store.write { database in
            try database.execute(sql: "DELETE FROM wake; UPDATE sentinel SET body = '{}', sum = NULL WHERE ended_ms IS NULL")
        }
        let problems = story.ledger.check().problems
        #expect(problems.contains { $0.contains("belongs to no wake") })
        #expect(problems.contains { $0.contains("can't be read") })
        let error = #expect(throws: WakeError.self) { try story.ledger.load(endedWakesSince: StillMoments.start) }
        #expect(error?.code == .ledgerCorrupt)
    }

    @Test("a long write-ahead log is folded into the database while the daemon runs")
    func longLog() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        for number in 0..<3000 { try ledger.commit([.epoch(.unit("u\(number % 7)"), .token("\(number)"))]) }
        let size = LedgerFolder.status(ledger.folder.logPath)?.st_size ?? 0
        #expect(size > 0 && size < 6 << 20)
    }
}
