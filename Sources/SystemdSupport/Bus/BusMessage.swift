import CSystemd

/// A message's arguments, written and read on the bus's own thread.
enum BusMessage {
    /// Deeper nesting than this is refused; D-Bus itself allows 64.
    private static let deepest = 32

    static func append(_ values: [BusValue], to message: OpaquePointer) throws(BusError) {
        for value in values { try append(value, to: message) }
    }

    private static func append(_ value: BusValue, to message: OpaquePointer) throws(BusError) {
        switch value {
        case .boolean(let truth): try basic("b", Int32(truth ? 1 : 0), message)
        case .byte(let number): try basic("y", number, message)
        case .int32(let number): try basic("i", number, message)
        case .uint32(let number): try basic("u", number, message)
        case .int64(let number): try basic("x", number, message)
        case .uint64(let number): try basic("t", number, message)
        case .double(let number): try basic("d", number, message)
        case .descriptor(let number): try basic("h", number, message)
        case .string(let text): try self.text("s", text, message)
        case .path(let text): try self.text("o", text, message)
        case .signature(let text): try self.text("g", text, message)
        case .array(let element, let values): try container("a", element, values, message)
        case .structure(let parts): try container("r", parts.map(\.signature).joined(), parts, message)
        case .entry(let key, let value): try container("e", key.signature + value.signature, [key, value], message)
        case .variant(let value): try container("v", value.signature, [value], message)
        }
    }

    private static func basic<Value>(_ type: Character, _ value: Value, _ message: OpaquePointer) throws(BusError) {
        let result = withUnsafePointer(to: value) { sd_bus_message_append_basic(message, CChar(type), $0) }
        try BusError.unless(result >= 0, result, "a value could not be written")
    }

    private static func text(_ type: Character, _ text: String, _ message: OpaquePointer) throws(BusError) {
        let result = text.withCString { sd_bus_message_append_basic(message, CChar(type), $0) }
        try BusError.unless(result >= 0, result, "'\(text)' could not be written")
    }

    private static func container(
        _ type: Character, _ contents: String, _ values: [BusValue], _ message: OpaquePointer
    ) throws(BusError) {
        let opened = sd_bus_message_open_container(message, CChar(type), contents)
        try BusError.unless(opened >= 0, opened, "a container could not be written")
        try append(values, to: message)
        let closed = sd_bus_message_close_container(message)
        try BusError.unless(closed >= 0, closed, "a container could not be written")
    }

    /// Everything from where the message stands to the end of its arguments.
    static func read(_ message: OpaquePointer) throws(BusError) -> [BusValue] { try readAll(message, depth: 0) }

    private static func readAll(_ message: OpaquePointer, depth: Int) throws(BusError) -> [BusValue] {
        guard depth <= deepest else { throw BusError(errno: EBADMSG, "an answer is nested too deeply") }
        var values: [BusValue] = []
        while true {
            var type: CChar = 0
            var contents: UnsafePointer<CChar>?
            let result = sd_bus_message_peek_type(message, &type, &contents)
            try BusError.unless(result >= 0, result, "an answer can't be read")
            guard result > 0 else { return values }
            values.append(try value(Character(UnicodeScalar(UInt8(bitPattern: type))), contents, message, depth))
        }
    }

    private static func value(
        _ type: Character, _ contents: UnsafePointer<CChar>?, _ message: OpaquePointer, _ depth: Int
    ) throws(BusError) -> BusValue {
        switch type {
        case "b": return .boolean(try number(type, Int32(0), message) != 0)
        case "y": return .byte(try number(type, UInt8(0), message))
        case "n": return .int32(Int32(try number(type, Int16(0), message)))
        case "q": return .uint32(UInt32(try number(type, UInt16(0), message)))
        case "i": return .int32(try number(type, Int32(0), message))
        case "u": return .uint32(try number(type, UInt32(0), message))
        case "x": return .int64(try number(type, Int64(0), message))
        case "t": return .uint64(try number(type, UInt64(0), message))
        case "d": return .double(try number(type, Double(0), message))
        case "h": return .descriptor(dup(try number(type, Int32(0), message)))
        case "s": return .string(try text(type, message))
        case "o": return .path(try text(type, message))
        case "g": return .signature(try text(type, message))
        default:
            let inner = contents.map { String(cString: $0) } ?? ""
            let entered = sd_bus_message_enter_container(message, CChar(type), contents)
            try BusError.unless(entered >= 0, entered, "an answer can't be read")
            let values = try readAll(message, depth: depth + 1)
            let left = sd_bus_message_exit_container(message)
            try BusError.unless(left >= 0, left, "an answer can't be read")
            switch type {
            case "a": return .array(of: inner, values)
            case "v" where values.count == 1: return .variant(values[0])
            case "e" where values.count == 2: return .entry(values[0], values[1])
            default: return .structure(values)
            }
        }
    }

    private static func number<Value>(_ type: Character, _ zero: Value, _ message: OpaquePointer) throws(BusError) -> Value {
        var value = zero
        let result = withUnsafeMutablePointer(to: &value) { sd_bus_message_read_basic(message, CChar(type), $0) }
        try BusError.unless(result >= 0, result, "an answer can't be read")
        return value
    }

    private static func text(_ type: Character, _ message: OpaquePointer) throws(BusError) -> String {
        var text: UnsafePointer<CChar>?
        let result = withUnsafeMutablePointer(to: &text) { sd_bus_message_read_basic(message, CChar(type), $0) }
        try BusError.unless(result >= 0, result, "an answer can't be read")
        return text.map { String(cString: $0) } ?? ""
    }
}

extension CChar {
    fileprivate init(_ character: Character) { self = CChar(bitPattern: character.asciiValue ?? 0) }
}
