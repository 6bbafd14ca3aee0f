import Foundation
import GRDB
import WakeService

/// Values of the core as they stand in `body` columns: JSON, so that a person can read them with any SQLite shell.
struct BodyCodec {
    private let encoder = JSONEncoder()

    init() { encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes] }

    func text(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }

    /// - Throws: ``WakeService/WakeError/Code/ledgerCorrupt`` that names the row; a row is never skipped.
    func value<Value: Decodable>(_ type: Value.Type, _ body: Data, of row: @autoclosure () -> String) throws -> Value {
        do {
            return try BodyDecoder.decode(type, from: Array(body))
        } catch {
            throw WakeError(
                .ledgerCorrupt, "\(row()) of the ledger can't be read", cause: String(describing: error),
                hint: "A newer version or a hand may have written it. 'reveille ledger check' lists every such row.")
        }
    }

    /// All rows of a query for body, name and checksum. Many are read on all cores, since that is most of a start's time.
    func values<Value: Decodable & Sendable>(
        _ type: Value.Type, _ database: Database, _ sql: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [Value] {
        let bodies = try BodyRow.fetch(database, sql, arguments)
        guard bodies.count > Self.rowsPerPart else { return try bodies.map { try value(type, $0) } }
        let starts = Array(stride(from: 0, to: bodies.count, by: Self.rowsPerPart))
        let parts = AllCores.map(starts.count) { index in
            let codec = BodyCodec()
            let rows = bodies[starts[index]..<min(starts[index] + Self.rowsPerPart, bodies.count)]
            return Result { try rows.map { try codec.value(type, $0) } }
        }
        return try parts.flatMap { try $0.get() }
    }

    private static let rowsPerPart = 128

    /// The value of one row.
    func value<Value: Decodable>(_ type: Value.Type, _ row: BodyRow) throws -> Value {
        if let sum = row.sum, sum != Checksum.of(row.body) {
            throw WakeError(
                .ledgerCorrupt, "\(type) \(row.name) of the ledger is damaged", cause: "its checksum is wrong",
                hint:
                    "Bits have changed on the disk: restore a backup, and look at the disk. 'reveille ledger check' lists such rows."
            )
        }
        return try value(type, row.body, of: "\(type) \(row.name)")
    }
}

/// A row of body, name and checksum.
struct BodyRow: Sendable {
    let body: Data
    let name: String
    let sum: Int64?

    static func fetch(_ database: Database, _ sql: String, _ arguments: StatementArguments = StatementArguments()) throws
        -> [BodyRow]
    {
        let rows = try Row.fetchCursor(try database.cachedStatement(sql: sql), arguments: arguments)
        var bodies: [BodyRow] = []
        while let row = try rows.next() { bodies.append(BodyRow(row)) }
        return bodies
    }

    init(_ row: Row) {
        body = row[0]
        name = row[1]
        sum = Int64.fromDatabaseValue(row[2])
    }
}

extension BodyCodec {
    /// What can't be read of a query's rows, in words; at most ``LedgerCheck/maximumFaults``.
    func faults<Value: Decodable>(_ type: Value.Type, _ database: Database, _ sql: String) throws -> [String] {
        let rows = try Row.fetchCursor(database, sql: sql)
        var faults: [String] = []
        while faults.count < LedgerCheck.maximumFaults, let row = try rows.next() {
            do {
                _ = try value(type, BodyRow(row))
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
