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

    private static let additive = Schema(
        steps: Schema.current.steps + [Schema.Step(version: 2, minReader: 1, sql: "ALTER TABLE wake ADD COLUMN colour TEXT")])
    private static let breaking = Schema(
        steps: additive.steps + [Schema.Step(version: 3, minReader: 3, sql: "ALTER TABLE wake RENAME COLUMN colour TO hue")])

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
        #expect(try Schema.mark(of: story.ledger.store) == .init(applicationID: Schema.applicationID, version: 3, minReader: 3))
        #expect(backups() == ["000001-schema-1.sqlite"])
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
        #expect(try Schema.mark(of: story.ledger.store).version == 2)
    }

    @Test("a ledger that is too new is refused with both numbers and left alone")
    func tooNew() throws {
        try open(Self.breaking).close()
        for attempt in [{ _ = try open(.current) }, { _ = try LedgerClient(folder, .current, createIfMissing: true) }] {
            let error = #expect(throws: WakeError.self) { try attempt() }
            #expect(error?.code == .ledgerNewer)
            #expect(error?.message.contains("schema 3") == true && error?.message.contains("has 1") == true)
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
        #expect(try Schema.mark(of: client.store).version == 2)
    }

    @Test("only the last three backups from before migrations are kept")
    func keepsThree() throws {
        var steps = Schema.current.steps
        try open(Schema(steps: steps)).close()
        for version in 2...6 {
            steps.append(Schema.Step(version: version, minReader: 1, sql: "ALTER TABLE wake ADD COLUMN c\(version) TEXT"))
            try open(Schema(steps: steps)).close()
        }
        #expect(backups() == ["000003-schema-3.sqlite", "000004-schema-4.sqlite", "000005-schema-5.sqlite"])
    }

    @Test("a migration that fails leaves the ledger as it was")
    func failedMigration() throws {
        var story = LedgerStory(try open(.current))
        try story.ask(1)
        story.ledger.close()
        let faulty = Schema(
            steps: Schema.current.steps
                + [Schema.Step(version: 2, minReader: 2, sql: "ALTER TABLE wake ADD COLUMN colour TEXT; NONSENSE")])
        #expect(throws: WakeError.self) { try open(faulty) }
        story.ledger = try open(.current)
        #expect(try story.loaded().sentinels == story.coordinator.sentinels)
        #expect(story.ledger.check().problems.isEmpty)
    }
}
