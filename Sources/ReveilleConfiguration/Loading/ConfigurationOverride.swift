/// A value given on the command line: the last word over files and environment.
public struct ConfigurationOverride: Sendable {
    /// The path of the key, as it was given.
    public let path: String
    /// The value as text; lists with commas between their words.
    public let value: String
    /// The flag that it came by, for messages and `config show`.
    public let flag: String

    /// Sets one key, for a flag of its own such as `--ledger-directory`.
    public init(path: String, value: String, flag: String) {
        self.path = path
        self.value = value
        self.flag = flag
    }

    /// Reads `path=value`. Quotes in the path protect points and equals signs: `sessions."agent:*".route=…`.
    ///
    /// - Throws: ``ConfigurationProblem`` if there is no `=`.
    public init(parsing text: String, flag: String = "--set") throws(ConfigurationProblem) {
        var isQuoted = false
        let equals = text.firstIndex { character in
            if character == "\"" { isQuoted.toggle() }
            return character == "=" && !isQuoted
        }
        guard let equals else {
            throw ConfigurationProblem(
                .badValue, origin: .flag(flag), message: "\(ShownText.quoted(text)) has no '='",
                hint: "write \(flag) path=value, such as \(flag) log.level=debug")
        }
        self.init(path: String(text[..<equals]), value: String(text[text.index(after: equals)...]), flag: flag)
    }
}
