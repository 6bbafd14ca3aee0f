/// What a Discord bot token looks like, judged without ever showing it.
enum TokenShape {
    /// Tokens have been between 59 and 72 characters for years; the limits leave room on both sides.
    static let minimumCharacters = 50
    static let maximumCharacters = 200

    /// Whether `text` has the form of a bot token: three parts of base64url with points between them.
    static func matches(_ text: Substring) -> Bool {
        guard (minimumCharacters...maximumCharacters).contains(text.utf8.count) else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].count >= 16 && parts[1].count >= 5 && parts[2].count >= 20
            && parts.allSatisfy { $0.allSatisfy(isTokenByte) }
    }

    /// Whether a text that is about to be shown holds something like a token anywhere. Rather too often than once too rarely.
    static func isSuspicious(_ text: String) -> Bool {
        guard text.utf8.count >= minimumCharacters else { return false }
        return text.utf8.split(whereSeparator: { !isTokenByte($0) && $0 != UInt8(ascii: ".") }).contains { run in
            let points = run.indices.filter { run[$0] == UInt8(ascii: ".") }
            guard run.count >= minimumCharacters, points.count >= 2 else { return false }
            return zip(points, points.dropFirst()).contains { first, second in
                run.distance(from: run.startIndex, to: first) >= 16 && run.distance(from: first, to: second) >= 5
                    && run.distance(from: second, to: run.endIndex) >= 20
            }
        }
    }

    /// Why `text` can't be a token; nil if it can. `isStrict` asks for Discord's own form, else visible characters suffice.
    static func fault(of text: Substring, isStrict: Bool) -> ValueFault? {
        if text.isEmpty { return ValueFault("is empty", hint: "put the bot token into it, and nothing else") }
        if text.hasPrefix("Bot ") || text.hasPrefix("Bearer ") {
            return ValueFault("begins with a word such as Bot", hint: "leave \"Bot \" out: only the token itself")
        }
        if text.first == "\"" || text.first == "'" { return ValueFault("has quotes around it", hint: "leave the quotes out") }
        if text.utf8.contains(0x0A) || text.utf8.contains(0x0D) {
            return ValueFault("has more than one line", hint: "put the bot token into it, and nothing else")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return ValueFault(
                "has blanks or characters that no token has", hint: "copy the token again from the developer portal")
        }
        guard text.utf8.count <= maximumCharacters, !isStrict || matches(text) else {
            return ValueFault(
                "does not look like a bot token: three parts with points between them, some 70 characters in all",
                hint:
                    "copy it from the Bot page of https://discord.com/developers/applications "
                    + "(not the client secret, not the public key)"
            )
        }
        return nil
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
