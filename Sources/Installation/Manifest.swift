import Crypto
public import Foundation

/// What an installation wrote, so that the next one, and the removal, know it from what a person changed.
public struct Manifest: Hashable, Sendable, Codable {
    /// The version of the manifest's own form.
    public var version = 1
    /// The files.
    public var files: [Entry] = []
    /// Folders that were made for them, outermost first.
    public var folders: [String] = []

    /// One file.
    public struct Entry: Hashable, Sendable, Codable {
        /// Where it is.
        public let path: String
        /// The hash of what was written last. More while a new one is being written: a crash leaves one or the other.
        public var sha256: [String]
    }

    /// An empty one.
    public init() {}

    /// Reads one.
    public init(_ data: Data) throws { self = try JSONDecoder().decode(Manifest.self, from: data) }

    /// Its text.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Whether it is we who wrote that there.
    public func wrote(_ data: Data, at path: String) -> Bool {
        files.first { $0.path == path }?.sha256.contains(Self.hash(data)) == true
    }

    /// Says before writing that it will be written.
    public mutating func intend(_ data: Data, at path: String) {
        if let index = files.firstIndex(where: { $0.path == path }) {
            files[index].sha256.removeAll { $0 == Self.hash(data) }
            files[index].sha256.append(Self.hash(data))
        } else {
            files.append(Entry(path: path, sha256: [Self.hash(data)]))
        }
    }

    /// Says that it was written.
    public mutating func wrote(at path: String) {
        if let index = files.firstIndex(where: { $0.path == path }) {
            files[index].sha256 = Array(files[index].sha256.suffix(1))
        }
    }

    /// Forgets a file.
    public mutating func forget(_ path: String) { files.removeAll { $0.path == path } }

    private static func hash(_ data: Data) -> String {
        SHA256.hash(data: data).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
