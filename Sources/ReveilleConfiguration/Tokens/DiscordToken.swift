/// Finds and reads the bot token of an account. It is read only when it is needed, and never kept in a ``Configuration``.
public enum DiscordToken {
    /// Where a token is.
    public typealias Location = TokenLocation

    /// The largest file that is read.
    public static let fileMaximumBytes = 4_096

    /// The hint for everybody who puts a token where it does not belong.
    static let whereTokensGo =
        "take the token out (and reset it, if others could read it), then give it as a systemd credential "
        + "(LoadCredential=discord:FILE), in a file of its own named by discord.accounts.NAME.tokenFile (chmod 600), "
        + "or in REVEILLE_DISCORD_TOKEN"

    /// Reads the token of an account.
    ///
    /// - Parameters:
    ///   - account: whose.
    ///   - surroundings: whose user id the file may belong to, and the environment.
    /// - Returns: the token, for the transport alone.
    /// - Throws: ``ConfigurationProblem`` if there is none, if others can read it, or if it can't be one.
    ///   No message holds any of it.
    public static func load(for account: DiscordAccount, in surroundings: Surroundings) throws(ConfigurationProblem) -> Secret {
        let path = "discord.accounts.\(account.name).token"
        let text: String
        let origin: ConfigurationOrigin
        switch account.tokenLocation {
        case nil:
            throw missing(account.name, path: path)
        case .environment(let name):
            origin = .environment(name)
            guard let value = surroundings.variables[name], !value.isEmpty else {
                throw ConfigurationProblem(
                    .tokenMissing, origin: origin, path: path,
                    message: "no token for \(account.channel): the variable is not set",
                    hint: "set \(name), or take discord.accounts.\(account.name).tokenEnvironment out")
            }
            text = value
        case .file(let file):
            origin = .file(path: file, position: nil)
            text = try TokenFile.discord(file, isCredential: false, userID: surroundings.userID).read()
        case .credential(let file):
            origin = .credential(file)
            text = try TokenFile.discord(file, isCredential: true, userID: surroundings.userID).read()
        }
        var token = text[...]
        while token.last?.isNewline == true { token.removeLast() }
        if let fault = TokenShape.fault(of: token, isStrict: !account.apiBase.isLoopback) {
            throw ConfigurationProblem(
                .tokenMalformed, origin: origin, path: path, message: "the token \(fault.message)", hint: fault.hint)
        }
        return Secret(String(token))
    }

    private static func missing(_ account: String, path: String) -> ConfigurationProblem {
        let credential = account == DiscordAccount.defaultName ? "discord" : "discord-\(account)"
        let variable = EnvironmentNames.token(of: account)
        return ConfigurationProblem(
            .tokenMissing, path: path,
            message: "no token for discord:\(account): no credential \(credential), no tokenFile, and \(variable) is not set",
            hint:
                "put the bot token into a file, chmod 600 it, and name it in discord.accounts.\(account).tokenFile, "
                + "or set \(variable)"
        )
    }
}
