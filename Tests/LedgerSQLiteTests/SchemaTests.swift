import GRDB
import Glibc
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Schemas, older and newer")
struct SchemaTests {
    let scratch = Scratch()
    var folder: LedgerFolder { LedgerFolder(scratch.ledger) }

    private static let next = Schema.current.version + 1
    private static let additive = Schema(
        steps: Schema.current.steps + [Schema.Step(version: next, minReader: 1, sql: "ALTER TABLE wake ADD COLUMN colour TEXT")])
    private static let breaking = Schema(
        steps: additive.steps + [
            Schema.Step(version: next + 1, minReader: next + 1, sql: "ALTER TABLE wake RENAME COLUMN colour TO hue")
        ])
    /// The program of version 1, whose SQL is committed and never changes.
    private static let first = Schema(steps: [Schema.current.steps[0]])

    private func open(_ schema: Schema) throws -> SQLiteLedger {
        try SQLiteLedger(folder, schema, instance: nil, moments: StillMoments(), identity: .system())
    }

    private func backups() -> [String] {
        (0...9).flatMap { number in (0...9).map { "00000\(number)-schema-\($0).sqlite" } }
            .filter { LedgerFolder.status(folder.backupsPath + "/" + $0) != nil }
    }

    @Test("an older ledger is migrated with all that is in it, after a backup of it")
    func migrates() throws {
        var story = LedgerStory(try open(.current))
        try story.ask(1)
        story.ledger.close()
        story.ledger = try open(Self.breaking)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        #expect(
            try Schema.mark(of: story.ledger.store)
                == .init(applicationID: Schema.applicationID, version: Self.next + 1, minReader: Self.next + 1))
        #expect(backups() == ["000001-schema-\(Schema.current.version).sqlite"])
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test("the version before still runs on what only added things")
    func additiveKeepsReaders() throws {
        try open(Self.additive).close()
        var story = LedgerStory(try open(.current))
        try story.ask(1)
        try story.restart()
        let client = try LedgerClient(folder, .current, createIfMissing: false)
        #expect(try client.reader.wakes().count == 1)
        #expect(try Schema.mark(of: story.ledger.store).version == Self.next)
    }

    @Test("a ledger that is too new is refused with both numbers and left alone")
    func tooNew() throws {
        try open(Self.breaking).close()
        for attempt in [{ _ = try open(.current) }, { _ = try LedgerClient(folder, .current, createIfMissing: true) }] {
            let error = #expect(throws: WakeError.self) { try attempt() }
            #expect(error?.code == .ledgerNewer)
            #expect(error?.message.contains("schema \(Self.next + 1)") == true)
            #expect(error?.message.contains("has \(Schema.current.version)") == true)
            #expect(error?.hint != nil)
        }
        try open(Self.breaking).close()
    }

    @Test("a command line newer than the running daemon does not migrate under its feet")
    func clientWaitsForDaemon() throws {
        let ledger = try open(.current)
        let error = #expect(throws: WakeError.self) { try LedgerClient(folder, Self.additive, createIfMissing: false) }
        #expect(error?.code == .ledgerLocked)
        ledger.close()
        let client = try LedgerClient(folder, Self.additive, createIfMissing: false)
        #expect(try Schema.mark(of: client.store).version == Self.next)
    }

    @Test("only the last three backups from before migrations are kept")
    func keepsThree() throws {
        var steps = Schema.current.steps
        try open(Schema(steps: steps)).close()
        for version in Self.next...Self.next + 4 {
            steps.append(Schema.Step(version: version, minReader: 1, sql: "ALTER TABLE wake ADD COLUMN c\(version) TEXT"))
            try open(Schema(steps: steps)).close()
        }
        #expect(backups() == (1...3).map { "00000\($0 + 2)-schema-\(Self.next + $0).sqlite" })
    }

    @Test("a migration that fails leaves the ledger as it was")
    func failedMigration() throws {
        var story = LedgerStory(try open(.current))
        try story.ask(1)
        story.ledger.close()
        let faulty = Schema(
            steps: Schema.current.steps
                + [Schema.Step(version: Self.next, minReader: 2, sql: "ALTER TABLE wake ADD COLUMN colour TEXT; NONSENSE")])
        #expect(throws: WakeError.self) { try open(faulty) }
        story.ledger = try open(.current)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test("a ledger of an older version becomes one of this one with all that is in it, after a backup", arguments: [1, 2])
    func older(version: Int) throws {
        var story = LedgerStory(try open(.current))
        try story.ask(1)
        try story.restart()
        story.ledger.close()
        try undo(to: version)
        story.ledger = try open(.current)
        #expect(try story.loaded().wakes == story.coordinator.wakes)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        #expect(try Schema.mark(of: story.ledger.store) == .init(applicationID: Schema.applicationID, version: 3, minReader: 3))
        #expect(backups() == ["000001-schema-\(version).sqlite"])
        #expect(story.ledger.check().problems.isEmpty)
    }

    @Test("a program of version 2 is told that it is too old for what this one writes")
    func downgrade() throws {
        try open(.current).close()
        let error = #expect(throws: WakeError.self) { try open(Schema(steps: Array(Schema.current.steps.prefix(2)))) }
        #expect(error?.code == .ledgerNewer && error?.message.contains("schema 3") == true && error?.hint != nil)
    }

    /// The ledger as a program of that version left it: what later steps made is taken away.
    private func undo(to version: Int) throws {
        let ledger = try open(.current)
        try ledger.store.write { database in
            let tables = [
                2: ["daemon_start", "idempotency", "pairing", "pairing_request"],
                3: ["turn", "job", "job_run", "lease", "session"],
            ]
            for (step, names) in tables where step > version {
                for name in names { try database.execute(sql: "DROP TABLE \(name)") }
            }
            try database.execute(sql: "PRAGMA user_version = \(version); UPDATE meta SET value = 1 WHERE key = 'minReader'")
        }
        ledger.close()
    }

    @Test(
        "in the midst of an upgrade the newer command line is heard by the older daemon; what only the newer knows is refused in words"
    )
    func clientOfTheNext() throws {
        let ledger = try open(Self.first)
        let client = try LedgerClient(folder, .current, createIfMissing: false)
        let row = try client.append(.request(LedgerStory<SQLiteLedger>.request(1)))
        #expect(try ledger.inbox(after: 0, limit: 9).map(\.row) == [row])
        #expect(try client.reader.sessions().isEmpty && client.reader.restarts().isEmpty)
        for attempt in [
            { _ = try client.pairings.requests() }, { _ = try client.reader.starts() },
            { try client.pairings.reject("abcdefgh") },
        ] as [() throws -> Void] {
            let error = #expect(throws: WakeError.self) { try attempt() }
            #expect(
                error?.code == .ledgerLocked && error?.hint?.contains("Restart the daemon") == true,
                "\(String(describing: error))")
        }
        #expect(try Schema.mark(of: ledger.store).version == 1)
        #expect(try client.append(.request(LedgerStory<SQLiteLedger>.request(2))) > row)
        ledger.close()
        #expect(try LedgerClient(folder, .current, createIfMissing: false).pairings.requests().isEmpty)
    }
}
