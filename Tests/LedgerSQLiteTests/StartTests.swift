import Foundation
import GRDB
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("The daemon's lives, as the ledger keeps them")
struct StartTests {
    let scratch = Scratch()

    private func later(_ seconds: Int) -> Moment { StillMoments.start.advanced(by: .seconds(seconds)) }

    @Test("each life is told to the next: how it ended, and when it was last known to live")
    func lives() throws {
        let first = try SQLiteLedger.open(scratch.ledger, instance: "one")
        #expect(try first.startBook() == StartBook(previous: []))
        try first.noteAlive(at: later(60))
        try first.endStart(kind: .planned, reason: "asked", at: later(61))
        first.close()
        let second = try SQLiteLedger.open(scratch.ledger, instance: "two")
        try second.noteAlive(at: later(90))
        second.abandon()
        let third = try SQLiteLedger.open(scratch.ledger, instance: "three")
        let one = StartRecord(
            instance: "one", started: StillMoments.start, alive: later(61), ended: .init(.planned, reason: "asked", at: later(61))
        )
        let two = StartRecord(instance: "two", started: StillMoments.start, alive: later(90))
        #expect(try third.startBook().previous == [two, one])
        #expect(try LedgerClient(at: scratch.ledger).reader.starts().map(\.instance) == ["three", "two", "one"])
        #expect(try third.reader.starts(limit: 1).count == 1)
    }

    @Test("the beginning of the machine's end is noted, and forgotten where it was called off")
    func shutdown() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger, instance: "one")
        try ledger.noteShutdown(isBeginning: true, at: later(5))
        #expect(try ledger.reader.starts().first?.shutdown == later(5))
        #expect(try ledger.reader.starts().first?.alive == later(5))
        try ledger.noteShutdown(isBeginning: false, at: later(6))
        #expect(try ledger.reader.starts().first?.shutdown == nil)
    }

    @Test("who opens the ledger without being the daemon is no life")
    func noDaemon() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        try ledger.noteAlive(at: later(1))
        #expect(try ledger.reader.starts().isEmpty)
        try ledger.endStart(kind: .stopped, reason: "", at: later(2))
        #expect(try ledger.reader.starts().isEmpty)
    }

    @Test("noting the start costs no commit of its own")
    func oneCommit() throws {
        try SQLiteLedger.open(scratch.ledger, instance: "one").close()
        let ledger = try SQLiteLedger.open(scratch.ledger, instance: "two")
        defer { ledger.abandon() }
        #expect(try ledger.reader.starts().count == 2)
        // A frame of the log that ends a commit tells the database's size (sqlite.org/fileformat2.html, 4.1).
        let log = try Data(contentsOf: URL(fileURLWithPath: ledger.folder.logPath))
        let frames = stride(from: 32, to: log.count, by: 24 + 4096)
        #expect(frames.filter { log[($0 + 4)..<($0 + 8)].contains { $0 != 0 } }.count == 1)
    }

    @Test("the oldest lives are forgotten")
    func bounded() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        try ledger.store.write { database in
            let life = DaemonLife(instance: "many", started: StillMoments.start)
            for _ in 0..<DaemonLife.maximumRows + 7 { try life.begin(database) }
        }
        #expect(
            try ledger.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM daemon_start") } == DaemonLife.maximumRows)
        ledger.close()
        let last = try SQLiteLedger.open(scratch.ledger, instance: "last")
        #expect(try last.startBook().previous.count == StartBook.maximumPrevious)
    }

    @Test("a start on a full disk is noted once there is room", .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func fullDisk() throws {
        let disk = try Tmpfs(kibibytes: 2048)
        try SQLiteLedger.open(disk.path + "/ledger", instance: "one").abandon()
        disk.fill()
        let ledger = try SQLiteLedger.open(disk.path + "/ledger", instance: "two")
        defer { ledger.abandon() }
        #expect(try ledger.startBook().previous.map(\.instance) == ["one"] || ledger.startBook().previous.isEmpty)
        disk.unfill()
        try ledger.noteAlive(at: later(60))
        let last = try #require(try ledger.reader.starts().first)
        #expect(last.instance == "two" && last.alive == later(60) && last.started == StillMoments.start)
    }

    @Test("a change of a later version's end is told as an end that is not known, never as an error")
    func unknownKind() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger, instance: "one")
        try ledger.endStart(kind: .stopped, reason: "because", at: later(1))
        try ledger.store.write { try $0.execute(sql: "UPDATE daemon_start SET kind = 'vanished'") }
        #expect(try ledger.reader.starts().map(\.ended) == [nil])
    }

    // MARK: Sessions and restarts

    @Test("sessions are listed by recency, with their open wakes and the last route")
    func sessions() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        #expect(try story.ledger.reader.sessions().isEmpty)
        try story.ask(1)
        let session = LedgerStory<SQLiteLedger>.request(1).session
        #expect(try story.ledger.reader.sessions().map(\.liveWakes) == [0])
        try story.restart()
        let found = try #require(try story.ledger.reader.sessions().first)
        #expect(found.session == session && found.liveWakes == 1 && found.route == LedgerStory<SQLiteLedger>.route)
        #expect(found.lastMilliseconds > 0)
        try story.ledger.store.write {
            try $0.execute(
                sql: """
                    INSERT INTO sentinel (id, session, target, state, requested_ms, body)
                    VALUES ('x', 'agent:other:main', 'self', 'armed', ?, 'no json')
                    """, arguments: [found.lastMilliseconds + 1])
        }
        let both = try story.ledger.reader.sessions()
        #expect(both.map(\.session.description) == ["agent:other:main", session.description])
        #expect(both.first?.route == nil)
        #expect(try story.ledger.reader.sessions(limit: 1).count == 1)
    }

    @Test("the history of restarts tells each promise: what, when asked, when over, and how it came out")
    func restarts() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        try story.ask(1)
        let open = try #require(try story.ledger.reader.restarts().first)
        #expect(open.ended == nil && open.cause == nil && open.target == .daemon)
        try story.restart()
        try story.ask(2)
        let history = try story.ledger.reader.restarts()
        #expect(history.count == 2 && history[0].sentinel == LedgerStory<SQLiteLedger>.identifier(2))
        #expect(history[1].state == "fired" && history[1].ended != nil && history[1].wake != nil && history[1].cause != nil)
        #expect(try story.ledger.reader.restarts(limit: 1).count == 1)
    }
}
