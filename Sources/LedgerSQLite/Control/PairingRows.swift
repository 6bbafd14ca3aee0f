import Foundation
import GRDB
public import WakeCore
public import WakeService

/// A paired device.
public struct PairingRecord: Hashable, Sendable {
    /// The device's id.
    public var device: String
    /// Its public key, as it was sent.
    public var publicKey: String
    /// What it may do, by name.
    public var scopes: [String]
    /// Which sessions it may name, as patterns; nil: all.
    public var sessions: [String]?
    /// The program that it runs, in words.
    public var client: String
    /// When it was approved, in milliseconds since 1970.
    public var approvedMilliseconds: Int64
}

/// A device that asks to be paired.
public struct PairingRequestRecord: Hashable, Sendable {
    /// What an operator names it by: 8 characters.
    public var id: String
    /// The device's id.
    public var device: String
    /// Its public key, as it was sent.
    public var publicKey: String
    /// What it asks for, by name.
    public var scopes: [String]
    /// The program that it runs, in words.
    public var client: String
    /// From where it asked.
    public var address: String
    /// When it asked last, in milliseconds since 1970.
    public var askedMilliseconds: Int64
}

/// Paired devices and those that ask to be. Its calls block.
public struct PairingRows: Sendable {
    /// The most requests that are kept; the oldest is dropped for a new one.
    public static let maximumRequests = 100
    /// The longest device id and public key, in bytes.
    public static let keyBytes = 1024

    let store: Store

    /// The pairings, by device.
    public func pairings() throws(WakeError) -> [PairingRecord] {
        try store.read { try Row.fetchAll($0, sql: Self.selectPairing + " ORDER BY device").map(Self.pairing) }
    }

    /// The requests, oldest first.
    public func requests() throws(WakeError) -> [PairingRequestRecord] {
        try store.read { try Row.fetchAll($0, sql: Self.selectRequest + " ORDER BY number").map(Self.request) }
    }

    /// The pairing of a device with that key; nil where it has none.
    public func pairing(ofDevice device: String, publicKey: String) throws(WakeError) -> PairingRecord? {
        try store.read { database in
            let statement = try database.cachedStatement(sql: Self.selectPairing + " WHERE device = ? AND public_key = ?")
            return try Row.fetchOne(statement, arguments: [device, publicKey]).map(Self.pairing)
        }
    }

    /// Notes that a device asks to be paired. The same device and key have one request, however often they ask; once they ask for
    /// other scopes it has another id, so that nobody approves what they have not seen.
    ///
    /// - Parameters:
    ///   - device: the device's id.
    ///   - publicKey: its key.
    ///   - scopes: what it asks for; at most 32 are kept.
    ///   - client: its program, in words; cut to 200 characters, as the address is.
    ///   - address: from where.
    ///   - moment: now.
    /// - Returns: the request's id.
    /// - Throws: `invalid-request` where the id or key is too long, and what a write throws.
    public func request(
        device: String, publicKey: String, scopes: [String], client: String, address: String, at moment: Moment
    ) throws(WakeError) -> String {
        guard !device.isEmpty, device.utf8.count <= Self.keyBytes, publicKey.utf8.count <= Self.keyBytes else {
            throw WakeError(.invalidRequest, "a device's id and key have at most \(Self.keyBytes) bytes each")
        }
        let scopes = Self.list(scopes.prefix(32).map { String($0.prefix(64)) })
        return try store.write { database in
            let known = try String.fetchOne(
                database, sql: "SELECT id FROM pairing_request WHERE device = ? AND public_key = ? AND scopes = ?",
                arguments: [device, publicKey, scopes])
            let id = known ?? Self.newID()
            try database.execute(
                sql: """
                    INSERT INTO pairing_request (id, device, public_key, scopes, client, address, asked_ms)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (device, public_key)
                    DO UPDATE SET id = ?1, scopes = ?4, client = ?5, address = ?6, asked_ms = ?7
                    """,
                arguments: [
                    id, device, publicKey, scopes, String(client.prefix(200)), String(address.prefix(200)),
                    moment.wallMilliseconds,
                ])
            try database.execute(
                sql: """
                    DELETE FROM pairing_request WHERE number NOT IN
                    (SELECT number FROM pairing_request ORDER BY number DESC LIMIT \(Self.maximumRequests))
                    """)
            return id
        }
    }

