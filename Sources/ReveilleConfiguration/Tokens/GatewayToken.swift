/// Finds and reads the tokens of a gateway that the configuration names. They are read only when they are needed, and never kept.
///
/// What lies in the gateway's own configuration is read elsewhere, and only where `tokenFrom` and `discordTokenFrom` allow it.
public enum GatewayToken {
    /// How long a gateway's token may be, in bytes: gateways set no bound of their own.
    public static let maximumBytes = 4_096

    /// Reads the token by which the gateway lets us in.
    ///
    /// - Parameters:
    ///   - gateway: whose.
    ///   - surroundings: whose user id the file may belong to, and the environment.
    /// - Returns: the token; nil if none is configured here.
    /// - Throws: ``ConfigurationProblem`` if one is configured and not there, if others can read it, or if it can't be one.
    ///   No message holds any of it.
    public static func load(
        for gateway: GatewaySettings, in surroundings: Surroundings
    ) throws(ConfigurationProblem) -> Secret? {
        let key = "gateways.\(gateway.name).token"
        switch gateway.tokenLocation {
        case nil: return nil
        case .environment(let name):
            guard let value = surroundings.variables[name], !value.isEmpty else {
                throw ConfigurationProblem(
                    .tokenMissing, origin: .environment(name), path: key,
                    message: "the variable of the gateway's token is not set",
                    hint: "set \(name), or take gateways.\(gateway.name).tokenEnvironment out")
            }
            return try secret(value, .environment(name), key, "the gateway's token")
        case .file(let file), .credential(let file):
            return try read(file, key, "the gateway's token", surroundings)
        }
    }

    /// Reads the bot token for reads over REST, from the file that the configuration names.
    ///
    /// - Parameters:
    ///   - gateway: whose.
    ///   - surroundings: whose user id the file may belong to.
    /// - Returns: the token; nil if no file is named.
    /// - Throws: as ``load(for:in:)``.
    public static func loadBotToken(
        for gateway: GatewaySettings, in surroundings: Surroundings
    ) throws(ConfigurationProblem) -> Secret? {
        guard let file = gateway.botTokenFile else { return nil }
        return try read(file, "gateways.\(gateway.name).discordTokenFile", "the bot token", surroundings)
    }

    private static func read(
        _ path: String, _ key: String, _ content: String, _ surroundings: Surroundings
    ) throws(ConfigurationProblem) -> Secret {
        let text = try TokenFile(
            path: path, isCredential: false, userID: surroundings.userID, content: content, maximumBytes: maximumBytes + 2
        ).read()
        return try secret(text, .file(path: path, position: nil), key, content)
    }

    private static func secret(
        _ text: String, _ origin: ConfigurationOrigin, _ key: String, _ content: String
    ) throws(ConfigurationProblem) -> Secret {
        var token = text[...]
        while token.last?.isNewline == true { token.removeLast() }
        guard (1...maximumBytes).contains(token.utf8.count), token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConfigurationProblem(
                .tokenMalformed, origin: origin, path: key,
                message: "\(content) must be 1 to \(maximumBytes) visible characters of ASCII, without blanks",
                hint: "put \(content) into it, and nothing else")
        }
        return Secret(String(token))
    }
}
