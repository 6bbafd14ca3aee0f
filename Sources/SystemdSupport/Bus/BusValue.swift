/// A value as D-Bus carries it.
///
/// Rule: D-Bus specification, "Type system".
public indirect enum BusValue: Hashable, Sendable {
    /// `b`.
    case boolean(Bool)
    /// `y`.
    case byte(UInt8)
    /// `i`; `n` is read as such.
    case int32(Int32)
    /// `u`; `q` is read as such.
    case uint32(UInt32)
    /// `x`.
    case int64(Int64)
    /// `t`.
    case uint64(UInt64)
    /// `d`.
    case double(Double)
    /// `s`.
    case string(String)
    /// `o`.
    case path(String)
    /// `g`.
    case signature(String)
    /// `h`: a file descriptor; one that was received is a duplicate, and the reader closes it.
    case descriptor(Int32)
    /// `a…`, with the signature of its elements.
    case array(of: String, [BusValue])
    /// `(…)`.
    case structure([BusValue])
    /// `{…}`, within arrays only.
    case entry(BusValue, BusValue)
    /// `v`.
    case variant(BusValue)

    /// Its type, as D-Bus writes it.
    public var signature: String {
        switch self {
        case .boolean: "b"
        case .byte: "y"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .path: "o"
        case .signature: "g"
        case .descriptor: "h"
        case .array(let element, _): "a" + element
        case .structure(let parts): "(" + parts.map(\.signature).joined() + ")"
        case .entry(let key, let value): "{" + key.signature + value.signature + "}"
        case .variant: "v"
        }
    }

    /// A dictionary of properties: `a{sv}`.
    public static func properties(_ members: [(String, BusValue)]) -> BusValue {
        .array(of: "{sv}", members.map { .entry(.string($0.0), .variant($0.1)) })
    }

    /// Its text, of strings, paths and signatures, in a variant or not.
    public var text: String? {
        switch self {
        case .string(let text), .path(let text), .signature(let text): text
        case .variant(let value): value.text
        default: nil
        }
    }

    /// Its number, of whole numbers, in a variant or not; clamped to what it can hold.
    public var integer: Int64? {
        switch self {
        case .byte(let number): Int64(number)
        case .int32(let number): Int64(number)
        case .uint32(let number): Int64(number)
        case .int64(let number): number
        case .uint64(let number): Int64(clamping: number)
        case .variant(let value): value.integer
        default: nil
        }
    }

    /// Its truth, of booleans, in a variant or not.
    public var boolean: Bool? {
        switch self {
        case .boolean(let truth): truth
        case .variant(let value): value.boolean
        default: nil
        }
    }

    /// Its bytes, of arrays of bytes, in a variant or not.
    public var bytes: [UInt8]? {
        switch self {
        case .array(of: "y", let bytes): bytes.compactMap { if case .byte(let byte) = $0 { byte } else { nil } }
        case .variant(let value): value.bytes
        default: nil
        }
    }

    /// Its members, of dictionaries with text for keys; values without their variant.
    public var members: [String: BusValue]? {
        switch self {
        case .array(_, let entries):
            var members: [String: BusValue] = [:]
            for case .entry(let key, let value) in entries {
                guard let name = key.text else { return nil }
                if case .variant(let inner) = value { members[name] = inner } else { members[name] = value }
            }
            return members
        case .variant(let value): return value.members
        default: return nil
        }
    }
}
