import Foundation
import GRDB
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Bodies")
struct BodyTests {
    let scratch = Scratch()

    /// Every body of a story with every kind of row in it.
    private func bodies() throws -> [(table: String, body: Data)] {
        var story = LedgerStory(try SQLiteLedger.open(scratch.ledger))
        for number in 1...4 { try story.ask(number, owes: number == 1 ? [.notice, .turn] : [.notice]) }
        try story.run(.commanded(.cancelSentinel(LedgerStory<SQLiteLedger>.identifier(4)), ended: nil, inboxRow: nil))
        try story.restart()
        try story.openGates()
        try story.grantPermits()
        let sending = try #require(story.coordinator.deliveries.values.first { $0.state == .sending }?.id)
        try story.run(.attemptEnded(sending, .transient(reason: "429 \"slow\" \u{1F600}\\", retryAfter: .seconds(3))))
        try story.ask(9, session: "agent:other:discord:channel:1234:thread:99")
        return try story.ledger.store.read { database in
            try ["sentinel", "wake", "delivery"].flatMap { table in
                try Data.fetchAll(database, sql: "SELECT body FROM \(table)").map { (table, $0) }
            }
        }
    }

    @Test("our reader of bodies answers as a general one does")
    func agrees() throws {
        let bodies = try bodies()
        #expect(Set(bodies.map(\.table)).count == 3)
        let general = JSONDecoder()
        for (table, body) in bodies {
            switch table {
            case "sentinel": #expect(try read(Sentinel.self, body) == general.decode(Sentinel.self, from: body))
            case "wake": #expect(try read(Wake.self, body) == general.decode(Wake.self, from: body))
            default: #expect(try read(Delivery.self, body) == general.decode(Delivery.self, from: body))
            }
        }
    }

    @Test("every state, cause and epoch comes back as it was written")
    func roundTrips() throws {
        let moment = Moment(wallMilliseconds: -5, boot: BootID("b"), boottimeMicroseconds: .max, clockSynchronised: false)
        let receipt = Receipt(kind: .unit, id: "é\n\"\\/\u{0}\u{2028}", source: .history)
        let states: [Delivery.State] = [
            .held, .sending, .waiting(until: moment), .reconciling, .delivered(receipt), .dead(reason: ""), .expired, .cancelled,
            .unresolved(reason: "a,b]}"),
        ]
        let causes: [Sentinel.Cause] = [
            .restarted, .restartedElsewhere, .asked, .commandSucceeded, .resultUnknown, .didNotHappen(reason: "x"),
            .targetFailed(reason: "y"),
        ]
        let epochs: [Epoch] = [.token(""), .startedAt(boot: BootID("c"), microseconds: .min)]
        let durations: [Duration] = [.zero, .seconds(-3), .microseconds(1), .seconds(Int64.max)]
        let channels: [ChannelState] = [
            .unknown, .ready(generation: .max), .down(reason: "r", retryAt: nil), .down(reason: "r", retryAt: moment),
        ]
        try same(states)
        try same(causes.map { Sentinel.State.fired($0) })
        try same(epochs)
        try same(durations)
        try same(channels)
        try same([Set(DeliveryKind.allCases), []])
        try same([UInt8.max, 0])
        try same([Int64.min, .max])
    }

    @Test("whatever a body holds, reading it ends in a value or an error")
    func anyBytes() throws {
        let bodies = try bodies()
        var random = SplitMix(seed: 11)
        var read = 0
        for _ in 0..<3000 {
            var bytes = [UInt8](bodies[random.below(bodies.count)].body)
            for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.percent(30) { bytes.removeLast(random.below(bytes.count)) }
            if (try? BodyDecoder.decode(Delivery.self, from: bytes)) != nil { read += 1 }
            _ = try? BodyDecoder.decode(Wake.self, from: bytes)
            _ = try? BodyDecoder.decode(Sentinel.self, from: bytes)
        }
        #expect(read < 3000)
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: BodyIndex.Fault.self) { try BodyIndex(deep) }
        for text in ["", " ", "{", "{\"a\"", "{\"a\":}", "[1,]", "\"\\", "1 2", "nul l"] {
            #expect(throws: (any Error).self) { try BodyDecoder.decode([Int].self, from: Array(text.utf8)) }
        }
        for text in ["9223372036854775808", "-9223372036854775809", "1.5", "1e3", "-", "true", "\"1\""] {
            #expect(throws: (any Error).self) { try BodyDecoder.decode(Int64.self, from: Array(text.utf8)) }
        }
    }

    private func read<Value: Decodable>(_ type: Value.Type, _ body: Data) throws -> Value {
        try BodyDecoder.decode(type, from: Array(body))
    }

    private func same<Value: Codable & Equatable>(_ values: [Value]) throws {
        let text = try BodyCodec().text(values)
        #expect(try BodyDecoder.decode([Value].self, from: Array(text.utf8)) == values)
    }
}
