import GRDB
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("What the ledger keeps for the control plane")
struct ControlTests {
    let scratch = Scratch()
    private let now = StillMoments.start

    // MARK: Idempotency

    @Test("a call is fresh once; then it is known as begun, then by its answer, across restarts")
    func claims() throws {
        var ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try claim(ledger) == .fresh)
        #expect(try claim(ledger) == .begun(atMilliseconds: now.wallMilliseconds))
        ledger.abandon()
        ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try claim(ledger) == .begun(atMilliseconds: now.wallMilliseconds))
        let reply: JSONValue = ["ok": true, "text": "ü\"\n", "n": 5]
        try ledger.idempotency.settle(caller: "c", method: "m", key: "k", reply: reply, at: now)
        try ledger.idempotency.abandon(caller: "c", method: "m", key: "k")
        ledger.abandon()
        ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try claim(ledger) == .settled(reply: reply))
        #expect(try claim(ledger, digest: "other") == .mismatch)
        #expect(try claim(ledger, caller: "other") == .fresh)
        #expect(try claim(ledger, key: "other") == .fresh)
    }

    @Test("a claim that did nothing is given back")
    func abandoned() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try claim(ledger) == .fresh)
        try ledger.idempotency.abandon(caller: "c", method: "m", key: "k")
        #expect(try claim(ledger, digest: "other") == .fresh)
    }

    @Test("keys are forgotten after 7 days and beyond 100,000")
    func pruned() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        #expect(try claim(ledger) == .fresh)
        let week = now.advanced(by: IdempotencyBook.lifetime + .seconds(1))
        #expect(try claim(ledger, at: week) == .fresh)
        #expect(try claim(ledger, key: "next", at: week) == .fresh)
        #expect(try rows(ledger) == 2)
        try ledger.store.write {
            try $0.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                    INSERT INTO idempotency (caller, method, key, digest, begun_ms) SELECT 'x', 'm', 'n' || i, 'd', ? FROM n
                    """, arguments: [week.wallMilliseconds])
        }
        #expect(try claim(ledger, key: "last", at: week) == .fresh)
        #expect(try rows(ledger) == Int(IdempotencyBook.maximumRows))
        #expect(try claim(ledger, key: "next", at: week) == .fresh, "the oldest went")
    }

    @Test("a key that is empty or endless is refused, and so is an answer that a hand damaged")
    func badKeys() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        for key in ["", String(repeating: "k", count: 513)] {
            let error = #expect(throws: WakeError.self) { try claim(ledger, key: key) }
            #expect(error?.code == .invalidRequest)
        }
        #expect(try claim(ledger) == .fresh)
        try ledger.store.write { try $0.execute(sql: "UPDATE idempotency SET reply = '{'") }
        let error = #expect(throws: WakeError.self) { try claim(ledger) }
        #expect(error?.code == .ledgerCorrupt)
    }

    @Test(
        "on a full disk a claim is refused, and fresh again once there is room",
        .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func fullDisk() throws {
        let disk = try Tmpfs(kibibytes: 2048)
        let ledger = try SQLiteLedger.open(disk.path + "/ledger")
        defer { ledger.abandon() }
        disk.fill()
        var refused: (error: WakeError, key: String)?
        for number in 0..<5000 where refused == nil {
            do { _ = try claim(ledger, key: "\(number)") } catch let error as WakeError { refused = (error, "\(number)") }
        }
        let (error, key) = try #require(refused)
        #expect(error.code == .diskFull)
        disk.unfill()
        #expect(try claim(ledger, key: key) == .fresh)
    }

    @Test("two processes that claim the same call at once: one has it")
    func twoWriters() async throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let other = IdempotencyBook(store: try LedgerClient(at: scratch.ledger).store)
        let books = [ledger.idempotency, other]
        for round in 0..<50 {
            let claims = try await withThrowingTaskGroup(of: IdempotencyBook.Claim.self) { group in
                for book in books {
                    group.addTask {
                        try book.claim(caller: "c", method: "m", key: "\(round)", digest: "d", at: StillMoments.start)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(claims.filter { $0 == .fresh }.count == 1)
        }
    }

    private func claim(
        _ ledger: SQLiteLedger, caller: String = "c", key: String = "k", digest: String = "d", at moment: Moment? = nil
    ) throws -> IdempotencyBook.Claim {
        try ledger.idempotency.claim(caller: caller, method: "m", key: key, digest: digest, at: moment ?? now)
    }

    private func rows(_ ledger: SQLiteLedger) throws -> Int {
        try ledger.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM idempotency") } ?? 0
    }

    // MARK: Pairings

    @Test("a device asks, is let in with what the operator says, and is taken out; the daemon sees what another process decided")
    func pairing() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let id = try ask(ledger, "device", scopes: ["operator.read", "operator.admin"])
        #expect(id.count == 8)
        #expect(try ask(ledger, "device", scopes: ["operator.read", "operator.admin"]) == id)
        #expect(try ledger.pairings.pairing(ofDevice: "device", publicKey: "key-device") == nil)
        let client = try LedgerClient(at: scratch.ledger)
        let request = try #require(try client.pairings.requests().first)
        #expect(request.id == id && request.device == "device" && request.address == "127.0.0.1")
        let approved = try client.pairings.approve(id, scopes: ["operator.read"], sessions: ["agent:infra:*"], at: now)
        #expect(try ledger.pairings.pairing(ofDevice: "device", publicKey: "key-device") == approved)
        #expect(approved.scopes == ["operator.read"] && approved.sessions == ["agent:infra:*"])
        #expect(try ledger.pairings.pairing(ofDevice: "device", publicKey: "other key") == nil)
        #expect(try ledger.pairings.requests().isEmpty)
        #expect(try ledger.pairings.pairings() == [approved])
        try client.pairings.revoke(device: "device")
        #expect(try ledger.pairings.pairing(ofDevice: "device", publicKey: "key-device") == nil)
        for attempt in [
            { try client.pairings.revoke(device: "device") }, { try client.pairings.reject(id) },
            { _ = try client.pairings.approve(id, sessions: nil, at: now) },
        ] as [() throws -> Void] {
            let error = #expect(throws: WakeError.self) { try attempt() }
            #expect(error?.code == .notFound && error?.hint != nil)
        }
    }

    @Test("who asks for more has a new request, so that nobody approves what they have not seen")
    func changedWish() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let modest = try ask(ledger, "device", scopes: ["operator.read"])
        let greedy = try ask(ledger, "device", scopes: ["operator.admin"])
        #expect(modest != greedy)
        #expect(throws: WakeError.self) { try ledger.pairings.approve(modest, sessions: nil, at: now) }
        #expect(try ledger.pairings.requests().map(\.id) == [greedy])
        try ledger.pairings.reject(greedy)
        #expect(try ledger.pairings.requests().isEmpty)
    }

    @Test("100 requests are kept, the oldest goes; endless ids and keys are refused")
    func bounded() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let ids = try (0..<103).map { try ask(ledger, "device-\($0)", scopes: []) }
        #expect(Set(ids).count == 103)
        #expect(try ledger.pairings.requests().map(\.id) == Array(ids.suffix(100)))
        let error = #expect(throws: WakeError.self) {
            try ask(ledger, String(repeating: "d", count: PairingRows.keyBytes + 1), scopes: [])
        }
        #expect(error?.code == .invalidRequest)
    }

    @discardableResult
    private func ask(_ ledger: SQLiteLedger, _ device: String, scopes: [String]) throws -> String {
        try ledger.pairings.request(
            device: device, publicKey: "key-\(device)", scopes: scopes, client: "cli 1.0", address: "127.0.0.1", at: now)
    }
}
