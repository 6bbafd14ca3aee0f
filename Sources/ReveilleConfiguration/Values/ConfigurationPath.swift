/// The path of a configuration key: `discord.accounts.default.tokenFile`, `sessions."agent:infra:*".route`.
public struct ConfigurationPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The keys from the outermost to the innermost.
    public let components: [String]

    /// Makes a path of its keys.
    public init(_ components: [String]) {
        self.components = components
    }

    /// Reads a path as ``description`` writes it; nil if a quote is left open or a key is empty.
    public init?(parsing text: String) {
        var components: [String] = []
        var rest = text[...]
        while true {
            let component: Substring
            if rest.first == "\"" {
                guard let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
                component = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
            } else {
                component = rest.prefix { $0 != "." && $0 != "\"" }
                rest = rest.dropFirst(component.count)
            }
            guard !component.isEmpty else { return nil }
            components.append(String(component))
            if rest.isEmpty { break }
            guard rest.first == "." else { return nil }
            rest = rest.dropFirst()
        }
        self.components = components
    }

    /// The keys joined by points; a key that is no plain word stands in quotes.
    public var description: String { components.map(Self.shown).joined(separator: ".") }

    /// Alphabetical, key by key.
    public static func < (left: ConfigurationPath, right: ConfigurationPath) -> Bool {
        left.components.lexicographicallyPrecedes(right.components)
    }

    static func shown(_ key: String) -> String {
        let isPlain =
            !key.isEmpty
            && key.unicodeScalars.allSatisfy {
                switch $0 {
                case "a"..."z", "A"..."Z", "0"..."9", "_", "-", "<", ">": true
                default: false
                }
            }
        return isPlain ? ShownText.escaped(key) : ShownText.quoted(key)
    }
}
