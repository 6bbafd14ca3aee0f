import OpenClawFacts
import Testing
import WakeCore
import WakeService

@testable import ReveilleCommand

@Suite("What the doctor says of a gateway's Discord gate")
struct DoctorGateTests {
    static let judgement = GateJudgement(gateway: "main", file: "/o/openclaw.json")
    static let known = GateJudgement.Place(channel: "55", guild: "1")

    private func findings(_ discord: JSONValue, _ places: [GateJudgement.Place] = [known]) -> [Finding] {
        Self.judgement.findings(["channels": ["discord": discord]], accounts: ["default"], places: places)
    }

    private func codes(_ discord: JSONValue, _ places: [GateJudgement.Place] = [known]) -> [String] {
        findings(discord, places).map(\.code)
    }

    @Test("an allowlist with no guild is an error, also where no session is known", arguments: [[], [known]])
    func noGuilds(places: [GateJudgement.Place]) throws {
        for discord: JSONValue in [[:], ["groupPolicy": "allowlist"], ["groupPolicy": "allowlist", "guilds": [:]]] {
            let finding = try #require(findings(discord, places).first)
            #expect(finding.code == "gate-no-guilds" && finding.severity == .error, "\(discord.text)")
            #expect(finding.evidence?.hasPrefix("/o/openclaw.json: channels.discord.guilds") == true)
        }
        #expect(codes(["groupPolicy": "open"], places) == ["gate-ok"])
        #expect(codes(["guilds": ["1": [:]]], places) == ["gate-ok"])
    }

    @Test("an account's own empty guilds that hide those above it are an error; without them nothing is wrong")
    func hidden() throws {
        let finding = try #require(findings(["guilds": ["1": [:]], "accounts": ["default": ["guilds": [:]]]]).first)
        #expect(finding.code == "gate-guilds-hidden" && finding.severity == .error)
        #expect(finding.fix?.hasPrefix("Remove channels.discord.accounts.default.guilds") == true)
        #expect(codes(["guilds": ["1": [:]], "accounts": ["default": [:]]]) == ["gate-ok"])
        #expect(codes(["guilds": ["1": [:]], "accounts": ["default": ["guilds": ["1": [:]]]]]) == ["gate-ok"])
    }

    @Test("an account's own guilds that leave the session's guild out are an error")
    func hiddenPartly() {
        #expect(
            codes(["guilds": ["1": [:]], "accounts": ["default": ["guilds": ["2": [:]]]]]) == ["gate-guilds-hidden"])
    }

    @Test("a channels map that leaves out the very channel that a session lives in is an error that names it")
    func channelLeftOut() throws {
        let finding = try #require(findings(["guilds": ["1": ["channels": ["44": [:]]]]]).first)
        #expect(finding.code == "gate-channel-not-listed" && finding.severity == .error)
        #expect(finding.summary == "the gateway drops messages in channel 55" && finding.fix?.contains("\"55\": {}") == true)
        #expect(codes(["guilds": ["1": ["channels": ["55": [:]]]]]) == ["gate-ok"])
        #expect(codes(["guilds": ["1": ["channels": ["*": [:]]]]]) == ["gate-ok"])
    }

    @Test("a thread counts as its channel, where that is known")
    func threads() {
        let thread = GateJudgement.Place(channel: "900", guild: "1", parent: "55")
        #expect(codes(["guilds": ["1": ["channels": ["55": [:]]]]], [thread]) == ["gate-ok"])
        #expect(codes(["guilds": ["1": ["channels": ["44": [:]]]]], [thread]) == ["gate-channel-not-listed"])
    }

    @Test("of a place whose guild nobody could tell, only what every guild drops is told, and as a warning")
    func unknownGuild() throws {
        let place = GateJudgement.Place(channel: "55")
        let finding = try #require(findings(["guilds": ["1": ["channels": ["44": [:]]]]], [place]).first)
        #expect(finding.code == "gate-channel-not-listed" && finding.severity == .warning)
        #expect(codes(["guilds": ["1": ["channels": ["44": [:]]], "2": [:]]], [place]) == ["gate-ok"])
        #expect(codes(["guilds": ["1": [:]]], [place]) == ["gate-ok"])
    }

    @Test("a guild that is not listed, a policy that shuts all servers, and a channel that is off are errors")
    func others() {
        #expect(codes(["guilds": ["2": [:]]]) == ["gate-guild-not-listed"])
        #expect(codes(["groupPolicy": "disabled", "guilds": ["1": [:]]]) == ["gate-servers-off"])
        #expect(codes(["guilds": ["1": ["channels": ["55": ["enabled": false]]]]]) == ["gate-channel-off"])
    }

    @Test("the version that denied every channel of a guild without channels is told")
    func faultyVersion() {
        var judgement = Self.judgement
        judgement.version = GatewayVersion(2026, 4, 27)
        let configuration: JSONValue = ["channels": ["discord": ["guilds": ["1": [:]]]]]
        #expect(
            judgement.findings(configuration, accounts: ["default"], places: [Self.known]).map(\.code) == ["gate-gateway-fault"])
    }

    @Test("each account is judged by its own places, and one that has none by its policy alone")
    func accounts() {
        let discord: JSONValue = [
            "guilds": ["1": ["channels": ["44": [:]]]], "accounts": ["default": [:], "second": ["guilds": [:]]],
        ]
        let found = Self.judgement.findings(
            ["channels": ["discord": discord]], accounts: ["default", "second"], places: [Self.known])
        #expect(found.map(\.code) == ["gate-channel-not-listed", "gate-guilds-hidden"])
        #expect(found.map(\.subject) == ["gateway:main/discord:default", "gateway:main/discord:second"])
    }
}
