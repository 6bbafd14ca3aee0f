import DiscordProtocol
import Testing
import WakeCore

@Suite("History search")
struct HistorySearchTests {
    static let channel = Snowflake(5 as UInt64)
    static let me = Snowflake(42 as UInt64)
    static let since: Int64 = 1_700_000_000_000
    static let trailer = "-# reveille 0AzByCxDwEvFuGtHsIrJqK"

    static func search(mayReadHistory: Bool = false) -> HistorySearch {
        HistorySearch(
            channel: channel, author: me, trailer: trailer, nonce: "0AzByCxDwEvFuGtHsIrJqKn", sinceUnixMilliseconds: since,
            mayReadHistory: mayReadHistory)
    }

    static func message(_ id: UInt64, author: UInt64 = 7, content: String = "hi", nonce: String? = nil) -> JSONValue {
        var object: JSONObject = [
            "id": .string("\(id)"), "channel_id": "5", "author": ["id": .string("\(author)")], "content": .string(content),
        ]
        object["nonce"] = nonce.map { .string($0) }
        return .object(object)
    }

    static func page(_ messages: [JSONValue]) -> [UInt8] { JSONValue.array(messages).bytes }

    static let base = Snowflake(earliestAtUnixMilliseconds: since).rawValue

    static func fullPage(_ number: Int) -> [UInt8] {
        page((0..<100).map { message(base + UInt64(number * 100 + $0) + 1) }.reversed())
    }

    @Test("it begins a minute before the first unclear attempt and reads on from the newest id")
    func pages() {
        var search = Self.search()
        let start = Snowflake(earliestAtUnixMilliseconds: Self.since - 60_000)
        #expect(search.first == .fetch(.messages(in: Self.channel, after: start, limit: 100)))
        let step = search.received(Self.fullPage(0))
        #expect(step == .fetch(.messages(in: Self.channel, after: Snowflake(Self.base + 100), limit: 100)))
    }

    @Test("our own message is found by its exact last line or its nonce, and by nothing less")
    func match() {
        let line = "text\n" + Self.trailer
        let cases: [(JSONValue, Bool)] = [
            (Self.message(9, author: 42, content: line), true),
            (Self.message(9, author: 42, content: line + " \n"), true),
            (Self.message(9, author: 42, content: "other", nonce: "0AzByCxDwEvFuGtHsIrJqKn"), true),
            (Self.message(9, author: 7, content: line, nonce: "0AzByCxDwEvFuGtHsIrJqKn"), false),
            (Self.message(9, author: 42, content: line + "x"), false),
            (Self.message(9, author: 42, content: Self.trailer + "\nmore"), false),
            (Self.message(9, author: 42, content: "> " + Self.trailer), false),
        ]
        for (message, expected) in cases {
            var search = Self.search()
            let step = search.received(Self.page([message]))
            #expect((step == .found(message: Snowflake(9 as UInt64))) == expected)
            if !expected { #expect(step == .absent) }
        }
    }

    @Test("an empty page proves absence only where history may be read")
    func emptiness() {
        var allowed = Self.search(mayReadHistory: true)
        #expect(allowed.received(Self.page([])) == .absent)
        var probing = Self.search()
        #expect(probing.received(Self.page([])) == .fetch(.messages(in: Self.channel, after: nil, limit: 1)))
        #expect(probing.received(Self.page([Self.message(1)])) == .absent)
        var blind = Self.search()
        _ = blind.received(Self.page([]))
        guard case .cannotTell = blind.received(Self.page([])) else {
            Issue.record("emptiness alone proved absence")
            return
        }
    }

    @Test("beyond 1,000 messages nobody can tell")
    func tooMany() {
        var search = Self.search()
        for number in 0..<9 {
            guard case .fetch = search.received(Self.fullPage(number)) else {
                Issue.record("stopped at page \(number)")
                return
            }
        }
        guard case .cannotTell = search.received(Self.fullPage(9)) else {
            Issue.record("went on")
            return
        }
    }

    @Test("pages that don't follow each other, and garbage, prove nothing")
    func garbage() {
        var stuck = Self.search()
        _ = stuck.received(Self.fullPage(0))
        for body in [Self.fullPage(0), Self.page([Self.message(1), ["id": "x"]]), Array("<html>".utf8), [], Array("{}".utf8)] {
            var search = stuck
            guard case .cannotTell = search.received(body) else {
                Issue.record("proved something")
                return
            }
        }
    }
}
