import GRDB
import Glibc
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import LedgerSQLite

@Suite("Opening a ledger")
struct OpeningTests {
    let scratch = Scratch()

    private func expect(_ code: WakeError.Code, hint: Bool = true, _ body: () throws -> Void) {
        let error = #expect(throws: WakeError.self) { try body() }
        #expect(error?.code == code)
        if hint { #expect(error?.hint?.isEmpty == false) }
    }

    @Test("every connection syncs each commit in full, in write-ahead mode, and leaves checkpoints to the daemon")
    func settings() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        let client = try LedgerClient(at: scratch.ledger)
        for store in [ledger.store, client.store] {
            #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
            #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
            #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA wal_autocheckpoint") } == 0)
            #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA locking_mode") } == "normal")
        }
    }

    @Test("folder and files are closed to everybody else")
    func permissions() throws {
        let ledger = try SQLiteLedger.open(scratch.ledger)
        _ = try ledger.append(.command(.retryWake(Identifier(high: 1, low: 1))))
        #expect(LedgerFolder.status(scratch.ledger).map { $0.st_mode & 0o777 } == 0o700)
        let folder = ledger.folder
        for file in [folder.databasePath, folder.logPath, folder.lockPath, folder.generationPath] {
            #expect(LedgerFolder.status(file).map { $0.st_mode & 0o777 } == 0o600, "\(file)")
        }
    }

    @Test("a folder that others may write to is refused, with the command that mends it")
    func openFolder() throws {
        mkdir(scratch.ledger, 0o700)
        chmod(scratch.ledger, 0o770)
        let error = #expect(throws: WakeError.self) { try SQLiteLedger.open(scratch.ledger) }
        #expect(error?.code == .ledgerUnavailable)
        #expect(error?.hint?.contains("chmod go-w") == true)
    }

    @Test("a missing ledger is never made by a reader")
    func missing() throws {
        expect(.ledgerUnavailable) { _ = try LedgerClient(at: scratch.ledger) }
        mkdir(scratch.ledger, 0o700)
        expect(.ledgerUnavailable) { _ = try LedgerClient(at: scratch.ledger) }
        #expect(!LedgerFolder(scratch.ledger).hasDatabase)
    }

    @Test("garbage, an empty file, a folder and another program's database are no ledgers, and stay as they are")
    func noLedger() throws {
        mkdir(scratch.ledger, 0o700)
        let path = LedgerFolder(scratch.ledger).databasePath
        let other = scratch.path + "/other.sqlite"
        try DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE mine (x); INSERT INTO mine VALUES (1)") }
        let contents = [Array("this is no database, but somebody may need it".utf8), [], try bytes(of: other)]
        for content in contents {
            try write(content, to: path)
            expect(.notALedger) { _ = try SQLiteLedger.open(scratch.ledger) }
            expect(.notALedger) { _ = try LedgerClient(at: scratch.ledger, createIfMissing: true) }
            #expect(try bytes(of: path) == content)
        }
        unlink(path)
        mkdir(path, 0o700)
        expect(.notALedger) { _ = try SQLiteLedger.open(scratch.ledger) }
    }

    @Test("a ledger that has vanished is not silently begun anew")
    func vanished() throws {
        try SQLiteLedger.open(scratch.ledger).close()
        unlink(LedgerFolder(scratch.ledger).databasePath)
        expect(.ledgerCorrupt) { _ = try SQLiteLedger.open(scratch.ledger) }
        expect(.ledgerCorrupt) { _ = try LedgerClient(at: scratch.ledger, createIfMissing: true) }
    }

    @Test("a path through a file, or to one, is refused")
    func fileInTheWay() throws {
        try write([1], to: scratch.ledger)
        expect(.ledgerUnavailable) { _ = try SQLiteLedger.open(scratch.ledger) }
        expect(.ledgerUnavailable) { _ = try SQLiteLedger.open(scratch.ledger + "/below") }
    }

    @Test("folders above a new ledger are made, closed to others")
    func deepFolder() throws {
        let deep = scratch.path + "/state/reveille/ledger/"
        try SQLiteLedger.open(deep).close()
        #expect(LedgerFolder.status(scratch.path + "/state").map { $0.st_mode & 0o777 } == 0o700)
    }

    @Test("network file systems are refused, memory is told")
    func fileSystems() {
        #expect(FileSystemKind.of(magic: 0x6969) == .network("NFS"))
        #expect(FileSystemKind.of(magic: 0xFE53_4D42) == .network("SMB2"))
        #expect(FileSystemKind.of(magic: 0x6573_5546) == .network("FUSE"))
        #expect(FileSystemKind.of(magic: 0x0102_1994) == .volatile("tmpfs"))
        #expect(FileSystemKind.of(magic: 0xEF53) == .local)
    }

    @Test("a read-only file system is said to be one", .enabled(if: Tmpfs.isAllowed, "mounting needs root"))
    func readOnly() throws {
        let disk = try Tmpfs(kibibytes: 2048)
        let path = disk.path + "/ledger"
        try SQLiteLedger.open(path).close()
        try disk.makeReadOnly()
        expect(.ledgerUnavailable) { _ = try SQLiteLedger.open(path) }
        expect(.ledgerUnavailable) { _ = try SQLiteLedger.open(disk.path + "/new") }
        let error = #expect(throws: WakeError.self) {
            let client = try LedgerClient(at: path)
            _ = try client.append(.command(.retryWake(Identifier(high: 1, low: 1))))
        }
        #expect(error?.code == .ledgerUnavailable)
    }
}

func bytes(of path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}
