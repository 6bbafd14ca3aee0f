import WakeCore

/// A list of ids as a gateway's configuration writes it. Names in it match nobody: gateways compare ids only.
struct DiscordIDList {
    private let ids: Set<String>
    private let admitsAll: Bool
    /// True if the list says nothing, and so keeps nobody out.
    let isEmpty: Bool

    /// Reads a list of texts or whole numbers, each an id, `<@id>`, or an id after `discord:`, `user:`, `pk:` or `role:`.
    init(_ value: JSONValue?) {
        let entries = (value?.words ?? []).map(\.trimmed)
        isEmpty = entries.isEmpty
        admitsAll = entries.contains("*")
        ids = Set(entries.map(Self.id))
    }

    func contains(_ id: String) -> Bool { admitsAll || ids.contains(id) }

    var hasStar: Bool { admitsAll }

    private static func id(_ entry: String) -> String {
        for prefix in ["discord:", "user:", "pk:", "role:"] where entry.hasPrefix(prefix) {
            return String(entry.dropFirst(prefix.count))
        }
        guard entry.hasPrefix("<@"), entry.hasSuffix(">") else { return entry }
        return String(entry.dropFirst(entry.hasPrefix("<@!") ? 3 : 2).dropLast())
    }
}

/// Names as a gateway's configuration may use them for keys.
enum DiscordSlug {
    /// The name in lower case, with a dash for everything that is no letter or digit of ASCII.
    static func of(_ name: String) -> String? {
        let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return words.joined(separator: "-").nonEmpty
    }
}
