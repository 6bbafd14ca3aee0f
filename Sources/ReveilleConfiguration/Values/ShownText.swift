/// Text from outside as it may appear in a message: one line, no control characters, not long, and never a token.
enum ShownText {
    static let maximumCharacters = 80
    static let pathMaximumCharacters = 4_096

    /// `text` in quotes, clipped and with control characters escaped; anything that looks like a token is withheld.
    static func quoted(_ text: String) -> String {
        if TokenShape.isSuspicious(text) { return "(looks like a token: not shown)" }
        return "\"\(printable(text, maximumCharacters: maximumCharacters))\""
    }

    /// As ``quoted(_:)``, without the quotes.
    static func escaped(_ text: String, maximumCharacters: Int = maximumCharacters) -> String {
        TokenShape.isSuspicious(text)
            ? "(looks like a token: not shown)" : printable(text, maximumCharacters: maximumCharacters)
    }

    /// As ``escaped(_:maximumCharacters:)``, for what can't hold a token, such as the path of a file that was opened.
    static func printable(_ text: String, maximumCharacters: Int) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < maximumCharacters else { return shown + "…" }
            count += 1
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                if scalar == "\"" || scalar == "\\" { shown += "\\" }
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
