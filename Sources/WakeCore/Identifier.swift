/// 128 random bits, printed as 22 characters of base 62 (0-9 A-Z a-z): short enough for Discord's nonce of 25 characters.
public struct Identifier: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// The 22 characters.
    public let description: String

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// The length of the text.
    public static let characterCount = 22

    /// Makes an identifier of 128 bits.
    public init(high: UInt64, low: UInt64) {
        var digits = [UInt8](repeating: UInt8(ascii: "0"), count: Self.characterCount)
        var (high, low) = (high, low)
        for index in digits.indices.reversed() {
            let (nextHigh, rest) = high.quotientAndRemainder(dividingBy: 62)
            let (nextLow, digit) = UInt64(62).dividingFullWidth((rest, low))
            digits[index] = Self.alphabet[Int(digit)]
            (high, low) = (nextHigh, nextLow)
        }
        description = String(decoding: digits, as: UTF8.self)
    }

    /// Takes the printed form; nil unless it is exactly 22 characters of base 62.
    public init?(_ text: String) {
        guard text.utf8.count == Self.characterCount, text.utf8.allSatisfy(Self.alphabet.contains) else { return nil }
        description = text
    }

    /// Reads the printed form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Identifier(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an identifier of 22 characters")
        }
        self = value
    }

    /// Writes the printed form.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }

    /// By text; identifiers are random, so this is an order, not an age.
    public static func < (left: Identifier, right: Identifier) -> Bool { left.description < right.description }
}

/// Names a ``Sentinel``.
public typealias SentinelID = Identifier
/// Names a ``Wake``; printed in the last line of each notice.
public typealias WakeID = Identifier

/// All the randomness of one step: the shell seeds it from the system, the simulator from its own seed, and the same dice fall alike.
public struct Dice: Sendable {
    private var high: UInt64
    private var low: UInt64

    /// Seeds the dice. Production code hands in 128 random bits for every step; identifiers are as unique as these.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A fresh identifier.
    public mutating func identifier() -> Identifier { Identifier(high: Self.roll(&high), low: Self.roll(&low)) }

    /// A fraction in 0..<1, for jitter.
    public mutating func fraction() -> UnitFraction { UnitFraction(Double(Self.roll(&high) >> 11) * 0x1p-53) }

    // SplitMix64: the mixing is a bijection, so two identifiers of different seeds differ.
    private static func roll(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A number in 0..<1.
public struct UnitFraction: Hashable, Sendable {
    /// The number.
    public let value: Double

    /// Clamps into 0..<1; NaN becomes 0.
    public init(_ value: Double) { self.value = value >= 0 ? min(value, 1.0.nextDown) : 0 }
}
