import Glibc
public import RunStates
import WakeCore

/// Which run states there are: those of the configuration, and those that were begun elsewhere, which a file beside the ledger names.
public struct RunStateBook: Hashable, Sendable {
    /// The most files that are looked after.
    public static let maximumCount = 1_000

    /// Paths, absolute; in the last part of one, `*` stands for any characters.
    public let patterns: [String]
    /// The file that names the others.
    public let registry: String

    /// Joins them.
    ///
    /// - Parameters:
    ///   - patterns: absolute paths.
    ///   - folder: where the registry lies: the ledger's folder.
    public init(patterns: [String], folder: String) {
        self.patterns = patterns
        registry = folder + "/runstates.json"
    }

    /// All files there are or were said to be, without repeats, in order; at most ``maximumCount``.
    public func paths() -> [String] {
        var seen: Set<String> = []
        // Those that were begun last are looked after first.
        let all = patterns.flatMap(Self.expanded) + registered().reversed()
        return Array(all.filter { seen.insert($0).inserted }.prefix(Self.maximumCount))
    }

    /// The folders in which a change tells that there may be others: also one whose pattern names nothing yet, and that of the registry.
    var folders: Set<String> { Set((patterns + registered() + [registry]).map { RunStateFile($0).folder }) }

    /// The file that is meant where none is named: the first of the configuration.
    public var standard: String? { patterns.first { !$0.contains("*") } }

    private static func expanded(_ pattern: String) -> [String] {
        guard pattern.contains("*") else { return [pattern] }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, GLOB_NOSORT, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }.sorted()
    }

    private func registered() -> [String] {
        guard let file = fopen(registry, "re") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: RunState.maximumBytes)
        let count = fread(&bytes, 1, bytes.count, file)
        let list = (try? JSONValue.parse(bytes[..<count]))?["files"]?.array ?? []
        return list.compactMap(\.string).filter { $0.hasPrefix("/") }
    }

    /// Whether a file is looked after without being remembered first, if it is there.
    public func names(_ path: String) -> Bool { patterns.flatMap(Self.expanded).contains(path) || registered().contains(path) }

    /// Remembers a file, so that it is looked after; those that are gone are forgotten. One of the configuration needs no remembering.
    ///
    /// - Throws: ``RunStates/RunStateError``.
    public func add(_ path: String) throws(RunStateError) {
        guard !names(path) else { return }
        do throws(RunStateError) { try remember(path) } catch {
            throw RunStateError(
                error.code, "the daemon can't be told to look after '\(path)': \(error.message)",
                hint: "Call as the user whose ledger it is, or name the file under runStates.files in the configuration.")
        }
    }

    private func remember(_ path: String) throws(RunStateError) {
        // The ledger's folder is the operator's own: where it lies is for them to say, by a link as well.
        let there = RunStateFile(registry)
        let file = RunStateFile(RunStateFile.real(there.folder).map { "\($0)/\(there.name)" } ?? registry)
        let lock = try FileLock(beside: file)
        defer { lock.release() }
        let kept = registered().filter { access($0, F_OK) == 0 && $0 != path } + [path]
        let document: JSONValue = ["files": .array(kept.suffix(Self.maximumCount).map { .string($0) })]
        try file.write(Array((PrettyJSON.text(document) + "\n").utf8))
    }
}
