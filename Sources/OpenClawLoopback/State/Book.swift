import Foundation

/// What outlives every life, and the process: the stand-in's own database.
struct Book: Codable, Sendable {
    struct Entry: Codable, Sendable {
        var role: String
        var text: String
        /// Unix milliseconds.
        var timestamp: Int
    }

    struct Session: Codable, Sendable {
        var id: String
        /// Unix milliseconds.
        var updatedAt: Int
        var label: String?
        var route: Route?
        var transcript: [Entry] = []
    }

    /// The one sentinel of the newest generation.
    struct Sentinel: Codable, Sendable {
        /// Grows with each writing.
        var revision: Int
        var payload: JSON
    }

    /// Something that is owed until it is done: a notice to people, or a wake of a session.
    struct Row: Codable, Sendable {
        enum Kind: String, Codable { case wake, notice }
        enum Condition: String, Codable { case queued, done }

        /// Names the obligation: a second one of the same key is the same one.
        var key: String
        var kind: Kind
        var session: String
        var text: String
        var route: Route?
        var attempts = 0
        var condition = Condition.queued
    }

    var lives = 0
    var revision = 0
    var sessions: [String: Session] = [:]
    var sentinel: Sentinel?
    var rows: [Row] = []

    /// Adds a row unless there is one of its key.
    mutating func owe(_ row: Row) {
        if !rows.contains(where: { $0.key == row.key }) { rows.append(row) }
    }

    /// Changes a row.
    mutating func change(_ key: String, _ body: (inout Row) -> Void) {
        guard let index = rows.firstIndex(where: { $0.key == key }) else { return }
        body(&rows[index])
    }

    static func path(in directory: String) -> String { directory + "/loopback-state.json" }

    /// The book of a directory; an empty one where there is none.
    static func load(from directory: String) throws(OpenClawLoopbackError) -> Book {
        let path = path(in: directory)
        guard let bytes = FileManager.default.contents(atPath: path) else { return Book() }
        do { return try JSONDecoder().decode(Book.self, from: bytes) } catch {
            throw OpenClawLoopbackError(
                .file, "The state file \(path) can't be read", cause: "\(error)", hint: "Remove it, or name another directory.")
        }
    }

    func save(to directory: String) throws {
        try JSONEncoder().encode(self).write(to: URL(filePath: Self.path(in: directory)), options: .atomic)
    }
}
