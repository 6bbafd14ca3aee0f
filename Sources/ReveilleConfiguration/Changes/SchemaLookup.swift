public import WakeCore

/// Says what a key takes and what a change of it needs, before anybody changes it.
public struct SchemaLookup {
    /// The longest path.
    public static let pathMaximumCharacters = 1_024

    /// Looks a key or a group of keys up.
    ///
    /// - Parameter path: keys with points between them, `*` for a name of the operator's choosing (`discord.accounts.*.tokenFile`; a
    ///   real name will do too), `.` for the root. Of letters, digits and `_ . / [ ] - *`; `a[b]` is `a.b`.
    /// - Returns: `{path, schema, reloadKind, needs, hint, children}`; of a group, the most that a change of one of its keys needs.
    /// - Throws: ``ChangeFault``: ``ChangeFault/Code/invalid`` for what is no path, ``ChangeFault/Code/notFound`` for what is no key.
    public static func lookup(_ path: String) throws(ChangeFault) -> JSONValue {
        let keys = try keys(of: path)
        var tree = KeyTree.root
        for (depth, key) in keys.enumerated() {
            guard let branch = branch(key, of: tree) else {
                throw unknown(key, path: keys[...depth].joined(separator: "."), siblings: tree.names)
            }
            tree = branch
        }
        var answer: JSONObject = ["path": .string(keys.isEmpty ? "." : keys.joined(separator: ".")), "schema": schema(of: tree)]
        describe(tree, into: &answer)
        answer["children"] = .array(tree.children.sorted { $0.key < $1.key }.map { child($0.value, named: $0.key, under: keys) })
        return .object(answer)
    }

    private static func keys(of path: String) throws(ChangeFault) -> [String] {
        let hint = "write keys with points between them, such as log.level or discord.accounts.*.tokenFile; . is the root"
        let isSpelled = path.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || "_./[]-*".utf8.contains($0)
        }
        guard (1...pathMaximumCharacters).contains(path.utf8.count), isSpelled else {
            throw ChangeFault(
                .invalid, "is no path: 1 to \(pathMaximumCharacters) of A-Z a-z 0-9 _ . / [ ] - *",
                issues: [("path", "is no path")],
                hint: hint)
        }
        if path == "." { return [] }
        let plain = path.map { $0 == "[" ? "." : "\($0)" }.joined().split(separator: "]", omittingEmptySubsequences: true)
            .joined()
        let keys = plain.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !keys.contains("") else {
            throw ChangeFault(.invalid, "the path has an empty key", issues: [("path", "has an empty key")], hint: hint)
        }
        return keys
    }

    private static func branch(_ key: String, of tree: KeyTree) -> KeyTree? {
        if key == "*" { return tree.label.flatMap { tree.children[$0] } }
        return tree.branch(key)
    }

    private static func unknown(_ key: String, path: String, siblings: [String]) -> ChangeFault {
        let nearest = NearestKey.nearest(to: key, among: siblings).map { "did you mean \($0)?" }
        return ChangeFault(
            .notFound, "there is no key \(ShownText.quoted(path))", issues: [(path, "there is no such key")],
            hint: nearest ?? (siblings.isEmpty ? "look the group up" : "the keys here are \(siblings.joined(separator: ", "))"))
    }

    private static func child(_ tree: KeyTree, named name: String, under keys: [String]) -> JSONValue {
        let key = name.hasPrefix("<") ? "*" : name
        var child: JSONObject = [
            "key": .string(key), "path": .string((keys + [key]).joined(separator: ".")),
            "type": schema(of: tree)["type"] ?? "object", "required": false, "hasChildren": .bool(!tree.children.isEmpty),
        ]
        describe(tree, into: &child)
        return .object(child)
    }

    private static func describe(_ tree: KeyTree, into answer: inout JSONObject) {
        let need = KeyDescriptor.ChangeEffect.strongest(effects(of: tree))
        let kind =
            switch need {
            case .daemonRestart: "restart"
            case .reload, .channelRestart: "hot"
            case .nothing: "none"
            }
        answer["reloadKind"] = .string(kind)
        answer["needs"] = .string(need.rawValue)
        answer["hint"] = tree.descriptor.map { .string($0.meaning) }
    }

    private static func effects(of tree: KeyTree) -> [KeyDescriptor.ChangeEffect] {
        if let descriptor = tree.descriptor { return [descriptor.change] }
        let below = tree.children.values.flatMap { effects(of: $0) }
        // To add or remove an account is more than to change one.
        return tree.label == KeyTable.nameLabel || tree.label == KeyTable.gatewayLabel || tree.label == KeyTable.agentLabel
            ? below + [.daemonRestart] : below
    }

    private static func schema(of tree: KeyTree) -> JSONValue {
        guard let descriptor = tree.descriptor else {
            return ["type": "object", "additionalProperties": .bool(tree.label != nil)]
        }
        var schema = descriptor.kind.schema
        switch descriptor.fallback {
        case .text(let text): schema["default"] = descriptor.kind.fallback(text)
        case .found(let words): schema["defaultFound"] = .string(words)
        case .none: break
        }
        return .object(schema)
    }
}

extension ValueKind {
    /// The type and the range in the words of JSON Schema, where it has them.
    var schema: JSONObject {
        switch self {
        case .duration(let range):
            [
                "type": "string", "format": "duration", "minimum": .string(DurationText.format(range.lowerBound)),
                "maximum": .string(DurationText.format(range.upperBound)),
            ]
        case .integer(let range):
            ["type": "integer", "minimum": .integer(Int64(range.lowerBound)), "maximum": .integer(Int64(range.upperBound))]
        case .number(let range): ["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
        case .flag: ["type": "boolean"]
        case .choice(let words): ["type": "string", "enum": .array(words.map { .string($0) })]
        case .choices(let words):
            ["type": "array", "items": ["type": "string", "enum": .array(words.map { .string($0) })], "uniqueItems": true]
        case .path: ["type": "string", "format": "path"]
        case .variableName: ["type": "string", "format": "variable-name"]
        case .restAddress, .gatewayAddress: ["type": "string", "format": "uri"]
        case .unitName: ["type": "string"]
        case .route: ["type": "string", "format": "route"]
        case .note: ["type": "string", "maxLength": .integer(Int64(Limits.noteBytes))]
        case .template(let fields):
            [
                "type": "string", "maxLength": .integer(Int64(Template.maximumBytes)),
                "fields": .array(fields.sorted().map { .string($0) }),
            ]
        case .session: ["type": "string", "format": "session-key"]
        case .quietHours: ["type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"]
        case .list(let kind):
            [
                "type": "array", "items": ["type": "string", "description": .string(kind.element)],
                "uniqueItems": .bool(!kind.mayRepeat),
                "maxItems": .integer(Int64(ListKind.maximumCount)),
            ]
        case .secret: ["type": "string", "writeOnly": true, "secret": true]
        }
    }

    /// A default as a patch would write it.
    func fallback(_ text: String) -> JSONValue {
        switch self {
        case .integer: Int64(text).map { .integer($0) } ?? .null
        case .number: Double(text).map { number in Int64(exactly: number).map { .integer($0) } ?? .number(number) } ?? .null
        case .choices, .list: .array(text.split(separator: ",").map { .string(String($0.trimmingBlanks())) })
        default: .string(text)
        }
    }
}
