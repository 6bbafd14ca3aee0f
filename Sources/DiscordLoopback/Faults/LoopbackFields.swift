import OrderedCollections

/// Reads the fields of a JSON object one by one and knows in the end which were not asked for.
struct LoopbackFields {
    private let json: JSON
    private let what: String
    private var known: [String] = []

    init(_ json: JSON, what: String) {
        self.json = json
        self.what = what
    }

    private mutating func value(_ name: String) -> JSON? {
        known.append(name)
        guard let value = json[key: name], !value.isNull else { return nil }
        return value
    }

    private func wrong(_ name: String, _ expected: String) -> LoopbackError {
        LoopbackError(
            .badScript, "\(what): \"\(name)\" is \(json[key: name]?.text ?? "missing")", hint: "It must be \(expected).")
    }

    mutating func int(_ name: String, _ range: ClosedRange<Int>) throws(LoopbackError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw wrong(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func number(_ name: String, _ range: ClosedRange<Double>) throws(LoopbackError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.number, range.contains(number) else {
            throw wrong(name, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func bool(_ name: String) throws(LoopbackError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.bool else { throw wrong(name, "true or false") }
        return bool
    }

    mutating func text(_ name: String) throws(LoopbackError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else { throw wrong(name, "a string") }
        return text
    }

    mutating func id(_ name: String) throws(LoopbackError) -> Snowflake? {
        guard let value = value(name) else { return nil }
        guard let id = value.snowflake else { throw wrong(name, "a Discord id") }
        return id
    }

    mutating func needed<Value>(_ name: String, _ value: Value?) throws(LoopbackError) -> Value {
        guard let value else { throw wrong(name, "given") }
        return value
    }

    mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(LoopbackError) -> Choice? where Choice.RawValue == String {
        guard let value = value(name) else { return nil }
        guard let choice = value.string.flatMap(Choice.init(rawValue:)) else {
            throw wrong(name, "one of: " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(LoopbackError) -> Choice where Choice.RawValue == String {
        guard let choice = try optionalChoice(name, type) else {
            throw wrong(name, "one of: " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    mutating func permissions(_ name: String) throws(LoopbackError) -> LoopbackPermissions {
        guard let value = value(name) else { return [] }
        var result: LoopbackPermissions = []
        for entry in value.array ?? [value] {
            guard let bits = entry.string.flatMap({ LoopbackPermissions.names[$0] }) else {
                throw wrong(name, "names from: " + LoopbackPermissions.names.keys.sorted().joined(separator: ", "))
            }
            result.formUnion(bits)
        }
        return result
    }

    mutating func array(_ name: String) throws(LoopbackError) -> [JSON]? {
        guard let value = value(name) else { return nil }
        guard let array = value.array else { throw wrong(name, "a list") }
        return array
    }

    /// Refuses fields that nobody asked for.
    func finish() throws(LoopbackError) {
        guard let members = json.object else {
            throw LoopbackError(.badScript, "\(what): \(json.text.prefix(80)) is no object", hint: "Write {…}.")
        }
        guard let stranger = members.keys.first(where: { !known.contains($0) }) else { return }
        throw LoopbackError(
            .badScript, "\(what): \"\(stranger)\" is not known", hint: "Known fields: \(known.joined(separator: ", ")).")
    }
}
