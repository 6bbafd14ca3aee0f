import Crypto
import Foundation

/// `openclaw.json`.
struct ConfigFile: Sendable {
    /// What stands in place of a secret.
    static let redacted = "__OPENCLAW_REDACTED__"

    let path: String
    private(set) var raw: String
    private(set) var value: JSON

    /// Reads the file; makes one where there is none.
    init(in directory: String, port: Int, token: String) throws(OpenClawLoopbackError) {
        path = directory + "/openclaw.json"
        if let bytes = FileManager.default.contents(atPath: path) {
            raw = String(decoding: bytes, as: UTF8.self)
            guard let value = JSON(parsing: raw, json5: true), value.object != nil else {
                throw OpenClawLoopbackError(.file, "\(path) is no JSON5 object", hint: "Mend it, or remove it.")
            }
            self.value = value
            return
        }
        value = [
            "gateway": [
                "mode": "local", "bind": "loopback", "port": JSON(port), "auth": ["mode": "token", "token": .string(token)],
            ],
            "channels": ["discord": ["enabled": true, "groupPolicy": "open"]],
            "agents": ["defaults": ["maxConcurrent": 4]],
            "logging": ["level": "info"],
        ]
        raw = value.prettyText
        do { try write(value) } catch {
            throw OpenClawLoopbackError(
                .file, "\(path) can't be written", cause: "\(error)", hint: "Name a directory that you may write to.")
        }
    }

    /// Names these bytes of the file.
    var hash: String { SHA256.hash(data: Data(raw.utf8)).map { String(format: "%02x", $0) }.joined() }

    mutating func write(_ value: JSON) throws {
        let raw = value.prettyText
        try Data(raw.utf8).write(to: URL(filePath: path), options: .atomic)
        (self.value, self.raw) = (value, raw)
    }

    /// The configuration without its secrets.
    var shown: JSON { Self.redact(value, name: "") }

    private static func redact(_ value: JSON, name: String) -> JSON {
        switch value {
        case .object(let members): .object(Dictionary(uniqueKeysWithValues: members.map { ($0, redact($1, name: $0)) }))
        case .array(let values): .array(values.map { redact($0, name: name) })
        case .string where ["token", "password", "secret", "apikey"].contains { name.lowercased().hasSuffix($0) }:
            .string(redacted)
        default: value
        }
    }

    /// Puts the secrets back where someone hands them in as they were shown.
    static func restore(_ new: JSON, from old: JSON?) -> JSON {
        switch new {
        case .string(redacted): old ?? new
        case .object(let members): .object(Dictionary(uniqueKeysWithValues: members.map { ($0, restore($1, from: old?[$0])) }))
        default: new
        }
    }
}
