import DiscordProtocol

/// A bot's token. It has no text but through the two places that must send it: a log, a dump and a crash message show `‹token›`.
public struct BotToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The longest token that is taken, in bytes; Discord's have about 72.
    public static let maximumBytes = 256

    let value: String

    /// Takes a token, with or without `Bot ` before it and white space around it; `nil` unless it is 1 to 256 visible ASCII
    /// characters.
    public init?(_ text: String) {
        var token = text[...]
        while token.last?.isWhitespace == true { token.removeLast() }
        while token.first?.isWhitespace == true { token.removeFirst() }
        if token.hasPrefix("Bot ") { token = token.dropFirst(4) }
        guard !token.isEmpty, token.utf8.count <= Self.maximumBytes, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        value = String(token)
    }

    /// The bot that it belongs to: the part before the first dot is its user id in base 64. `nil` if it is not.
    var userID: Snowflake? {
        var bits: UInt32 = 0
        var count = 0
        var digits: [UInt8] = []
        for byte in value.utf8.prefix(while: { $0 != UInt8(ascii: ".") }) where byte != UInt8(ascii: "=") {
            guard let six = Self.base64.firstIndex(of: byte) else { return nil }
            bits = (bits << 6 | UInt32(six)) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                digits.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return Snowflake(String(decoding: digits, as: UTF8.self))
    }

    private static let base64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Never the token.
    public var description: String { "‹token›" }
    /// Never the token.
    public var debugDescription: String { "‹token›" }
    /// Never the token.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
