import DiscordLoopback
import Foundation
import OpenClawLoopback
import Testing
import WakeCore

@Suite("reveille doctor, beside a gateway that runs")
struct DoctorGatewayTests {
    /// What it says, by code, beside a stand-in for a gateway with the bot of this stage and one session in the default thread.
    private static func findings(
        _ stage: Stage, _ generation: OpenClawOptions.Generation, isConnected: Bool = true, guilds: JSONObject,
        _ more: String...
    ) async throws -> [String: JSONValue] {
        let folder = stage.folder + "/openclaw-\(generation)"
        var options = OpenClawOptions(stateDirectory: folder, token: "secret")
        options.generation = generation
        options.discordAPI = stage.address.rest
        options.discordToken = LoopbackOptions.defaultToken
        options.discordReadyAfter = isConnected ? .zero : nil
        let server = try OpenClawLoopbackServer(options: options)
        server.addSession(Stage.session)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let configuration: JSONValue = [
                "gateway": ["auth": ["token": "secret"]],
                "channels": ["discord": ["token": .string(LoopbackOptions.defaultToken), "guilds": .object(guilds)]],
            ]
            try stage.write(configuration.text, to: stage.folder + "/openclaw.json")
            let gateway: JSONValue = [
                "address": .string("ws://127.0.0.1:\(try await server.port)"), "stateDirectory": .string(folder),
                "configFile": .string(stage.folder + "/openclaw.json"), "tokenFrom": "gateway", "discordTokenFrom": "gateway",
                "discordApiBase": .string(stage.address.rest),
            ]
            let document: JSONValue = [
                "ledger": ["directory": .string(stage.ledger)], "control": ["port": 0], "gateways": ["main": gateway],
            ]
            try stage.write(document.text, to: stage.configuration)
            let reply = try await stage.run(["doctor", "--json"] + more)
            let list = try #require(reply["findings"]?.array, "\(reply.out) \(reply.errors)")
            return Dictionary(list.map { ($0["code"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    private static let open: JSONObject = ["\(LoopbackOptions.defaultGuild)": [:]]

    @Test("a new gateway in order is told to be so: itself, its channel by both witnesses, its gate at its own session")
    func newest() async throws {
        try await Stage.play { stage in
            let found = try await Self.findings(stage, .newest, guilds: Self.open)
            for code in ["gateway-ok", "witness-ok", "gate-ok", "gateway-config-ok", "discord-ok"] {
                #expect(found[code]?["severity"] == "ok", "\(code): \(found)")
            }
            #expect(found["gate-ok"]?["evidence"]?.string?.contains("1 places") == true)
            #expect(found["gateway-pings-once"] == nil && found["gateway-loses-continuations"] == nil)
        }
    }

    @Test("2026.3.2 is told for its 750 ms timer and for what it loses; without our care the timer is a warning")
    func march() async throws {
        try await Stage.play { stage in
            let cared = try await Self.findings(stage, .march2026, guilds: Self.open)
            #expect(cared["gateway-pings-once"]?["severity"] == "note")
            #expect(cared["gateway-loses-continuations"]?["severity"] == "warning")
            let uncared = try await Self.findings(
                stage, .march2026, guilds: Self.open, "--set", "gateways.main.adopt=off")
            #expect(uncared["gateway-pings-once"]?["severity"] == "warning")
        }
    }

    @Test("a gateway that stays disconnected while Discord takes its bot contradicts the second witness")
    func stuck() async throws {
        try await Stage.play { stage in
            let found = try await Self.findings(stage, .newest, isConnected: false, guilds: Self.open)
            #expect(found["status-contradicts-rest"]?["severity"] == "warning", "\(found)")
            #expect(found["gateway-channel-not-ready"]?["subject"]?.string == "gateway:main/discord:default")
        }
    }

    @Test("the place of a session that the gateway alone knows is looked up, and found to be left out")
    func gate() async throws {
        try await Stage.play { stage in
            let guilds: JSONObject = ["\(LoopbackOptions.defaultGuild)": ["channels": ["44": [:]]]]
            let found = try await Self.findings(stage, .newest, guilds: guilds)
            #expect(found["gate-channel-not-listed"]?["severity"] == "error", "\(found)")
            // Of a thread the channel is named: that is what lets it in.
            #expect(found["gate-channel-not-listed"]?["fix"]?.string?.contains("\"\(Stage.channel)\": {}") == true)
        }
    }
}
