/// How environment variables name configuration keys: `REVEILLE_GATE_ESCALATE_AFTER` is `gate.escalateAfter`.
enum EnvironmentNames {
    static let prefix = "REVEILLE_"
    /// Holds the token of the account `default`; with `_X` after it, that of the account `x`.
    static let token = "REVEILLE_DISCORD_TOKEN"
    /// Short for the `tokenFile` of the account `default`, since everybody tries it. An account `file` has no short form.
    static let tokenFile = "REVEILLE_DISCORD_TOKEN_FILE"
    /// Holds the token of the control plane.
    static let controlToken = "REVEILLE_CONTROL_TOKEN"
    static let accounts = "REVEILLE_DISCORD_ACCOUNTS_"
    /// Variables that steer tests of ours and are no configuration.
    static let testPrefix = "REVEILLE_TEST_"

    /// `escalateAfter` as `ESCALATE_AFTER`, `apiBase` as `API_BASE`, `<name>` as `<NAME>`, `my-bot` as `MY_BOT`.
    static func word(_ component: String) -> String {
        var word = ""
        var wasLower = false
        for character in component {
            if character.isUppercase, wasLower { word.append("_") }
            wasLower = character.isLowercase || character.isNumber
            word += character == "-" ? "_" : character.uppercased()
        }
        return word
    }

    /// The variable that holds the token of an account.
    static func token(of account: String) -> String {
        account == DiscordAccount.defaultName ? token : "\(token)_\(word(account))"
    }

    /// What a variable sets.
    enum Meaning: Equatable {
        case setting(ConfigurationPath, KeyDescriptor)
        case token(account: String)
        case controlToken
        case unknown

        static func == (left: Meaning, right: Meaning) -> Bool {
            switch (left, right) {
            case (.setting(let one, _), .setting(let other, _)): one == other
            case (.token(let one), .token(let other)): one == other
            case (.unknown, .unknown), (.controlToken, .controlToken): true
            default: false
            }
        }
    }

    /// What `variable` sets. An account's name can't be told exactly from upper case and `_`: one of `accounts` that fits is
    /// taken, else the name in lower case with `-`.
    static func meaning(of variable: String, accounts known: [String]) -> Meaning {
        if variable == token { return .token(account: DiscordAccount.defaultName) }
        if variable == controlToken { return .controlToken }
        if variable == tokenFile { return setting("tokenFile", of: DiscordAccount.defaultName) }
        if variable.hasPrefix(token + "_") {
            return .token(account: account(variable.dropFirst(token.count + 1), among: known))
        }
        if variable.hasPrefix(accounts) {
            let rest = variable.dropFirst(accounts.count)
            for descriptor in KeyTable.keys where !descriptor.isSecret && descriptor.path.components.contains(KeyTable.nameLabel)
            {
                guard let key = descriptor.path.components.last, rest.hasSuffix("_" + word(key)) else { continue }
                let name = rest.dropLast(word(key).count + 1)
                if !name.isEmpty { return setting(key, of: account(name, among: known)) }
            }
            return .unknown
        }
        for descriptor in KeyTable.keys where descriptor.environmentName == variable {
            return .setting(descriptor.path, descriptor)
        }
        return .unknown
    }

    /// Every variable that could have been meant, for "did you mean".
    static var all: [String] {
        KeyTable.keys.filter { !$0.isSecret }.compactMap(\.environmentName) + [token, tokenFile, controlToken]
    }

    private static func setting(_ key: String, of account: String) -> Meaning {
        let pattern = ConfigurationPath(["discord", "accounts", KeyTable.nameLabel, key])
        guard let descriptor = KeyTable.keys.first(where: { $0.path == pattern }) else { return .unknown }
        return .setting(ConfigurationPath(["discord", "accounts", account, key]), descriptor)
    }

    private static func account(_ word: Substring, among known: [String]) -> String {
        known.sorted().first { self.word($0) == word }
            ?? String(word.lowercased().map { $0 == "_" ? "-" : $0 })
    }
}
