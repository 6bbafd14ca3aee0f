/// Finds out where tokens are, without reading one.
struct TokenSearch {
    let surroundings: Surroundings
    /// The paths of the credentials that systemd handed in, by name.
    let credentials: [String: String]

    /// Looks for credentials named `discord`, `discord-…` or `control` in `$CREDENTIALS_DIRECTORY`.
    init(in surroundings: Surroundings) {
        self.surroundings = surroundings
        var credentials: [String: String] = [:]
        if let directory = surroundings.absolute("CREDENTIALS_DIRECTORY"),
            let names = try? BoundedFile.names(in: directory, maximumCount: 1_000)
        {
            for name in names where name == "discord" || name == ControlToken.credential || name.hasPrefix("discord-") {
                credentials[name] = ConfigurationFiles.join(directory, name)
            }
        }
        self.credentials = credentials
    }

    /// Whether there is a token for the account `default` that no file needs to name.
    var hasDefaultToken: Bool {
        location(for: DiscordAccount.defaultName, variable: nil, file: nil) != nil
    }

    /// Where an account's token is: the later layer wins, as for every key. First what the environment says, then the file
    /// that the configuration names, then the credential.
    func location(for account: String, variable: String?, file: String?) -> DiscordToken.Location? {
        if let variable { return .environment(variable) }
        let usual = EnvironmentNames.token(of: account)
        if surroundings.variables[usual]?.isEmpty == false { return .environment(usual) }
        if let file { return .file(file) }
        let isDefault = account == DiscordAccount.defaultName
        return (credentials["discord-\(account)"] ?? (isDefault ? credentials["discord"] : nil)).map { .credential($0) }
    }

    /// Where the control plane's token is, in the same order.
    func controlLocation(variable: String?, file: String?) -> TokenLocation? {
        if let variable { return .environment(variable) }
        let usual = EnvironmentNames.controlToken
        if surroundings.variables[usual]?.isEmpty == false { return .environment(usual) }
        if let file { return .file(file) }
        return credentials[ControlToken.credential].map { .credential($0) }
    }

    /// The setting of a token with `(set)` and its origin; every other setting as it is.
    func describe(_ setting: ConfigurationSetting, accounts: [String: DiscordAccount], control: TokenLocation?)
        -> ConfigurationSetting
    {
        guard setting.descriptor.isSecret else { return setting }
        let keys = setting.path.components
        guard let location = keys[0] == "control" ? control : keys.count > 2 ? accounts[keys[2]]?.tokenLocation : nil else {
            return setting
        }
        return ConfigurationSetting(
            path: setting.path, text: ConfigurationSetting.secretIsSet, origin: location.origin, descriptor: setting.descriptor,
            value: nil
        )
    }
}
