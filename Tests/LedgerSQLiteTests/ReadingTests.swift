import GRDB
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Reading and appending beside the daemon")
struct ReadingTests {
    let scratch = Scratch()

    @Test("a sentinel can be left before any daemon has ever run")
    func beforeFirstDaemon() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        let row = try client.append(.request(LedgerStory<SQLiteLedger>.request(1)))
        client.close()
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try ledger.inbox(after: 0, limit: 10).map(\.row) == [row])
        #expect(try ledger.adoptionReason() == nil)
    }

    @Test("a request with problems is refused whole, with every problem named")
    func problems() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        var request = LedgerStory<SQLiteLedger>.request(1)
        request.note = "  "
        request.owes = []
        let error = #expect(throws: WakeError.self) { try client.append(.request(request)) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.cause?.contains("note") == true && error?.cause?.contains("turn") == true)
        #expect(try client.reader.inbox().isEmpty)
    }

    @Test("every request and command comes back as it went in")
    func roundTrip() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        var command = LedgerStory<SQLiteLedger>.request(2, owes: [.notice, .turn])
        command.target = .exec
        command.epoch = nil
        command.command = .init(arguments: ["sh", "-c", "echo \"hi\"\u{7}"], directory: "/tmp")
        command.delay = .microseconds(1_500_001)
        var host = LedgerStory<SQLiteLedger>.request(3)
        host.target = .host
        host.performedByUs = false
        host.epoch = .startedAt(boot: BootID("ab"), microseconds: 5)
        let id = Identifier(high: 3, low: 4)
        let items: [InboxItem] = [
            .request(command), .request(host), .command(.cancelSentinel(id)), .command(.cancelWake(id)), .command(.retryWake(id)),
            .command(.markDelivered(id)),
        ]
        for item in items { _ = try client.append(item) }
        #expect(try client.reader.inbox().map(\.item) == items)
    }

    @Test("rows of other versions and other hands are told as unreadable, with the reason; unknown fields do no harm")
    func strangeRows() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        _ = try client.append(.command(.retryWake(Identifier(high: 1, low: 1))))
        let good = try #require(try client.store.read { try String.fetchOne($0, sql: "SELECT body FROM inbox") })
        let bodies = [
            "not json", #"{"version":2,"request":{}}"#, #"{"version":1,"dance":{}}"#, #"{"version":1,"request":{"id":"short"}}"#,
            #"{"version":1,"command":{"explode":"now"}}"#, good.dropLast() + #","more":[1]}"#,
        ]
        for body in bodies {
            try client.store.write { try $0.execute(sql: "INSERT INTO inbox (body) VALUES (?)", arguments: [String(body)]) }
        }
        try client.store.write { try $0.execute(sql: "INSERT INTO inbox (body) VALUES (x'00ff')") }
        let items = try client.reader.inbox().map(\.item)
        for item in items[1...5] {
            guard case .unreadable(let reason) = item else {
                Issue.record("readable: \(item)")
                continue
            }
            #expect(!reason.isEmpty)
        }
        #expect(items[6] == items[0])
        if case .unreadable = items[7] {} else { Issue.record("a blob was read as \(items[7])") }
    }

    @Test("refused rows are kept with their reason")
    func refused() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let row = try ledger.append(.request(LedgerStory<SQLiteLedger>.request(1)))
        try ledger.commit([.inboxRefused(row: row, reason: "too many")])
        try ledger.commit([.inboxRefused(row: row, reason: "again")])
        #expect(try ledger.reader.refused().map(\.reason) == ["too many"])
    }

    @Test("sentinels and wakes are found by the beginning of their id, if only one begins so")
    func prefixes() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        try story.ask(1)
        try story.ask(2)
        try story.restart()
        let reader = try LedgerClient(at: scratch.ledger).reader
        let full = LedgerStory<SQLiteLedger>.identifier(1).description
        #expect(try reader.sentinel(full).id.description == full)
        let ambiguous = #expect(throws: WakeError.self) { try reader.sentinel(String(full.prefix(8))) }
        #expect(ambiguous?.code == .invalidRequest && ambiguous?.cause?.contains(full) == true)
        let missing = #expect(throws: WakeError.self) { try reader.sentinel("zzzz") }
        #expect(missing?.code == .notFound)
        #expect(throws: WakeError.self) { try reader.wake("") }
        let wake = try #require(try reader.wakes().first)
        #expect(try reader.wake(String(wake.wake.id.description.prefix(6))) == wake)
    }

    @Test("wakes come with deliveries and attempts, and by filter")
    func wakes() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        try story.ask(1)
        try story.restart()
        try story.openGates()
        try story.grantPermits()
        let id = try #require(story.coordinator.deliveries.keys.first)
        try story.run(.attemptEnded(id, .transient(reason: "429", retryAfter: nil)))
        let reader = story.ledger.reader
        let record = try #require(try reader.wakes(.live).first)
        #expect(record.deliveries.map(\.stateName) == ["waiting"])
        #expect(record.attempts.map(\.result) == ["transient: 429"])
        #expect(try reader.wakes(.unresolved).isEmpty)
        #expect(try reader.wakes(.session(record.wake.session)).count == 1)
        #expect(try reader.channels().map(\.state) == [.ready(generation: 1)])
        #expect(try reader.routes().map(\.route) == [LedgerStory<SQLiteLedger>.route])
        #expect(try reader.epochs() == [EpochRecord(target: .daemon, epoch: .token("second"))])
    }

    @Test("a start reads live rows by their own indexes and never walks through what has ended")
    func plans() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        for sql in LiveRows.queries {
            let plan = try ledger.store.read { try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN " + sql) }.map {
                $0["detail"] as String
            }
            #expect(!plan.isEmpty)
            for line in plan where line.hasPrefix("SCAN") {
                #expect(["wake_live", "sentinel_live", "turn_live"].contains { line.contains("USING INDEX \($0)") }, "\(line)")
            }
        }
    }

    @Test("transport sessions are kept by channel, and forgotten on demand")
    func sessions() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(await ledger.loadSession(of: .discord()) == nil)
        await ledger.storeSession("one", of: .discord())
        await ledger.storeSession("two", of: .discord())
        await ledger.storeSession("other", of: .discord("second"))
        #expect(await ledger.loadSession(of: .discord()) == "two")
        await ledger.storeSession(nil, of: .discord())
        #expect(await ledger.loadSession(of: .discord()) == nil)
        #expect(await ledger.loadSession(of: .discord("second")) == "other")
    }
}
