public import WakeCore

/// A Discord id: 64 bits, of which the upper 42 are milliseconds since 2015-01-01 UTC.
///
/// On the wire ids are strings; imitations send numbers, so both are read. Rule: Discord, reference, "Snowflakes".
public struct Snowflake: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds from the Unix epoch to 2015-01-01T00:00:00Z, where snowflakes begin.
    public static let epochUnixMilliseconds: Int64 = 1_420_070_400_000

    /// All 64 bits.
    public let rawValue: UInt64

    /// Takes the 64 bits as they are.
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Reads 1 to 20 decimal digits; `nil` for anything else, a sign or a space included.
    public init?(_ text: some StringProtocol) {
        guard (1...20).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = UInt64(text)
        else { return nil }
        self.rawValue = value
    }

    /// Reads a JSON string of digits or a whole JSON number that is not negative; `nil` for anything else.
    public init?(json: JSONValue?) {
        switch json {
        case .string(let text): self.init(text)
        case .integer(let number) where number >= 0: self.init(UInt64(number))
        default: return nil
        }
    }

    /// The smallest id that a thing made at this moment can have; moments before 2015 give 0.
    public init(earliestAtUnixMilliseconds milliseconds: Int64) {
        let since = milliseconds.subtractingReportingOverflow(Self.epochUnixMilliseconds)
        guard !since.overflow, since.partialValue > 0 else {
            self.rawValue = 0
            return
        }
        self.rawValue = UInt64(min(since.partialValue, (1 << 42) - 1)) << 22
    }

    /// When the thing was made, in milliseconds since the Unix epoch, by Discord's clock.
    public var unixMilliseconds: Int64 {
        Int64(rawValue >> 22) + Self.epochUnixMilliseconds
    }

    /// The decimal digits, as Discord writes them.
    public var description: String { String(rawValue) }

    /// Older ids are smaller.
    public static func < (left: Snowflake, right: Snowflake) -> Bool { left.rawValue < right.rawValue }
}
