import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("reveille doctor, as it is run")
struct DoctorTests {
    /// The usual stage, and a gateway beside it that is not there.
    private static func writeGateway(_ stage: Stage, _ file: String, _ keys: JSONObject = [:]) throws {
        var document =
            try #require(try? JSONValue.parse(Array(Data(contentsOf: URL(filePath: stage.configuration))))).object ?? [:]
        // Nothing can listen at port 1.
        var gateway: JSONObject = [
            "address": "ws://127.0.0.1:1", "stateDirectory": .string(stage.folder + "/openclaw"), "tokenFrom": "gateway",
            "discordApiBase": .string(stage.address.rest),
        ]
        for member in keys.members { gateway[member.key] = member.value }
        document["gateways"] = ["main": .object(gateway)]
        try stage.write(JSONValue.object(document).text, to: stage.configuration)
        try FileManager.default.createDirectory(atPath: stage.folder + "/openclaw", withIntermediateDirectories: true)
        try stage.write(file, to: stage.folder + "/openclaw/openclaw.json")
    }

    private static func openclaw(token: String = "NzAw.some.token", _ guilds: JSONValue) -> String {
        JSONValue.object([
            "gateway": ["auth": ["token": "secret"]], "channels": ["discord": ["token": .string(token), "guilds": guilds]],
        ]).text
    }

