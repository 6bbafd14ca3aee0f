/// A key that does not exist, and what was probably meant.
struct UnknownKey {
    let path: [String]
    /// The keys that could stand at the same place.
    let siblings: [String]
    let value: JSON5Value

    /// What people call a token when they try to put it into the file.
    private static let tokenNames: Set<String> = ["token", "bottoken", "bot_token", "discordtoken", "discord_token"]

    /// The problem. It shows the key and never the value: whoever mistypes a key may have pasted a secret behind it.
    func problem(origin: ConfigurationOrigin) -> ConfigurationProblem {
        let shown = "\(ConfigurationPath(path))"
        let key = path.last ?? ""
        if isToken(key) {
            return ConfigurationProblem(
                .tokenMisplaced, origin: origin, path: shown, message: "a token can't be set here",
                hint: DiscordToken.whereTokensGo)
        }
        return ConfigurationProblem(
            .unknownKey, origin: origin, path: shown, message: "there is no such key", hint: suggestion(for: key))
    }

    private func isToken(_ key: String) -> Bool {
        if Self.tokenNames.contains(key.lowercased()) { return true }
        if case .string(let text) = value { return TokenShape.isSuspicious(text) }
        return false
    }

    private func suggestion(for key: String) -> String {
        let parent = path.dropLast()
        if let sibling = NearestKey.nearest(to: key, among: siblings) {
            return "did you mean \(ConfigurationPath(parent + [sibling]))?"
        }
        if let dotted = KeyTable.keys.first(where: { "\($0.path)" == key }) {
            let nested = dotted.path.components.dropLast().reversed().reduce("\(dotted.path.components.last ?? ""): …") {
                "\($1): { \($0) }"
            }
            return "keys are nested here: write \(nested)"
        }
        let ends = KeyTable.keys.filter { !$0.isSecret }
        if let end = NearestKey.nearest(to: key, among: ends.compactMap(\.path.components.last)),
            let elsewhere = ends.first(where: { $0.path.components.last == end })
        {
            return "did you mean \(elsewhere.path)?"
        }
        return siblings.isEmpty ? "docs/CONFIGURATION.md lists the keys" : "the keys here are \(siblings.joined(separator: ", "))"
    }
}
