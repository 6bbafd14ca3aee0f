import Foundation
import ReveilleConfiguration
import Testing

@Suite("Discord token")
struct DiscordTokenTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Loads `text` and reads the token of an account.
    private func token(_ text: String, of account: String = "default", _ variables: [String: String] = [:]) throws -> String {
        let configuration = try scratch.load(text, variables)
        let account = try #require(configuration.discordAccounts[account])
        return try DiscordToken.load(for: account, in: scratch.surroundings(variables)).reveal()
    }

    private func problem(_ text: String, of account: String = "default", _ variables: [String: String] = [:]) throws
        -> ConfigurationProblem
    {
        do {
            _ = try token(text, of: account, variables)
        } catch let problem as ConfigurationProblem {
            return problem
        }
        throw Wrong()
    }

    private func account(_ body: String) -> String { "{ discord: { accounts: { default: { \(body) } } } }" }

    @Test(
        "it comes from a file that only its owner can read, and a line end after it is no part of it", arguments: [0o600, 0o400])
    func file(mode: Int) throws {
        let file = try scratch.write("token", Tokens.good + "\r\n", mode: mode)
        #expect(try token(account("tokenFile: '\(file)'")) == Tokens.good)
    }

    @Test(
        "a file that others can read is refused with its name, its mode and the chmod to run",
        arguments: [
            (0o644, "0644"), (0o640, "0640"), (0o604, "0604"), (0o620, "0620"), (0o601, "0601"), (0o4755, "4755"),
        ])
    func exposed(mode: Int, shown: String) throws {
        let file = try scratch.write("token", Tokens.good, mode: mode)
        let problem = try problem(account("tokenFile: '\(file)'"))
        #expect(problem.code == .tokenExposed)
        #expect(problem.description == "\(file): others can read this token file: its mode is \(shown)")
        #expect(problem.hint == "chmod 600 \(file)")
        #expect(ConfigurationProblems(problem).exitStatus == 77)
    }

    @Test("what a symbolic link leads to is judged, not the link")
    func symbolicLink() throws {
        let link = scratch.path + "/link"
        let file = try scratch.write("token", Tokens.good, mode: 0o644)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        #expect(try problem(account("tokenFile: '\(link)'")).code == .tokenExposed)
        try scratch.write("token", Tokens.good, mode: 0o600)
        #expect(try token(account("tokenFile: '\(link)'")) == Tokens.good)
    }

    @Test("a file of another user is refused; one of root is not")
    func owner() throws {
        let file = try scratch.write("token", Tokens.good)
        let configuration = try scratch.load(account("tokenFile: '\(file)'"))
        let account = try #require(configuration.discordAccounts["default"])
        let someoneElse = Surroundings(variables: [:], userID: geteuid() + 7)
        if geteuid() == 0 {
            #expect(throws: Never.self) { try DiscordToken.load(for: account, in: someoneElse) }
            #expect(chown(file, 12_345, 12_345) == 0)
            let problem = #expect(throws: ConfigurationProblem.self) {
                try DiscordToken.load(for: account, in: scratch.surroundings())
            }
            #expect(problem?.code == .tokenExposed)
            #expect(problem?.message.contains("belongs to user 12345") == true)
        } else {
            let problem = #expect(throws: ConfigurationProblem.self) { try DiscordToken.load(for: account, in: someoneElse) }
            #expect(problem?.code == .tokenExposed)
        }
    }

    @Test(
        "what can't be a token is refused without a word of it",
        arguments: [
            ("", "is empty"), ("\n\n", "is empty"), ("Bot " + Tokens.good, "begins with a word such as Bot"),
            ("\"" + Tokens.good + "\"", "has quotes"),
            (Tokens.good + "\n" + Tokens.other, "more than one line"),
            (String(Tokens.good.dropLast(30)), "does not look like a bot token"),
            (Tokens.good + " x", "has blanks"), ("abcdefghijklmnopqrstuvwxyz012345", "does not look like a bot token"),
            (Tokens.good + ".x", "does not look like"), ("é" + Tokens.good, "characters that no token has"),
        ])
    func malformed(text: String, reason: String) throws {
        let file = try scratch.write("token", text)
        let problem = try problem(account("tokenFile: '\(file)'"))
        #expect(problem.code == .tokenMalformed)
        #expect(problem.message.contains(reason))
        #expect(problem.path == "discord.accounts.default.token")
        #expect(!"\(ConfigurationProblems(problem))".contains("MTIz") && !"\(problem)".contains("abcdefgh"))
    }

    @Test("a file that is absent, too large, no text or no file is refused")
    func badFiles() throws {
        #expect(try problem(account("tokenFile: '\(scratch.path)/none'")).code == .tokenMissing)
        #expect(try problem(account("tokenFile: '\(scratch.path)'")).code == .fileUnreadable)
        let large = try scratch.write("large", String(repeating: "x", count: 4_097))
        #expect(try problem(account("tokenFile: '\(large)'")).code == .tokenMalformed)
        let binary = try scratch.write("binary", [0xFF, 0xFE, 0x00])
        #expect(try problem(account("tokenFile: '\(binary)'")).message == "is not text")
        #expect(mkfifo(scratch.path + "/fifo", 0o600) == 0)
        #expect(try problem(account("tokenFile: '\(scratch.path)/fifo'")).code == .fileUnreadable)
    }

    @Test("a local Discord may have tokens of any form")
    func loopback() throws {
        let text = account("apiBase: 'http://127.0.0.1:9/api/v10'")
        #expect(try token(text, ["REVEILLE_DISCORD_TOKEN": "loopback-token"]) == "loopback-token")
        #expect(try problem(text, ["REVEILLE_DISCORD_TOKEN": "a b"]).code == .tokenMalformed)
    }

    @Test("it comes from the environment, for each account by its name")
    func environment() throws {
        #expect(try token("{}", ["REVEILLE_DISCORD_TOKEN": Tokens.good]) == Tokens.good)
        #expect(try token("{}", of: "my-bot", ["REVEILLE_DISCORD_TOKEN_MY_BOT": Tokens.good]) == Tokens.good)
        let named = "{ discord: { accounts: { my_bot: { tokenEnvironment: 'REVEILLE_MINE' } } } }"
        #expect(
            try token(named, of: "my_bot", ["REVEILLE_MINE": Tokens.good, "REVEILLE_DISCORD_TOKEN_MY_BOT": Tokens.other])
                == Tokens.good)
        #expect(try problem(named, of: "my_bot").code == .tokenMissing)
        let file = try scratch.write("token", Tokens.other)
        #expect(try token("{}", ["REVEILLE_DISCORD_TOKEN_FILE": file]) == Tokens.other)
    }

    @Test("it comes from a systemd credential, whose group bits are the mask of an access list")
    func credential() throws {
        try scratch.write("credentials/discord", Tokens.good + "\n", mode: 0o440)
        try scratch.write("credentials/discord-ops", Tokens.other, mode: 0o400)
        let variables = ["CREDENTIALS_DIRECTORY": scratch.path + "/credentials"]
        #expect(try token("{}", variables) == Tokens.good)
        #expect(try token("{ discord: { accounts: { ops: {} } } }", of: "ops", variables) == Tokens.other)
        try scratch.write("credentials/discord", Tokens.good, mode: 0o444)
        #expect(try problem("{}", variables).code == .tokenExposed)
    }

    @Test("the environment goes before the file, and the file before the credential")
    func order() throws {
        try scratch.write("credentials/discord", "credential", mode: 0o400)
        let file = try scratch.write("token", "file-token")
        var variables = ["CREDENTIALS_DIRECTORY": scratch.path + "/credentials", "REVEILLE_DISCORD_TOKEN": "environment"]
        let local = "apiBase: 'http://127.0.0.1:9'"
        #expect(try token(account("\(local), tokenFile: '\(file)'"), variables) == "environment")
        variables["REVEILLE_DISCORD_TOKEN"] = nil
        #expect(try token(account("\(local), tokenFile: '\(file)'"), variables) == "file-token")
        #expect(try token(account(local), variables) == "credential")
    }

    @Test("without any, the message says where one was looked for")
    func missing() throws {
        let problem = try problem(account(""))
        #expect(problem.code == .tokenMissing)
        #expect(
            problem.message
                == "no token for discord:default: no credential discord, no tokenFile, and REVEILLE_DISCORD_TOKEN is not set")
        #expect(problem.hint?.contains("chmod 600") == true)
    }

    @Test(
        "it is refused in a file and on the command line, and never shown",
        arguments: [
            "{ discord: { accounts: { default: { token: 'TOKEN' } } } }", "{ discord: { token: 'TOKEN' } }", "{ token: 'TOKEN' }",
            "{ botToken: 'TOKEN' }",
            "{ discord: { accounts: { default: { tokn: 'TOKEN' } } } }", "{ TOKEN: 1 }", "{ 'TOKEN': { a: 1 } }",
            "{ log: { level: 'TOKEN' } }",
            "{ discord: { accounts: { default: { tokenFile: 'TOKEN' } } } }",
            "{ discord: { accounts: { default: { tokenEnvironment: 'TOKEN' } } } }",
            "{ discord: { accounts: { 'TOKEN': {} } } }", "{ routes: { fallback: 'TOKEN' } }", "{ target: { settle: 'TOKEN' } }",
            "{ discord: { accounts: { default: { allowedMentions: ['TOKEN'] } } } }",
            "{ discord: { accounts: { default: { apiBase: 'TOKEN' } } } }",
            "{ 'TOKEN': 1, 'TOKEN': 2 }",
        ])
    func misplaced(text: String) throws {
        let problems = try scratch.problems(text.replacingOccurrences(of: "TOKEN", with: Tokens.good))
        #expect(!problems.isEmpty)
        for problem in problems {
            #expect(!"\(ConfigurationProblems(problem))".contains(Tokens.good.prefix(12)), "\(problem)")
            #expect(!"\(ConfigurationProblems(problem))".contains(Tokens.good.suffix(12)), "\(problem)")
        }
    }

    @Test("who puts it into the configuration is told where it belongs")
    func whereItBelongs() throws {
        let problems = try scratch.problems(account("token: 'x'"), set: ["discord.accounts.default.token=x", "discord.token=x"])
        #expect(problems.map(\.code) == [.tokenMisplaced, .tokenMisplaced, .tokenMisplaced])
        for problem in problems {
            #expect(problem.hint?.contains("LoadCredential=discord:") == true)
            #expect(problem.hint?.contains("tokenFile") == true)
            #expect(problem.hint?.contains("REVEILLE_DISCORD_TOKEN") == true)
        }
    }

    @Test("the configuration shows that it is set and from where, and holds nothing of it")
    func settings() throws {
        let configuration = try scratch.load("{}", ["REVEILLE_DISCORD_TOKEN": Tokens.good])
        let setting = try #require(configuration.setting("discord.accounts.default.token"))
        #expect(setting.text == "(set)")
        #expect(setting.isSet)
        #expect(setting.origin == .environment("REVEILLE_DISCORD_TOKEN"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains(Tokens.good))
        #expect(try scratch.load(account("")).setting("discord.accounts.default.token")?.text == "(not set)")
    }
}
