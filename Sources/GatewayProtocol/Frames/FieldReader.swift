public import WakeCore

/// Reads the fields of a request's params, and gathers everything that is wrong with them, so that one answer names it all.
///
/// Fields that nobody asks for are passed over; a field that is `null` counts as absent.
public struct FieldReader {
    private let object: JSONObject
    private let path: String
    /// What is wrong so far, with the path of each.
    public private(set) var problems: [(path: String, message: String)] = []

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - value: the params; none counts as an empty object.
    ///   - name: what messages call them.
    public init(_ value: JSONValue?, in name: String) {
        path = ""
        switch value {
        case .object(let object): self.object = object
        case nil, .null: object = [:]
        default:
            object = [:]
            problems = [("", "the params of \(name) must be an object")]
        }
    }

    private init(_ object: JSONObject, path: String) {
        self.object = object
        self.path = path
    }

    /// Whether the field is there and not `null`.
    public func has(_ key: String) -> Bool { value(key) != nil }

    /// The field as it is.
    public func value(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return .none }
        return value
    }

    /// Notes that something is wrong with a field.
    public mutating func complain(_ key: String, _ message: String) {
        problems.append((path.isEmpty ? key : key.isEmpty ? path : "\(path).\(key)", message))
    }

    /// A text of that many bytes, which must be there.
    public mutating func text(_ key: String, _ bytes: ClosedRange<Int>) -> String? {
        guard has(key) else {
            complain(key, "is missing")
            return nil
        }
        return optionalText(key, bytes)
    }

    /// A text of that many bytes.
    public mutating func optionalText(_ key: String, _ bytes: ClosedRange<Int>) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.string, bytes.contains(text.utf8.count) else {
            complain(key, "must be a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
            return nil
        }
        return text
    }

    /// Texts.
    public mutating func optionalTexts(_ key: String, count: Int, bytes: ClosedRange<Int>) -> [String]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.array, elements.count <= count,
            case let texts = elements.compactMap(\.string), texts.count == elements.count,
            texts.allSatisfy({ bytes.contains($0.utf8.count) })
        else {
            complain(key, "must be a list of at most \(count) texts of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
            return nil
        }
        return texts
    }

    /// A whole number in the range, which must be there.
    public mutating func integer(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard has(key) else {
            complain(key, "is missing")
            return nil
        }
        return optionalInteger(key, range)
    }

    /// A whole number in the range.
    public mutating func optionalInteger(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(key) else { return nil }
        guard let number = value.integer, range.contains(number) else {
            complain(
                key,
                range.upperBound == .max
                    ? "must be a whole number from \(range.lowerBound)"
                    : "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// A truth value.
    public mutating func optionalBool(_ key: String) -> Bool? {
        guard let value = value(key) else { return nil }
        if value.bool == nil { complain(key, "must be true or false") }
        return value.bool
    }

    /// One of these words.
    public mutating func optionalWord(_ key: String, _ words: [String]) -> String? {
        guard let value = value(key) else { return nil }
        guard let word = value.string, words.contains(word) else {
            complain(key, "must be one of \(words.joined(separator: ", "))")
            return nil
        }
        return word
    }

    /// An object, which must be there. Read from it, then ``join(_:)`` it again.
    public mutating func object(_ key: String) -> FieldReader {
        if !has(key) { complain(key, "is missing") }
        return optionalObject(key) ?? FieldReader([:], path: "").silenced
    }

    /// An object. Read from it, then ``join(_:)`` it again.
    public mutating func optionalObject(_ key: String) -> FieldReader? {
        guard let value = value(key) else { return nil }
        guard let object = value.object else {
            complain(key, "must be an object")
            return FieldReader([:], path: "").silenced
        }
        return FieldReader(object, path: path.isEmpty ? key : "\(path).\(key)")
    }

    private var isSilent = false
    private var silenced: FieldReader {
        var reader = self
        reader.isSilent = true
        return reader
    }

    /// Takes over what is wrong with an inner object.
    public mutating func join(_ inner: FieldReader) { if !inner.isSilent { problems += inner.problems } }

    /// Ends the reading.
    ///
    /// - Throws: `INVALID_REQUEST` that names everything that is wrong, with `details.issues` for programs.
    public func finish() throws(GatewayFault) {
        guard !problems.isEmpty else { return }
        let words = problems.map { $0.path.isEmpty ? $0.message : "\($0.path) \($0.message)" }
        throw GatewayFault(
            .invalidRequest, words.joined(separator: "; "),
            details: [
                "issues": .array(problems.map { ["path": .string($0.path), "message": .string($0.message)] })
            ])
    }
}
