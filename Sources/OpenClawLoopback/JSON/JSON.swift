import Foundation

/// A JSON value.
indirect enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// The member of an object; `nil` for other values and missing keys.
    subscript(key: String) -> JSON? {
        get { if case .object(let members) = self { members[key] } else { nil } }
        set {
            guard case .object(var members) = self else { return }
            members[key] = newValue
            self = .object(members)
        }
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
    var int: Int? { if case .int(let value) = self { Int(value) } else { nil } }

    /// The text of a string that is there and not empty.
    var filled: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .int(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    init(nilLiteral: ()) { self = .null }
    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }

    /// A string, or null for none.
    init(_ text: String?) { self = text.map(JSON.string) ?? .null }
    init(_ value: Int) { self = .int(Int64(value)) }
    init(_ texts: [String]) { self = .array(texts.map(JSON.string)) }

    /// An object without the members that are `nil`.
    static func members(_ members: [String: JSON?]) -> JSON { .object(members.compactMapValues(\.self)) }
}

extension JSON: Codable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int64.self) {
            self = .int(int)
        } else if let double = try? value.decode(Double.self) {
            self = .double(double)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// Parses JSON, or JSON5 where people write it by hand; `nil` for anything else.
    init?(parsing text: String, json5: Bool = false) {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = json5
        guard let value = try? decoder.decode(JSON.self, from: Data(text.utf8)) else { return nil }
        self = value
    }

    /// The compact text, keys in order.
    var text: String { encoded([.sortedKeys, .withoutEscapingSlashes]) }

    /// The text for people, with a newline at its end.
    var prettyText: String { encoded([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]) + "\n" }

    private func encoded(_ formatting: JSONEncoder.OutputFormatting) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}
