public import WakeCore

/// The entries of the log, one file each. Those above the layer's own number were never accepted, and are written over.
struct PatchLog {
    let directory: String

    /// The most entries, so that a revert, which reads them all, ends.
    static let entriesMaximumCount = 100_000
    static let entryMaximumBytes = 4 * JSON5.textMaximumBytes

    func path(of number: Int) -> String {
        let digits = "\(number)"
        return "\(directory)/\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).json"
    }

    /// The number of the newest entry that lies there, accepted or not; 0 if none does.
    var newestWritten: Int {
        let names = (try? BoundedFile.names(in: directory, maximumCount: Self.entriesMaximumCount + 10)) ?? []
        return names.compactMap { $0.hasSuffix(".json") ? Int($0.dropLast(5)) : nil }.max() ?? 0
    }

    func read(_ number: Int) throws(ChangeFault) -> ConfigurationPatchEntry {
        let path = path(of: number)
        let bytes: [UInt8]
        do { bytes = try BoundedFile.read(path, maximumBytes: Self.entryMaximumBytes) } catch {
            let words = (error as? BoundedFile.Fault)?.words ?? "can't be read"
            throw ChangeFault(.storage, "entry \(number) of the log: \(path) \(words)")
        }
        guard let document = try? JSONValue.parse(bytes), let entry = ConfigurationPatchEntry(document), entry.number == number
        else {
            throw ChangeFault(.storage, "entry \(number) of the log is not what was written there: \(path)")
        }
        return entry
    }
}

extension ConfigurationPatchEntry {
    /// The entry as its file holds it, and as `reveille config log --json` prints it.
    public var json: JSONValue {
        var object: JSONObject = [
            "number": .integer(Int64(number)), "at": .string(at), "atMs": .integer(atMilliseconds), "by": .string(by),
        ]
        object["note"] = note.map { .string($0) }
        object["session"] = session.map { .string($0) }
        object["patch"] = patch
        object["changedPaths"] = .array(changedPaths.map { .string($0) })
        object["revertOf"] = revertOf.map { .integer(Int64($0)) }
        return .object(object)
    }

    init?(_ document: JSONValue) {
        guard let number = document["number"]?.integer, let at = document["atMs"]?.integer, let by = document["by"]?.string,
            let patch = document["patch"], let paths = document["changedPaths"]?.array
        else { return nil }
        self.init(
            number: Int(number), atMilliseconds: at, by: by, note: document["note"]?.string,
            session: document["session"]?.string, patch: patch, changedPaths: paths.compactMap(\.string),
            revertOf: document["revertOf"]?.integer.map { Int($0) })
    }
}
