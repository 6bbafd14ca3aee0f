import Foundation
import ReveilleConfiguration

/// Made up, in the form of the real ones; split so that no scanner takes it for one.
enum Tokens {
    static let good = ["MTIzNDU2Nzg5MDEyMzQ1Njc4", "GaBcDe", "abcdefghijklmnopqrstuvwxyz0123456789AB"].joined(separator: ".")
    static let other = ["OTk5OTk5OTk5OTk5OTk5OTk5", "GzYxWv", "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zy"].joined(separator: ".")
}

/// A directory of its own for one test, gone with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/reveille-configuration-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw Wrong() }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws -> String {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]), withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: file, contents: Data(bytes)), chmod(file, mode_t(mode)) == 0 else {
            throw Wrong()
        }
        return file
    }

    /// A user whose home this is, with nothing in the environment but what is given.
    func surroundings(_ variables: [String: String] = [:]) -> Surroundings {
        Surroundings(
            variables: ["HOME": path].merging(variables) { _, given in given }, userID: geteuid() == 0 ? 0 : geteuid(),
            workingDirectory: path)
    }

    /// Writes `text` as the main file and loads it.
    func load(_ text: String, _ variables: [String: String] = [:], set overrides: [String] = []) throws -> Configuration {
        let file = try write("reveille.json5", text)
        let overrides = try overrides.map { try ConfigurationOverride(parsing: $0) }
        return try ConfigurationLoader(surroundings: surroundings(variables), file: file, scope: .user, overrides: overrides)
            .load()
    }

    /// What is wrong with `text` as the main file.
    func problems(_ text: String, _ variables: [String: String] = [:], set overrides: [String] = []) throws
        -> [ConfigurationProblem]
    {
        do {
            _ = try load(text, variables, set: overrides)
            return []
        } catch let problems as ConfigurationProblems {
            return problems.list
        }
    }
}

extension Configuration {
    /// The setting of a path, as `config show` prints it.
    func setting(_ path: String) -> ConfigurationSetting? { settings.first { "\($0.path)" == path } }
}
