import ReveilleConfiguration
import WakeCore

/// Makes one value of a configuration's files.
struct GatewayConfigResolver {
    var library: GatewayConfigLibrary
    private(set) var problems: [GatewayConfigProblem] = []
    /// Nil leaves references to variables as they stand.
    private let environment: [String: String]?

    /// Where the resolver is: a file with those that include it, and the key in the whole configuration.
    private struct Place {
        var file: String
        var path = ""
        var chain: [String]

        func member(_ key: String) -> Place {
            var place = self
            let shown = ConfigurationPath([key]).description
            place.path = path.isEmpty ? shown : path + "." + shown
            return place
        }

        func element(_ index: Int) -> Place {
            var place = self
            place.path = path + "[\(index)]"
            return place
        }
    }

    init(library: GatewayConfigLibrary, environment: [String: String]?) {
        self.library = library
        self.environment = environment
    }

    /// The value of the main file; an empty object if there is none.
    mutating func resolved(_ file: String, _ read: (String) throws -> [UInt8]) -> JSONValue {
        let place = Place(file: file, chain: [file])
        let value = content(of: file, read, place, reportedAt: Place(file: file, chain: [])) ?? [:]
        if value.object != nil { return value }
        report(.notJSON5, place, "the file holds no object", hint: "A configuration is an object: { … }.")
        return [:]
    }

    private mutating func content(
        of file: String, _ read: (String) throws -> [UInt8], _ place: Place, reportedAt origin: Place
    ) -> JSONValue? {
        do {
            let document = try library.document(file, read)
            return value(document.root, place, read)
        } catch {
            let reason = origin.file == file ? error.reason : "\(file): \(error.reason)"
            report(error.code, origin, reason, hint: error.hint)
            return nil
        }
    }

    private mutating func value(_ node: JSON5Node, _ place: Place, _ read: (String) throws -> [UInt8]) -> JSONValue {
        switch node.value {
        case .null: return .null
        case .boolean(let flag): return .bool(flag)
        case .number(let number):
            // The text first: a double would bend the long ids of Discord.
            if let integer = Int64(number.text) ?? Int64(exactly: number.value) { return .integer(integer) }
            return number.value.isFinite ? .number(number.value) : .null
        case .string(let text): return substituted(text, place)
        case .array(let nodes):
            var elements: [JSONValue] = []
            for (index, node) in nodes.enumerated() { elements.append(value(node, place.element(index), read)) }
            return .array(elements)
        case .object(let members): return object(members, place, read)
        }
    }

    private mutating func object(
        _ members: [JSON5Member], _ place: Place, _ read: (String) throws -> [UInt8]
    ) -> JSONValue {
        var own = JSONObject()
        var include: JSON5Node?
        for member in members {
            if member.key == "$include" {
                include = member.node
            } else {
                own[member.key] = value(member.node, place.member(member.key), read)
            }
        }
        guard let include else { return .object(own) }
        let included = included(include, place, read)
        if own.members.isEmpty { return included }
        guard included.object != nil else {
            report(
                .badInclude, place.member("$include"), "what is included is no object, and there are keys beside it",
                hint: "Include it as the value of a key of its own.")
            return .object(own)
        }
        return Self.merged(included, .object(own))
    }

    // MARK: Includes

    private mutating func included(_ node: JSON5Node, _ place: Place, _ read: (String) throws -> [UInt8]) -> JSONValue {
        switch node.value {
        case .string(let path): return file(path, place, read) ?? [:]
        case .array(let nodes):
            var whole: JSONValue = [:]
            for node in nodes {
                guard case .string(let path) = node.value else {
                    reportBadInclude(node, place)
                    continue
                }
                if let part = file(path, place, read) { whole = Self.merged(whole, part) }
            }
            return whole
        default:
            reportBadInclude(node, place)
            return [:]
        }
    }

    private mutating func reportBadInclude(_ node: JSON5Node, _ place: Place) {
        report(
            .badInclude, place.member("$include"),
            "a path was expected in line \(node.position.line), not \(node.value.kindInWords)",
            hint: "$include takes a path or a list of paths.")
    }

    private mutating func file(_ path: String, _ place: Place, _ read: (String) throws -> [UInt8]) -> JSONValue? {
        let target = PlainPath.resolved(path, from: PlainPath.folder(of: place.file))
        let origin = place.member("$include")
        if !PlainPath.isInside(target, library.root) {
            report(
                .outside, origin, "\(target) lies outside of \(library.root)",
                hint: "Move the file into the folder of the main file; the gateway reads no other.")
        } else if place.chain.contains(target) {
            report(
                .cycle, origin, "the file includes itself: \((place.chain + [target]).joined(separator: " → "))",
                hint: "Take one of these includes out.")
        } else if place.chain.count > GatewayConfigFile.maximumDepth {
            report(
                .tooDeep, origin, "includes are nested more than \(GatewayConfigFile.maximumDepth) deep",
                hint: "Include the file from one further up.")
        } else {
            let inner = Place(file: target, path: place.path, chain: place.chain + [target])
            return content(of: target, read, inner, reportedAt: origin)
        }
        return nil
    }

    /// As the gateway merges: objects member by member, lists one after the other, else the later value.
    private static func merged(_ earlier: JSONValue, _ later: JSONValue) -> JSONValue {
        switch (earlier, later) {
        case (.array(let first), .array(let second)): return .array(first + second)
        case (.object(var whole), .object(let second)):
            for member in second.members {
                whole[member.key] = whole[member.key].map { merged($0, member.value) } ?? member.value
            }
            return .object(whole)
        default: return later
        }
    }

    // MARK: Variables

    private mutating func substituted(_ text: String, _ place: Place) -> JSONValue {
        guard let environment else { return .string(text) }
        switch EnvironmentReferences.substituted(text, environment) {
        case .success(let text): return .string(text)
        case .failure(let missing):
            report(
                .missingVariable, place, "the variable \(missing.name) is not set",
                hint: "Set it where the gateway runs, or for reveille. Until then the key counts as not set.")
            return .null
        }
    }

    private mutating func report(_ code: GatewayConfigProblem.Code, _ place: Place, _ reason: String, hint: String) {
        problems.append(GatewayConfigProblem(code, file: place.file, path: place.path, reason, hint: hint))
    }
}
