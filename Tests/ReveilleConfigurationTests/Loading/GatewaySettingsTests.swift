import ReveilleConfiguration
import Testing
import WakeCore

@Suite("Gateways that Reveille stands beside")
struct GatewaySettingsTests {
    @Test("a gateway needs no more than its name; all else has a default")
    func defaults() throws {
        let scratch = try Scratch()
        let configuration = try scratch.load("{ gateways: { main: {} } }")
        let gateway = try #require(configuration.gateways["main"])
        #expect("\(gateway.address)" == "ws://127.0.0.1:18789")
        #expect(gateway.adoption == .net && gateway.identity == .backend && !gateway.mayReadItsToken)
        #expect(gateway.stateDirectory?.hasSuffix("/.openclaw") == true)
        #expect(gateway.configFile == gateway.stateDirectory.map { $0 + "/openclaw.json" })
        #expect(gateway.resume.isOn && gateway.resume.limit == 3 && gateway.missedMessages == 50)
        #expect(configuration.discordAccounts.isEmpty, "no account of ours is meant where there is a gateway")
    }

    @Test("its state directory is where its own variable says")
    func stateDirectory() throws {
        let scratch = try Scratch()
        let loader = ConfigurationLoader(
            surroundings: scratch.surroundings(["OPENCLAW_STATE_DIR": "/srv/claw"]),
            file: try scratch.write("reveille.json5", "{ gateways: { main: { adopt: 'own' } } }"))
        let gateway = try #require(try loader.load().gateways["main"])
        #expect(gateway.stateDirectory == "/srv/claw" && gateway.configFile == "/srv/claw/openclaw.json")
        #expect(gateway.adoption == .own)
    }

    @Test("a session's key leads through the only gateway, through the one that is named, or through an account of ours")
    func places() throws {
        let scratch = try Scratch()
        let key = try SessionKey("agent:infra:discord:channel:7")
        let beside = try scratch.load("{ gateways: { main: {} } }")
        #expect(beside.place(of: key)?.description == "gateway:main/discord:default/channel:7")
        let both = try scratch.load("{ gateways: { main: {} }, discord: { accounts: { default: { tokenFile: '/t' } } } }")
        #expect(both.place(of: key)?.description == "discord:default/channel:7")
        #expect(both.place(of: key, at: "main")?.description == "gateway:main/discord:default/channel:7")
    }

    @Test("what can't be meant is told: an address in the open, two tokens, a watch or a route on a gateway that is not there")
    func mistakes() throws {
        let scratch = try Scratch()
        for (text, path) in [
            ("{ gateways: { main: { address: 'ws://10.0.0.1:1' } } }", "gateways.main.address"),
            ("{ gateways: { main: { tokenFile: '/t', tokenEnvironment: 'X' } } }", "gateways.main.tokenEnvironment"),
            ("{ gateways: { main: {} }, watch: { 'gateway:other': { sessions: ['agent:a:discord:channel:1'] } } }", "watch"),
            ("{ gateways: { main: {} }, routes: { fallback: 'gateway:other/discord:default/channel:1' } }", "routes.fallback"),
            ("{ gateways: { 'No': {} } }", "gateways.No"), ("{ gateways: { main: { unit: 'x' } } }", "gateways.main.unit"),
        ] {
            let problems = #expect(throws: ConfigurationProblems.self) { try scratch.load(text) }
            #expect("\(problems.map { "\($0)" } ?? "")".contains(path), "\(text): \(problems.map { "\($0)" } ?? "none")")
        }
    }
}
