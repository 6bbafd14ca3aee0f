import WakeCore

/// Where everything in one JSON document lies: a flat list of its values, each with the place after its last part. One pass, one
/// allocation, no dictionaries: a start reads many thousands of bodies.
final class BodyIndex {
    /// A value: its bytes (a string's without the quotes), and the number of the value after it and all its parts.
    struct Node {
        let kind: Kind
        let start: Int32
        var end: Int32
        var after: Int32
    }

    enum Kind: UInt8 {
        case object, array, string, escapedString, number, word
    }

    let bytes: [UInt8]
    private(set) var nodes: [Node] = []
    private var at = 0

    /// The deepest nesting that is read.
    static let maximumDepth = 64

    /// Reads a document.
    ///
    /// - Throws: ``Fault`` where it is none.
    init(_ bytes: [UInt8]) throws(Fault) {
        self.bytes = bytes
        nodes.reserveCapacity(bytes.count / 8)
        try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw fault }
    }

    /// Why it can't be read: the byte where it goes wrong.
    struct Fault: Error, CustomStringConvertible {
        let offsetBytes: Int
        var description: String { "not a JSON document of ours, at byte \(offsetBytes)" }
    }

    private var fault: Fault { Fault(offsetBytes: at) }

    private var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

    private func skipSpace() {
        while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { at += 1 }
    }

    private func expect(_ byte: UInt8) throws(Fault) {
        guard next == byte else { throw fault }
        at += 1
    }

    private func value(depth: Int) throws(Fault) {
        guard depth < Self.maximumDepth else { throw fault }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): try container(.object, close: UInt8(ascii: "}"), depth)
        case UInt8(ascii: "["): try container(.array, close: UInt8(ascii: "]"), depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): scan(.number)
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): scan(.word)
        default: throw fault
        }
    }

    private func container(_ kind: Kind, close: UInt8, _ depth: Int) throws(Fault) {
        let own = nodes.count
        nodes.append(Node(kind: kind, start: Int32(at), end: 0, after: 0))
        at += 1
        skipSpace()
        if next != close {
            while true {
                if kind == .object {
                    skipSpace()
                    try string()
                    skipSpace()
                    try expect(UInt8(ascii: ":"))
                }
                try value(depth: depth + 1)
                skipSpace()
                guard next == UInt8(ascii: ",") else { break }
                at += 1
            }
        }
        try expect(close)
        nodes[own].end = Int32(at)
        nodes[own].after = Int32(nodes.count)
    }

    private func string() throws(Fault) {
        try expect(UInt8(ascii: "\""))
        let start = at
        var kind = Kind.string
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            if bytes[at] == UInt8(ascii: "\\") {
                kind = .escapedString
                at += 1
            }
            at += 1
        }
        let end = at
        try expect(UInt8(ascii: "\""))
        nodes.append(Node(kind: kind, start: Int32(start), end: Int32(end), after: Int32(nodes.count + 1)))
    }

    private func scan(_ kind: Kind) {
        let start = at
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09:
                return nodes.append(Node(kind: kind, start: Int32(start), end: Int32(at), after: Int32(nodes.count + 1)))
            default: at += 1
            }
        }
        nodes.append(Node(kind: kind, start: Int32(start), end: Int32(at), after: Int32(nodes.count + 1)))
    }

    // MARK: Looking

    /// The number of the value of an object's member; nil where there is none.
    func member(_ name: String, of object: Int) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { bytes in
                var key = object + 1
                while key < nodes[object].after {
                    let node = nodes[key]
                    let length = Int(node.end - node.start)
                    if length == wanted.count, bytes[Int(node.start)..<Int(node.end)].elementsEqual(wanted) { return key + 1 }
                    key = Int(nodes[key + 1].after)
                }
                return nil
            }
        }
    }

    /// The text of a string; nil where the value is none.
    func text(_ node: Int) -> String? {
        let range = Int(nodes[node].start)..<Int(nodes[node].end)
        switch nodes[node].kind {
        case .string: return String(decoding: bytes[range], as: UTF8.self)
        case .escapedString: return (try? JSONValue.parse(bytes[(range.lowerBound - 1)...range.upperBound]))?.string
        default: return nil
        }
    }

    /// A whole number that fits; nil where the value is none.
    func integer<Number: FixedWidthInteger>(_ node: Int, as type: Number.Type) -> Number? {
        guard nodes[node].kind == .number else { return nil }
        let digits = bytes[Int(nodes[node].start)..<Int(nodes[node].end)]
        let isNegative = digits.first == UInt8(ascii: "-")
        var value: Number = 0
        for byte in isNegative ? digits.dropFirst() : digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let digit = Number(byte - UInt8(ascii: "0"))
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overAgain) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if over || overAgain { return nil }
            value = sum
        }
        return digits.count > (isNegative ? 1 : 0) ? value : nil
    }

    /// Whether the value is this word: `true`, `false`, `null`.
    func isWord(_ word: StaticString, _ node: Int) -> Bool {
        guard nodes[node].kind == .word else { return false }
        return word.withUTF8Buffer { bytes[Int(nodes[node].start)..<Int(nodes[node].end)].elementsEqual($0) }
    }
}
