import LedgerSQLite
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// The sessions that our own ledger knows, as rows of the same list as a gateway's.
struct OwnSessions {
    private let records: [SessionKey: SessionRecord]

    /// None.
    init() { records = [:] }

    /// Reads them.
    ///
    /// - Parameters:
    ///   - configuration: where the ledger is.
    ///   - areAll: whether there is nothing else to list: then a ledger that can't be read is an error.
    /// - Throws: what the ledger says, where these are all.
    init(_ configuration: Configuration, areAll: Bool) throws(WakeError) {
        do {
            let client = try LedgerClient(at: configuration.ledger.directory)
            defer { client.close() }
            let found = try client.reader.sessions(limit: LedgerReader.maximumRows)
            records = Dictionary(found.map { ($0.session, $0) }, uniquingKeysWith: { first, _ in first })
        } catch {
            if areAll { throw error }
            records = [:]
        }
    }

    /// A gateway's rows, and those of ours that it does not list.
    func joined(to rows: [SessionRow]) -> [SessionRow] {
        let listed = Set(rows.map(\.key))
        return rows + records.values.filter { !listed.contains($0.session) }.compactMap(Self.row)
    }

    private static func row(_ record: SessionRecord) -> SessionRow? {
        var object: JSONObject = [
            "key": .string(record.session.description), "updatedAt": .integer(record.lastMilliseconds),
        ]
        object["deliveryContext"] = record.route.map { route in
            [
                "channel": .string(route.channel.transport), "accountId": .string(route.channel.account),
                "to": .string(route.destination),
            ]
        }
        return SessionRow(.object(object))
    }

    /// What only we know of a session: where it is woken, its open wakes, what came last.
    func fields(of session: SessionKey) -> JSONObject {
        guard let record = records[session] else { return [:] }
        var object: JSONObject = ["openWakes": .integer(Int64(record.liveWakes))]
        object["route"] = record.route.map { .string($0.description) }
        object["origin"] = record.origin.map { .string($0.rawValue) }
        return object
    }
}
