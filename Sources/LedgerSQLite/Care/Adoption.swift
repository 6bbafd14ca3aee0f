import GRDB
import WakeCore
public import WakeService

extension SQLiteLedger {
    /// What adopting a ledger brought back.
    public struct Adopted: Hashable, Sendable {
        /// Deliveries that look for their receipt now, and are sent where they provably did not arrive.
        public let deliveries: Int
        /// Sentinels that are open again.
        public let sentinels: Int
    }

    /// Why what was owed in this ledger is held as unresolved; nil where it is not.
    public func adoptionReason() throws(WakeError) -> String? { try reader.adoptionReason() }

    /// Declares this ledger the right one, by an operator's word: what was held is taken up at the next ``load(endedWakesSince:)``.
    /// Each delivery looks for its receipt first. What an operator has settled meanwhile stays so.
    ///
    /// - Returns: how much was taken up; nothing where the ledger was not held.
    public func adopt() throws(WakeError) -> Adopted {
        let now = moments.now()
        return try store.write { database in
            let codec = BodyCodec()
            var deliveries = 0
            for wake in try codec.values(Wake.self, database, "SELECT body, id, sum FROM wake WHERE awaits_adoption = 1") {
                let held = try codec.values(
                    Delivery.self, database,
                    "SELECT body, id, sum FROM delivery WHERE id IN (?1 || 'n', ?1 || 't') AND awaits_adoption = 1",
                    [wake.id.description])
                let adopted = held.compactMap { $0.adopted(at: now) }
                guard !adopted.isEmpty else { continue }
                deliveries += adopted.count
                let changes = [.wake(wake.adopted(at: now))] + adopted.map { Change.delivery($0) }
                try ChangeWriter(database: database, wallMilliseconds: now.wallMilliseconds).write(changes)
            }
            try database.execute(sql: "UPDATE wake SET awaits_adoption = 0 WHERE awaits_adoption = 1")
            try database.execute(sql: "UPDATE sentinel SET awaits_adoption = 0 WHERE ended_ms IS NULL AND awaits_adoption = 1")
            let sentinels = database.changesCount
            try database.execute(sql: "DELETE FROM meta WHERE key IN ('adoption', 'inboxHeld')")
            return Adopted(deliveries: deliveries, sentinels: sentinels)
        }
    }

    /// Begins a new generation; where the last one is not this ledger's, everything open is held back first.
    func beginGeneration(_ identity: LedgerIdentity) throws(WakeError) {
        let file = GenerationFile(folder: folder)
        let (machine, generation) = try store.snapshot { database in
            (try Meta.text("machine", database), try Meta.text("generation", database))
        }
        let last = generation ?? "none"
        if let reason = Self.foreign(machine, last, file.read(), identity) {
            // The hold is durable before the traces that led to it are overwritten.
            let now = moments.now()
            try store.write { database in
                try Self.holdBack(database, reason + "; 'reveille ledger adopt' takes it up again", at: now)
                try Meta.set("adoption", reason, database)
                try note(identity, database)
            }
            return try file.write(identity.nextGeneration, previous: identity.nextGeneration)
        }
        do {
            try file.write(identity.nextGeneration, previous: last)
            try store.write { try note(identity, $0) }
        } catch {
            // Another generation without a new number: nothing is lost by that, and a full disk is no reason not to start.
            if error.code != .diskFull { throw error }
        }
    }

    private func note(_ identity: LedgerIdentity, _ database: Database) throws {
        try Meta.set("machine", identity.machine, database)
        try Meta.set("generation", identity.nextGeneration, database)
        // In the transaction that each start commits anyway: it costs no sync of its own.
        try life.begin(database)
    }

    /// Why this is not the ledger that the daemon wrote last, in words; nil where it is.
    private static func foreign(
        _ machine: String?, _ generation: String, _ file: GenerationFile.Contents?, _ identity: LedgerIdentity
    ) -> String? {
        if machine == nil, generation == "none", file == nil { return nil }
        if let machine, machine != identity.machine { return "the ledger was copied from another machine" }
        guard let file else { return "the ledger was copied or restored: its file 'generation' is missing" }
        guard file.isOriginal else { return "the ledger's folder was copied" }
        guard generation == file.generation || generation == file.previous else {
            return "the ledger was restored from an older state"
        }
        return nil
    }

    private static func holdBack(_ database: Database, _ reason: String, at now: Moment) throws {
        let codec = BodyCodec()
        for wake in try codec.values(Wake.self, database, "SELECT body, id, sum FROM wake WHERE ended_ms IS NULL") {
            let held = try LiveRows(database: database).deliveries(of: wake.id).compactMap {
                $0.heldForAdoption(reason: reason, at: now)
            }
            let changes = [.wake(wake.heldForAdoption(at: now))] + held.map { Change.delivery($0) }
            try ChangeWriter(database: database, wallMilliseconds: now.wallMilliseconds).write(changes)
            try database.execute(sql: "UPDATE wake SET awaits_adoption = 1 WHERE id = ?", arguments: [wake.id.description])
            for delivery in held {
                try database.execute(
                    sql: "UPDATE delivery SET awaits_adoption = 1 WHERE id = ?", arguments: [delivery.id.description])
            }
        }
        try database.execute(sql: "UPDATE sentinel SET awaits_adoption = 1 WHERE ended_ms IS NULL")
        // Requests that the original has long applied may still wait in a copy's inbox.
        try database.execute(
            sql: """
                INSERT INTO meta SELECT 'inboxHeld', last FROM (SELECT max(row) AS last FROM inbox) WHERE last IS NOT NULL
                ON CONFLICT (key) DO UPDATE SET value = excluded.value
                """)
    }
}

/// Facts about the ledger itself.
enum Meta {
    static func text(_ key: String, _ database: Database) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
    }

    static func set(_ key: String, _ value: String, _ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", arguments: [key, value])
    }
}
