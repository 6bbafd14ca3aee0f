import OpenClawFacts
import ReveilleConfiguration
import Testing
import WakeCore

@Suite("The configuration of a gateway: what it says of the gateway")
struct GatewayConfigSettingsTests {
    private func secret(_ auth: String, _ environment: [String: String] = [:]) -> GatewaySecret {
        ConfigFolder.main("{gateway: {auth: \(auth)}}", environment).authSecret
    }

    private func problem(_ secret: GatewaySecret) -> GatewayConfigProblem? {
        if case .unavailable(let problem) = secret { problem } else { nil }
    }

    @Test("an empty configuration means the gateway's defaults")
    func defaults() {
        let config = ConfigFolder.main("{}")
        #expect(config.port == 18_789 && config.bind == "loopback" && config.customBindHost == nil && !config.isTLSEnabled)
        #expect(config.authMode == .token && !config.authSecret.isSet && config.discordAccounts.isEmpty)
    }

    @Test("port, bind and TLS are read, and the port's variable counts first")
    func address() {
        let text = "{gateway: {port: 19001, bind: 'custom', customBindHost: '10.0.0.1', tls: {enabled: true}}}"
        let config = ConfigFolder.main(text)
        #expect(config.port == 19_001 && config.bind == "custom" && config.customBindHost == "10.0.0.1" && config.isTLSEnabled)
        #expect(ConfigFolder.main(text, ["OPENCLAW_GATEWAY_PORT": "19002"]).port == 19_002)
        #expect(ConfigFolder.main(text, ["OPENCLAW_GATEWAY_PORT": "x"]).port == 19_001)
    }

    @Test("a port that can't be one is the default", arguments: ["0", "65536", "-1", "'x'", "1.5", "9e99", "null"])
    func ports(port: String) { #expect(ConfigFolder.main("{gateway: {port: \(port)}}").port == 18_789) }

    @Test("the mode is what it says, else what its secrets say")
    func modes() {
        func mode(_ auth: String) -> GatewayConfigFile.AuthMode { ConfigFolder.main("{gateway: {auth: \(auth)}}").authMode }
        #expect(mode("{mode: 'token', password: 'p'}") == .token && mode("{mode: 'password'}") == .password)
        #expect(mode("{mode: 'none'}") == .none && mode("{mode: 'trusted-proxy'}") == .trustedProxy)
        #expect(mode("{mode: 'later'}") == .other("later"))
        #expect(mode("{password: 'p'}") == .password && mode("{token: 't', password: 'p'}") == .token)
    }

    @Test("the secret is the one that the mode asks for, from the configuration before the environment")
    func secrets() {
        #expect(secret("{token: 't', password: 'p'}").secret?.reveal() == "t")
        #expect(secret("{mode: 'password', token: 't', password: 'p'}").secret?.reveal() == "p")
        #expect(secret("{mode: 'none', token: 't'}").isSet == false)
        #expect(secret("{}", ["OPENCLAW_GATEWAY_TOKEN": " e "]).secret?.reveal() == "e")
        #expect(secret("{token: 't'}", ["OPENCLAW_GATEWAY_TOKEN": "e"]).secret?.reveal() == "t")
        #expect(secret("{}", ["OPENCLAW_GATEWAY_PASSWORD": "p"]).secret?.reveal() == "p")
        #expect(secret("{token: '${T}'}", ["T": "t"]).secret?.reveal() == "t")
        #expect(secret("{token: ''}").isSet == false)
        #expect("\(secret("{token: 'hidden'}"))".contains("hidden") == false)
    }

    @Test("references to variables are followed")
    func references() {
        let reference = "{token: {source: 'env', provider: 'default', id: 'TOKEN'}}"
        #expect(secret(reference, ["TOKEN": "t"]).secret?.reveal() == "t")
        #expect(problem(secret(reference))?.reason == "the variable TOKEN is not set here")
    }

    @Test("references to files and commands are a problem that says so", arguments: ["file", "exec", "vault"])
    func unsupported(source: String) {
        let found = problem(secret("{token: {source: '\(source)', provider: 'keys', id: '/gateway/token'}}"))
        #expect(found?.code == .unsupportedSecret && found?.path == "gateway.auth.token" && found?.file == "/claw/openclaw.json")
        #expect(found?.reason.contains("'\(source)'") == true && found?.hint.isEmpty == false)
    }

    @Test("a secret of another shape is a problem, and one whose variable is missing is that problem")
    func shapes() {
        #expect(problem(secret("{token: 5}"))?.code == .unsupportedSecret)
        #expect(problem(secret("{token: {id: 'X'}}"))?.code == .unsupportedSecret)
        #expect(problem(secret("{token: '${GONE}'}"))?.code == .missingVariable)
    }
}

@Suite("The configuration of a gateway: its Discord accounts")
struct GatewayConfigDiscordTests {
    private func accounts(_ discord: String, _ environment: [String: String] = [:]) -> [String] {
        ConfigFolder.main("{channels: {discord: \(discord)}}", environment).discordAccounts.map {
            "\($0.id)\($0.isEnabled ? "" : " off") \($0.token.secret?.reveal() ?? ($0.token.isSet ? "?" : "-"))"
        }
    }

    @Test("accounts are those that are named, each with its own token")
    func named() {
        #expect(accounts("{accounts: {ops: {token: 'b'}, default: {token: 'a', name: 'Claw'}}}") == ["default a", "ops b"])
        let config = ConfigFolder.main("{channels: {discord: {accounts: {ops: {name: 'Ops'}}}}}")
        #expect(config.discordAccounts.map(\.name) == ["Ops"])
    }

    @Test("a token above the accounts, and the variable, belong to default alone")
    func root() {
        #expect(accounts("{token: 'a'}") == ["default a"])
        #expect(accounts("{token: 'a', accounts: {ops: {}}}") == ["default a", "ops -"])
        #expect(accounts("{}", ["DISCORD_BOT_TOKEN": "e"]) == ["default e"])
        #expect(accounts("{token: 'a'}", ["DISCORD_BOT_TOKEN": "e"]) == ["default a"])
        #expect(accounts("{accounts: {ops: {token: 'b'}}}") == ["ops b"])
        #expect(ConfigFolder.main("{}", ["DISCORD_BOT_TOKEN": "e"]).discordAccounts.map(\.id) == ["default"])
    }

    @Test("an account's own token hides the others, even an empty one")
    func own() {
        #expect(accounts("{token: 'a', accounts: {default: {token: 'b'}}}") == ["default b"])
        #expect(accounts("{token: 'a', accounts: {default: {token: ''}}}", ["DISCORD_BOT_TOKEN": "e"]) == ["default -"])
        #expect(accounts("{token: 'a', accounts: {default: {token: {source: 'file', id: '/t'}}}}") == ["default ?"])
    }

    @Test("the word Bot before a token is none of it")
    func word() { #expect(accounts("{token: 'Bot  a'}") == ["default a"]) }

    @Test("an account is off where it, or all of Discord, is off")
    func off() {
        #expect(
            accounts("{enabled: false, token: 'a', accounts: {ops: {token: 'b', enabled: true}}}") == [
                "default off a", "ops off b",
            ])
        #expect(accounts("{accounts: {ops: {token: 'b', enabled: false}}}") == ["ops off b"])
    }
}
