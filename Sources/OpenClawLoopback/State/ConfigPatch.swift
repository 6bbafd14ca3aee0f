/// Merging of configurations, and what differs between two.
enum ConfigPatch {
    /// An array that a patch would make shorter without saying so.
    struct Shrinks: Error { let path: String }

    /// JSON merge-patch (RFC 7396), in which arrays of objects with an `id` are merged by it.
    ///
    /// - Throws: ``Shrinks`` where any other array would lose elements and `replacePaths` does not name it.
    static func merge(
        _ patch: JSON, into old: JSON?, at path: String = "", replacePaths: Set<String>
    ) throws(Shrinks) -> JSON {
        switch (patch, old) {
        case (.object(let changes), _):
            var members = old?.object ?? [:]
            for (key, change) in changes {
                guard change != .null else {
                    members[key] = nil
                    continue
                }
                members[key] = try merge(change, into: members[key], at: join(path, key), replacePaths: replacePaths)
            }
            return .object(members)
        case (.array(let new), .array(let old)) where !replacePaths.contains(path):
            if (new + old).allSatisfy({ $0["id"]?.string != nil }) {
                return .array(try mergeByID(new, into: old, at: path, replacePaths: replacePaths))
            }
            guard new.count >= old.count else { throw Shrinks(path: path) }
            return patch
        default: return patch
        }
    }

    private static func mergeByID(
        _ new: [JSON], into old: [JSON], at path: String, replacePaths: Set<String>
    ) throws(Shrinks) -> [JSON] {
        var merged = old
        for element in new {
            if let index = merged.firstIndex(where: { $0["id"] == element["id"] }) {
                merged[index] = try merge(element, into: merged[index], at: path + "[]", replacePaths: replacePaths)
            } else {
                merged.append(element)
            }
        }
        return merged
    }

    /// The paths whose values differ, dotted and in order; arrays count as a whole.
    static func changes(from old: JSON?, to new: JSON?, at path: String = "") -> [String] {
        guard old != new else { return [] }
        guard let before = old?.object, let after = new?.object else { return [path] }
        return Set(before.keys).union(after.keys).sorted().flatMap { key in
            changes(from: before[key], to: after[key], at: join(path, key))
        }
    }

    /// What a change at a path takes: `restart`, `hot` or `none`.
    static func reloadKind(_ path: String) -> String {
        let parts = path.split(separator: ".")
        switch parts.first {
        case "gateway": return ["reload", "remote"].contains(parts.dropFirst().first) ? "none" : "restart"
        case "plugins", "discovery": return "restart"
        case "meta", "wizard", "identity": return "none"
        default: return "hot"
        }
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
