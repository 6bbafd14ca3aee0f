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

    /// All rows of a query whose first column is a body and whose second one names the row.
    func values<Value: Decodable>(
        _ type: Value.Type, _ database: Database, _ sql: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [Value] {
        let statement = try database.cachedStatement(sql: sql)
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        var values: [Value] = []
        while let row = try rows.next() {
            values.append(try value(type, row[0], of: "\(type) \(row[1] as String)"))
        }
        return values
    }
}
