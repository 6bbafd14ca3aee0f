/// Reads bodies about three times as fast as a general decoder: just what the core's values need, no floating point. Tests hold it to
/// the same answers.
struct BodyDecoder: Decoder {
    fileprivate let index: BodyIndex
    fileprivate let node: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Reads a value from a document.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try Value(from: BodyDecoder(index: try BodyIndex(bytes), node: 0))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard index.nodes[node].kind == .object else { throw wrong("an object") }
        return KeyedDecodingContainer(KeyedBody<Key>(index: index, node: node))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard index.nodes[node].kind == .array else { throw wrong("an array") }
        return UnkeyedBody(index: index, node: node)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    fileprivate func at(_ other: Int) -> BodyDecoder { BodyDecoder(index: index, node: other) }

    fileprivate func wrong(_ wanted: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "\(wanted) was expected at byte \(index.nodes[node].start)"))
    }
}

extension BodyDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { index.isWord("null", node) }

    func decode(_ type: Bool.Type) throws -> Bool {
        if index.isWord("true", node) { return true }
        if index.isWord("false", node) { return false }
        throw wrong("true or false")
    }

    func decode(_ type: String.Type) throws -> String {
        guard let text = index.text(node) else { throw wrong("a string") }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double { throw wrong("no fraction") }
    func decode(_ type: Float.Type) throws -> Float { throw wrong("no fraction") }
    func decode(_ type: Int.Type) throws -> Int { try whole() }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole() }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole() }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole() }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole() }
    func decode(_ type: UInt.Type) throws -> UInt { try whole() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }

    private func whole<Number: FixedWidthInteger>() throws -> Number {
        guard let number = index.integer(node, as: Number.self) else { throw wrong("a whole number in range") }
        return number
    }
}

private struct KeyedBody<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let index: BodyIndex
    let node: Int
    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] {
        var keys: [Key] = []
        var key = node + 1
        while key < index.nodes[node].after {
            if let text = index.text(key), let known = Key(stringValue: text) { keys.append(known) }
            key = Int(index.nodes[key + 1].after)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { index.member(key.stringValue, of: node) != nil }

    private func member(_ key: Key) throws -> BodyDecoder {
        guard let found = index.member(key.stringValue, of: node) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: [], debugDescription: "'\(key.stringValue)' is missing at byte \(index.nodes[node].start)")
            )
        }
        return BodyDecoder(index: index, node: found)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try member(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try member(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try member(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try Value(from: try member(key)) }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let found = index.member(key.stringValue, of: node), !index.isWord("null", found) else { return nil }
        return try Value(from: BodyDecoder(index: index, node: found))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try member(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { BodyDecoder(index: index, node: node) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

private struct UnkeyedBody: UnkeyedDecodingContainer {
    let index: BodyIndex
    let node: Int
    private var next: Int
    private(set) var currentIndex = 0

    init(index: BodyIndex, node: Int) {
        self.index = index
        self.node = node
        next = node + 1
    }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { nil }
    var isAtEnd: Bool { next >= index.nodes[node].after }

    private mutating func take() throws -> BodyDecoder {
        guard !isAtEnd else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "an array at byte \(index.nodes[node].start) is too short"))
        }
        defer {
            next = Int(index.nodes[next].after)
            currentIndex += 1
        }
        return BodyDecoder(index: index, node: next)
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, index.isWord("null", next) else { return false }
        _ = try take()
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try take().decode(type) }
    mutating func decode(_ type: String.Type) throws -> String { try take().decode(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try take().decode(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try take().decode(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try take().decode(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try take().decode(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try take().decode(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try take().decode(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try take().decode(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try take().decode(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try take().decode(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try take().decode(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try take().decode(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try take().decode(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: try take()) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try take().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try take().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try take() }
}