    private func findings(_ reply: Stage.Reply) throws -> [String: JSONValue] {
        let list = try #require(reply["findings"]?.array, "\(reply.out) \(reply.errors)")
        #expect(reply["exitCode"]?.integer == Int64(reply.code))
        return Dictionary(list.map { ($0["code"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func severity(_ finding: JSONValue?) -> String? { finding?["severity"]?.string }

    @Test("with all in order it says so, and leaves Discord and the ledger as they are")
    func good() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            try await stage.discord("ready")
            _ = try await stage.writeSentinel("go on")
            let mark = stage.mark
            let found = try findings(try await stage.run("doctor", "--json"))
            #expect(severity(found["ledger-ok"]) == "ok" && severity(found["discord-ok"]) == "ok")
            #expect(!found.values.contains { $0["severity"] == "error" }, "\(found)")
            #expect(!stage.world.log.events.contains { $0.number > mark && ["hello", "identify", "message"].contains($0.name) })
            #expect(try await stage.run("status").code == 0)
            try await stage.stop(daemon)
        }
    }

    @Test("a daemon that is down and a token that Discord rejects are errors, told to people with their fixes")
    func rejectedToken() async throws {
        try await Stage.play { stage in
            try stage.write("bm90aGluZw.not.one", to: stage.tokenFile)
            _ = try await stage.writeSentinel("go on")
            let reply = try await stage.run("doctor")
            #expect(reply.code == 2)
            #expect(reply.out.contains("ERROR    discord:default: Discord rejects the token"))
            #expect(reply.out.contains("         code: daemon-down"))
            #expect(reply.out.contains("the token file \(stage.tokenFile)"))
            #expect(reply.out.split(separator: "\n").last?.hasPrefix("2 errors") == true, "\(reply.out)")
        }
    }

    @Test("a token file that is missing, or that others can read, is an error that names it")
    func missingToken() async throws {
        try await Stage.play { stage in
            try FileManager.default.removeItem(atPath: stage.tokenFile)
            let missing = try findings(try await stage.run("doctor", "--json"))["discord-token-missing"]
            #expect(severity(missing) == "error" && missing?["evidence"]?.string?.contains(stage.tokenFile) == true)
            try stage.write(LoopbackOptions.defaultToken, to: stage.tokenFile, mode: 0o644)
            let exposed = try findings(try await stage.run("doctor", "--json"))["discord-token-missing"]
            #expect(exposed?["fix"]?.string == "chmod 600 \(stage.tokenFile)")
        }
    }

    @Test("few identifies and a place that the bot can't see are told")
    func discordTroubles() async throws {
        var options = Stage.swift
        options.sessionStartRemaining = 60
        try await Stage.play(options) { stage in
            _ = try await stage.writeSentinel("go on", session: "agent:infra:discord:channel:4711")
            let found = try findings(try await stage.run("doctor", "--json"))
            #expect(severity(found["discord-identifies-low"]) == "warning")
            #expect(severity(found["discord-place-gone"]) == "error")
            #expect(found["discord-place-gone"]?["subject"]?.string == "discord:default/channel:4711")
        }
    }

    // MARK: Gateways

    @Test("a gateway's allowlist that leaves out the channel of a session is an error that names channel and file")
    func gate() async throws {
        try await Stage.play { stage in
            let guild = "\(LoopbackOptions.defaultGuild)"
            let route = "discord:default/channel:\(Stage.thread)"
            let arguments = ["doctor", "--json", "--set", "routes.fallback=\(route)"]
            try Self.writeGateway(stage, Self.openclaw(.object([guild: ["channels": ["44": [:]]]] as JSONObject)))
            let found = try findings(try await stage.run(arguments))
            #expect(severity(found["gate-channel-not-listed"]) == "error", "\(found)")
            #expect(found["gate-channel-not-listed"]?["summary"]?.string?.contains("\(Stage.thread)") == true)
            #expect(severity(found["gateway-down"]) == "error")
            let listed: JSONObject = ["channels": .object(["\(Stage.channel)": [:]] as JSONObject)]
            try Self.writeGateway(stage, Self.openclaw(.object([guild: .object(listed)] as JSONObject)))
            #expect(severity(try findings(try await stage.run(arguments))["gate-ok"]) == "ok")
        }
    }

    @Test("a gateway's configuration that is no JSON5 is an error with its line; without one it is not looked at")
    func brokenConfiguration() async throws {
        try await Stage.play { stage in
            try Self.writeGateway(stage, "{ gateway: { auth: {\n  token: ]")
            let found = try findings(try await stage.run("doctor", "--json"))
            #expect(severity(found["gateway-config-faulty"]) == "error", "\(found)")
            #expect(found["gateway-config-faulty"]?["evidence"]?.string?.contains("line 2") == true)
            #expect(severity(found["gateway-unknown"]) == "unknown")
            try FileManager.default.removeItem(atPath: stage.folder + "/openclaw/openclaw.json")
            #expect(severity(try findings(try await stage.run("doctor", "--json"))["gateway-config-unknown"]) == "unknown")
        }
    }

    @Test("a bot token that the gateway uses as well is an error, and is not shown")
    func sharedToken() async throws {
        try await Stage.play { stage in
            try Self.writeGateway(stage, Self.openclaw(token: LoopbackOptions.defaultToken, ["1": [:]]))
            let reply = try await stage.run("doctor", "--json")
            let shared = try findings(reply)["token-shared"]
            #expect(severity(shared) == "error")
            #expect(shared?["summary"]?.string == "discord:default and gateway:main/discord:default use one bot token")
            #expect(!reply.out.contains(LoopbackOptions.defaultToken))
        }
    }

    @Test("the gateway's bot is asked about only where that is allowed")
    func botToken() async throws {
        try await Stage.play { stage in
            try Self.writeGateway(stage, Self.openclaw(["1": [:]]))
            let unasked = try findings(try await stage.run("doctor", "--json"))["discord-unknown"]
            #expect(unasked?["subject"]?.string == "gateway:main/discord:default")
            try Self.writeGateway(stage, Self.openclaw(["1": [:]]), ["discordTokenFrom": "gateway"])
            let asked = try findings(try await stage.run("doctor", "--json"))["discord-token-rejected"]
            #expect(asked?["subject"]?.string == "gateway:main/discord:default")
        }
    }

    @Test("a gateway that wants a device's key is not asked before there is one, and none is made")
    func deviceKey() async throws {
        try await Stage.play { stage in
            try Self.writeGateway(stage, Self.openclaw(["1": [:]]), ["identity": "device"])
            let unasked = try findings(try await stage.run("doctor", "--json"))["gateway-unknown"]
            #expect(severity(unasked) == "unknown" && unasked?["evidence"]?.string?.contains("no key of this device") == true)
            #expect(!FileManager.default.fileExists(atPath: stage.ledger))
        }
    }

    @Test("a run state that can't be understood is found in the gateway's workspace")
    func runState() async throws {
        try await Stage.play { stage in
            let configuration: JSONValue = ["agents": ["defaults": ["workspace": "~/work"]]]
            try Self.writeGateway(stage, configuration.text)
            try FileManager.default.createDirectory(
                atPath: stage.folder + "/work/infra", withIntermediateDirectories: true)
            try stage.write("{\"opId\": ", to: stage.folder + "/work/infra/runstate.json")
            let broken = try findings(try await stage.run("doctor", "--json"))["runstate-broken"]
            #expect(broken?["subject"]?.string == stage.folder + "/work/infra/runstate.json")
        }
    }

    // MARK: Itself

    @Test("a faulty configuration of our own is found too, and a gateway that nobody configured is wrong usage")
    func ownConfiguration() async throws {
        try await Stage.play { stage in
            let unknown = try await stage.run("doctor", "--gateway", "nobody")
            #expect(unknown.code == 64 && unknown.errors.contains("there is no gateway 'nobody' in the configuration"))
            try stage.write("{ ledger: { directory: 7 }, nonsense: 1 }", to: stage.configuration)
            let reply = try await stage.run("doctor", "--json")
            #expect(reply.code == 2)
            let list = try #require(reply["findings"]?.array)
            #expect(list.map { $0["code"]?.string } == ["config-faulty", "config-faulty"])
        }
    }

    @Test("a file that is no ledger is an error")
    func notALedger() async throws {
        try await Stage.play { stage in
            try FileManager.default.createDirectory(
                atPath: stage.ledger, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try stage.write(String(repeating: "no database ", count: 100), to: stage.ledger + "/ledger.sqlite")
            #expect(severity(try findings(try await stage.run("doctor", "--json"))["ledger-unusable"]) == "error")
        }
    }

    @Test("a ledger on a full file system in memory is told twice: it is full, and gone after a reboot")
    func fullDisk() async throws {
        try await Stage.play { stage in
            let write = "\"$0\" sentinel write --session \(Stage.session) --note n --config \(stage.configuration)"
            let mount = "mount -t tmpfs -o size=1m,mode=700 none \(stage.folder)/state"
            let wrapper =
                ["/usr/bin/env", "unshare"] + (geteuid() == 0 ? [] : ["--map-root-user"])
                + ["--mount", "--propagation", "private", "/bin/sh", "-c", "\(mount) && \(write) >&2 && exec \"$0\" \"$@\""]
            let reply = try await stage.run(
                "doctor", "--json", environment: ["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"], wrapper: wrapper)
            let found = try findings(reply)
            #expect(severity(found["disk-low"]) == "error" && severity(found["ledger-volatile"]) == "warning", "\(found)")
            #expect(severity(found["daemon-down"]) == "error")
        }
    }
}
