internal import WakeCore

extension JSON5Value {
    /// The value as JSON; a number that JSON has no word for is reported by its path and becomes null.
    func json(_ unspeakable: inout [String], at path: JSON5Path = .root) -> JSONValue {
        switch self {
        case .null: return .null
        case .boolean(let flag): return .bool(flag)
        case .number(let number):
            guard number.value.isFinite else {
                unspeakable.append("\(path)")
                return .null
            }
            return Int64(exactly: number.value).map { .integer($0) } ?? .number(number.value)
        case .string(let text): return .string(text)
        case .array(let nodes): return .array(nodes.map { $0.value.json(&unspeakable, at: $0.path) })
        case .object(let members):
            var object = JSONObject()
            for member in members { object[member.key] = member.node.value.json(&unspeakable, at: member.node.path) }
            return .object(object)
        }
    }
}

extension JSONValue {
    /// The value as a document without places.
    var json5: JSON5Value {
        switch self {
        case .null: .null
        case .bool(let flag): .boolean(flag)
        case .integer(let integer): .number(JSON5Number(text: "\(integer)", value: Double(integer)))
        case .number(let number): .number(JSON5Number(text: "\(number)", value: number))
        case .string(let text): .string(text)
        case .array(let elements):
            .array(
                elements.enumerated().map { index, element in
                    JSON5Node(value: element.json5, position: .start, path: .index(index, in: .root))
                })
        case .object(let object):
            .object(
                object.members.map { member in
                    let node = JSON5Node(value: member.value.json5, position: .start, path: .key(member.key, in: .root))
                    return JSON5Member(key: member.key, keyPosition: .start, node: node)
                })
        }
    }
}
