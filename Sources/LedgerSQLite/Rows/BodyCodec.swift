import Foundation
import GRDB
import WakeService

/// Values of the core as they stand in `body` columns: JSON, so that a person can read them with any SQLite shell.
struct BodyCodec {
    private let encoder = JSONEncoder()
    private let decoder = JSONDecoder()

    init() { encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes] }

    func text(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }

    /// - Throws: ``WakeService/WakeError/Code/ledgerCorrupt`` that names the row; a row is never skipped.
    func value<Value: Decodable>(_ type: Value.Type, _ body: Data, of row: @autoclosure () -> String) throws -> Value {
        do {
            return try decoder.decode(type, from: body)
        } catch {
            throw WakeError(
                .ledgerCorrupt, "\(row()) of the ledger can't be read", cause: String(describing: error),
                hint: "A newer version or a hand may have written it. 'reveille ledger check' lists every such row.")
        }
    }

    /// The value of a row of body, name and checksum.
    fileprivate func value<Value: Decodable>(_ type: Value.Type, _ row: Row) throws -> Value {
        let body: Data = row[0]
        if let sum = Int64.fromDatabaseValue(row[2]), sum != Checksum.of(body) {
            throw WakeError(
                .ledgerCorrupt, "\(type) \(row[1] as String) of the ledger is damaged", cause: "its checksum is wrong",
                hint:
                    "Bits have changed on the disk: restore a backup, and look at the disk. 'reveille ledger check' lists such rows."
            )
        }
        return try value(type, body, of: "\(type) \(row[1] as String)")
    }

    /// All rows of a query for body, name and checksum.
    func values<Value: Decodable>(
        _ type: Value.Type, _ database: Database, _ sql: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [Value] {
        let statement = try database.cachedStatement(sql: sql)
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        var values: [Value] = []
        while let row = try rows.next() {
            values.append(try value(type, row))
        }
        return values
    }
}

extension BodyCodec {
    /// What can't be read of a query's rows, in words; at most ``LedgerCheck/maximumFaults``.
    func faults<Value: Decodable>(_ type: Value.Type, _ database: Database, _ sql: String) throws -> [String] {
        let rows = try Row.fetchCursor(database, sql: sql)
        var faults: [String] = []
        while faults.count < LedgerCheck.maximumFaults, let row = try rows.next() {
            do {
                _ = try value(type, row)
            } catch {
                faults.append(String(describing: error))
            }
        }
        return faults
    }
}

/// FNV-1a over 64 bits: SQLite's pages bear no checksum, so a bit that flips in a note would else go unseen.
enum Checksum {
    static func of(_ text: String) -> Int64 {
        var text = text
        return text.withUTF8 { of($0) }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0100_0000_01B3 }
        return Int64(bitPattern: hash)
    }
}