    /// Pairs the device of a request. A pairing that it had is replaced.
    ///
    /// - Parameters:
    ///   - id: the request's id.
    ///   - scopes: what it may do; nil: what it asked for.
    ///   - sessions: which sessions it may name, as patterns; nil: all.
    ///   - moment: now.
    /// - Returns: the pairing.
    /// - Throws: `not-found`, and what a write throws.
    public func approve(_ id: String, scopes: [String]? = nil, sessions: [String]?, at moment: Moment) throws(WakeError)
        -> PairingRecord
    {
        try store.write { database in
            let row = try Row.fetchOne(database, sql: Self.selectRequest + " WHERE id = ?", arguments: [id])
            guard let request = row.map(Self.request) else { throw Self.noRequest(id) }
            let pairing = PairingRecord(
                device: request.device, publicKey: request.publicKey, scopes: scopes ?? request.scopes, sessions: sessions,
                client: request.client, approvedMilliseconds: moment.wallMilliseconds)
            try database.execute(
                sql: "INSERT OR REPLACE INTO pairing VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    pairing.device, pairing.publicKey, Self.list(pairing.scopes), pairing.sessions.map(Self.list), pairing.client,
                    pairing.approvedMilliseconds,
                ])
            try database.execute(sql: "DELETE FROM pairing_request WHERE device = ?", arguments: [pairing.device])
            return pairing
        }
    }

    /// Drops a request.
    ///
    /// - Throws: `not-found`, and what a write throws.
    public func reject(_ id: String) throws(WakeError) {
        try delete("DELETE FROM pairing_request WHERE id = ?", id) { Self.noRequest(id) }
    }

    /// Takes a device's pairing back.
    ///
    /// - Throws: `not-found`, and what a write throws.
    public func revoke(device: String) throws(WakeError) {
        try delete("DELETE FROM pairing WHERE device = ?", device) {
            WakeError(.notFound, "no device '\(device)' is paired", hint: "'reveille pair list' shows them.")
        }
    }

    private func delete(_ sql: String, _ name: String, _ missing: () -> WakeError) throws(WakeError) {
        let count = try store.writeStatement { database in
            try database.execute(sql: sql, arguments: [name])
            return database.changesCount
        }
        if count == 0 { throw missing() }
    }

    // MARK: Rows

    private static let selectPairing = "SELECT device, public_key, scopes, sessions, client, approved_ms FROM pairing"
    private static let selectRequest =
        "SELECT id, device, public_key, scopes, client, address, asked_ms FROM pairing_request"

    private static func pairing(_ row: Row) -> PairingRecord {
        PairingRecord(
            device: row[0], publicKey: row[1], scopes: texts(row[2]), sessions: (row[3] as String?).map(texts), client: row[4],
            approvedMilliseconds: row[5])
    }

    private static func request(_ row: Row) -> PairingRequestRecord {
        PairingRequestRecord(
            id: row[0], device: row[1], publicKey: row[2], scopes: texts(row[3]), client: row[4], address: row[5],
            askedMilliseconds: row[6])
    }

    private static func list(_ texts: [String]) -> String { JSONValue.array(texts.map { .string($0) }).text }

    /// What a hand made unreadable grants nothing.
    private static func texts(_ list: String) -> [String] {
        (try? JSONValue.parse(text: list))?.array?.compactMap(\.string) ?? []
    }

    /// Without letters that look alike: a person reads it from one screen and types it on another.
    private static func newID() -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        return String((0..<8).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }

    private static func noRequest(_ id: String) -> WakeError {
        WakeError(.notFound, "no pairing request has the id '\(id)'", hint: "'reveille pair list' shows them.")
    }
}

extension SQLiteLedger {
    /// Paired devices.
    public var pairings: PairingRows { PairingRows(store: store) }
}

extension LedgerClient {
    /// Paired devices.
    public var pairings: PairingRows { PairingRows(store: store) }
}
