/// Finds out where tokens are, without reading one.
struct TokenSearch {
    let surroundings: Surroundings
    /// The paths of the credentials that systemd handed in, by name.
    let credentials: [String: String]

    /// Looks for credentials named `discord` or `discord-…` in `$CREDENTIALS_DIRECTORY`.
    init(in surroundings: Surroundings) {
        self.surroundings = surroundings
        var credentials: [String: String] = [:]
        if let directory = surroundings.absolute("CREDENTIALS_DIRECTORY"),
            let names = try? BoundedFile.names(in: directory, maximumCount: 1_000)
        {
            for name in names where name == "discord" || name.hasPrefix("discord-") {
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

    /// The setting of a token with `(set)` and its origin; every other setting as it is.
    func describe(_ setting: ConfigurationSetting, accounts: [String: DiscordAccount]) -> ConfigurationSetting {
        guard setting.descriptor.isSecret, setting.path.components.count > 2,
            let location = accounts[setting.path.components[2]]?.tokenLocation
        else { return setting }
        let origin: ConfigurationOrigin =
            switch location {
            case .environment(let name): .environment(name)
            case .file(let path): .file(path: path, position: nil)
            case .credential(let path): .credential(path)
            }
        return ConfigurationSetting(
            path: setting.path, text: ConfigurationSetting.secretIsSet, origin: origin, descriptor: setting.descriptor, value: nil
        )
    }
}
