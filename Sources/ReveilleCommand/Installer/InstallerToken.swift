import Foundation
import Installation
import ReveilleConfiguration
import WakeCore

/// Whether a daemon that is started now could run: read as the daemon will read it, before it is started.
enum InstallerToken {
    /// What was found.
    enum Finding {
        /// A good configuration with these channels.
        case good([String])
        /// Nobody but root can look.
        case unknown
        /// A drop-in gives it, which nobody can check from here.
        case givenBy(dropIn: String)
        /// There is none.
        case missing
        /// What is wrong, in words.
        case wrong(String)
    }

    /// Where systemd looks for a credential that is named without a path.
    private static let stores = ["/etc/credstore", "/run/credstore", "/usr/lib/credstore"]
    static let credential = "reveille-discord"

    static func look(at site: InstallationSite) -> Finding {
        if site.scope == .system, geteuid() != 0 { return .unknown }
        let credentials = site.scope == .system ? credentialFolder() : nil
        defer { credentials.map { try? FileManager.default.removeItem(atPath: $0.folder) } }
        let surroundings = surroundings(of: site, credentials: credentials?.folder)
        /// What is wrong with the credential is said of the file that a person knows.
        func words(_ problems: ConfigurationProblems) -> String {
            guard let credentials else { return problems.description }
            return problems.description.replacing(credentials.folder + "/discord", with: credentials.file)
        }
        do {
            let loaded = try ConfigurationLoader(
                surroundings: surroundings, scope: site.scope == .system ? .system : .user,
                otherVariables: ConfigurationSources.otherVariables
            ).load()
            var problems = ConfigurationProblems()
            let accounts = loaded.discordAccounts.values.sorted { $0.name < $1.name }
            let dropIn = dropIn(at: site)
            for account in accounts where account.tokenLocation != nil || dropIn == nil {
                do { _ = try DiscordToken.load(for: account, in: surroundings) } catch { problems.append(error) }
            }
            if let dropIn, problems.isEmpty { return .givenBy(dropIn: dropIn) }
            guard accounts.contains(where: { $0.tokenLocation != nil }) else { return .missing }
            return problems.isEmpty ? .good(accounts.map(\.channel.description)) : .wrong(words(problems))
        } catch {
            return .wrong(words(error))
        }
    }

    /// How to give one.
    static func instructions(for site: InstallationSite) -> [String] {
        if site.scope == .system {
            return [
                "install -d -m700 /etc/credstore",
                "install -m600 /dev/null /etc/credstore/\(credential)",
                "editor /etc/credstore/\(credential)      # the bot token, and nothing else",
                "reveille install",
            ]
        }
        return [
            "install -D -m600 /dev/null ~/.config/reveille/discord.token",
            "editor ~/.config/reveille/discord.token      # the bot token, and nothing else",
            "editor ~/.config/reveille/reveille.json5     # with this in it:",
            "    { discord: { accounts: { default: { tokenFile: \"~/.config/reveille/discord.token\" } } } }",
            "reveille install --user",
        ]
    }

    /// What the daemon will stand in; the shell's own variables are not the service manager's.
    private static func surroundings(of site: InstallationSite, credentials: String?) -> Surroundings {
        var surroundings = Surroundings.ofThisProcess()
        let foreign = ["CREDENTIALS_DIRECTORY", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY"]
        surroundings.variables = surroundings.variables.filter { !$0.key.hasPrefix("REVEILLE_") && !foreign.contains($0.key) }
        guard site.scope == .system else { return surroundings }
        surroundings.variables = ["HOME": "/var/lib/reveille"]
        surroundings.variables["CREDENTIALS_DIRECTORY"] = credentials
        // Before the user is there, any number of a system user will do.
        surroundings.userID = getpwnam("reveille")?.pointee.pw_uid ?? 999
        return surroundings
    }

    /// A folder such as systemd will hand in: the token under the name that the unit gives it.
    private static func credentialFolder() -> (folder: String, file: String)? {
        let places: [String] = stores.map { $0 + "/" + credential }
        guard let file = places.first(where: { access($0, F_OK) == 0 }) else { return nil }
        var template = Array((FileManager.default.temporaryDirectory.path + "/reveille-install-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { return nil }
        let folder = String(cString: made)
        try? FileManager.default.createSymbolicLink(atPath: folder + "/discord", withDestinationPath: file)
        return (folder, file)
    }

    /// A drop-in of somebody's that may hand in a token.
    private static func dropIn(at site: InstallationSite) -> String? {
        let folder = site.unitFolder + "/reveille.service.d"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().filter { $0.hasSuffix(".conf") }.map { "\(folder)/\($0)" }.first { path in
            let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return text.split(separator: "\n").contains { line in
                ["LoadCredential", "SetCredential", "ImportCredential", "Environment"].contains { line.hasPrefix($0) }
            }
        }
    }
}
