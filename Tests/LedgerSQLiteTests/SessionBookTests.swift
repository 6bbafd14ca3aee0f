import GRDB
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Sessions, as the ledger keeps them")
struct SessionBookTests {
    let scratch = Scratch()

    private static func news(
        _ number: Int, at milliseconds: Int64, _ origin: SessionNews.Origin = .person, route: Route? = nil
    ) throws -> SessionNews {
        SessionNews(
            session: try SessionKey("agent:infra:discord:channel:\(number)"), route: route, atMilliseconds: milliseconds,
            origin: origin)
    }

    private static let route = Route(channel: .discord(), kind: .channel, destination: "900")

    @Test("what was heard last counts, and what names no place leaves the place that is known")
    func latest() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        try ledger.noteSessions([])
        #expect(try ledger.reader.sessions().isEmpty)
        try ledger.noteSessions([try Self.news(1, at: 1_000, route: Self.route), try Self.news(2, at: 2_000)])
        #expect(try ledger.reader.sessions().map(\.lastMilliseconds) == [2_000, 1_000])
        try ledger.noteSessions([try Self.news(1, at: 3_000, .turn)])
        let first = try #require(try ledger.reader.sessions().first)
        #expect(first.route == Self.route && first.origin == .turn && first.lastMilliseconds == 3_000 && first.liveWakes == 0)
        try ledger.noteSessions([try Self.news(1, at: 500, .wake)])
        #expect(try ledger.reader.sessions().first == first, "older news change nothing")
        ledger.close()
        #expect(try LedgerClient(at: scratch.ledger).reader.sessions().first == first)
    }

    @Test("no more are kept than the limit, the latest")
    func limit() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let many = try (0..<SQLiteLedger.maximumSessions + 5).map { try Self.news($0, at: Int64($0)) }
        try ledger.noteSessions(many)
        let count = try ledger.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM session") }
        #expect(count == SQLiteLedger.maximumSessions)
        let oldest = try ledger.store.read { try Int64.fetchOne($0, sql: "SELECT min(last_ms) FROM session") }
        #expect(oldest == 5)
    }

    @Test("a session that a wake names and one that was heard of are one, by the latest of both")
    func joined() throws {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        try story.ask(1)
        try story.restart()
        let known = try #require(try story.ledger.reader.sessions().first)
        #expect(known.origin == nil)
        var news = try Self.news(1, at: known.lastMilliseconds + 1)
        news.session = known.session
        try story.ledger.noteSessions([news])
        let rows = try story.ledger.reader.sessions()
        #expect(rows.count == 1 && rows[0].lastMilliseconds == known.lastMilliseconds + 1)
        #expect(rows[0].origin == .person && rows[0].liveWakes == known.liveWakes && rows[0].route == known.route)
    }

    @Test("a request that waits in the inbox is found by its id, however many wait before it")
    func pending() throws {
        let client = try LedgerClient(at: scratch.ledger, createIfMissing: true)
        for number in 1...1_005 { _ = try client.append(.request(LedgerStory<SQLiteLedger>.request(number))) }
        var message = LedgerStory<SQLiteLedger>.request(2_000)
        message.target = .nothing
        message.performedByUs = false
        message.origin = .sent
        _ = try client.append(.request(message))
        let found = try client.reader.pendingRequest(message.id)
        #expect(found?.origin == .sent && found?.note == message.note)
        #expect(try client.reader.pendingRequest(Identifier(high: 9, low: 9)) == nil)
    }
}
