import Foundation
import NetSupport
import Testing

@testable import OpenClawLoopback

@Suite("A gateway of March 2026 and its sentinel", .timeLimit(.minutes(1)))
struct MarchTests {
    @Test("every patch writes the sentinel file and schedules a restart, even one that changes nothing")
    func patch() async throws {
        try await withClaw(.march2026) {
            // So nobody takes the file before it is looked at.
            $0.downTime = .seconds(3_600)
        } _: { rig in
            try await rig.backend { client in
                let payload = try await rig.patch(
                    client, "{logging: {level: 'info'}}", ["sessionKey": .string(Rig.session), "note": "back soon"])["payload"]
                #expect(payload?["ok"] == true)
                #expect(payload?["config"]?["gateway"]?["auth"]?["token"] == "__OPENCLAW_REDACTED__")
                #expect(payload?["restart"]?["ok"] == true)
                #expect(payload?["restart"]?["delayMs"] == 2_000)
                #expect(payload?["restart"]?["signal"] == "SIGUSR1")
                #expect(payload?["restart"]?["coalesced"] == false)
                #expect(payload?["sentinel"]?["path"] == .string(rig.sentinelPath))
                let text = try String(contentsOfFile: rig.sentinelPath, encoding: .utf8)
                let envelope = JSON(parsing: text)
                #expect(text.hasSuffix("\n") && envelope?["version"] == 1)
                #expect(envelope?["payload"] == payload?["sentinel"]?["payload"])
                #expect(envelope?["payload"]?["kind"] == "config-patch")
                #expect(envelope?["payload"]?["message"] == "back soon")
                #expect(envelope?["payload"]?["stats"]?["mode"] == "config.patch")
                let route: JSON = ["channel": "discord", "to": .string("channel:\(Rig.channel)"), "accountId": "default"]
                #expect(envelope?["payload"]?["deliveryContext"] == route)
            }
        }
    }

    @Test("the next life deletes the file first, then says it once, and wakes nobody")
    func ping() async throws {
        try await withClaw(.march2026) { rig in
            try await rig.backend { client in
                try await rig.patch(
                    client, "{}", ["sessionKey": .string(Rig.session), "note": "back", "restartDelayMs": 0])
                #expect(await client.closed()?.code == 1012)
            }
            let consumed = try await rig.event("sentinel_consumed")
            #expect(consumed["life"] == "2" && consumed["outcome"] == "send")
            #expect(!FileManager.default.fileExists(atPath: rig.sentinelPath))
            let posted = try await rig.event("send_posted")
            #expect(posted["source"] == "ping" && posted.number > consumed.number)
            #expect(rig.said == ["Gateway restart config-patch ok (config.patch)\nback"])
            #expect(!rig.log.events.contains { $0.name == "turn" })
        }
    }

    @Test("while Discord is not ready the ping is lost, silently and for good")
    func lost() async throws {
        try await withClaw(.march2026) {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await rig.backend { client in
                try await rig.patch(client, "{}", ["sessionKey": .string(Rig.session), "restartDelayMs": 0])
            }
            let lost = try await rig.event("send_lost")
            #expect(lost["source"] == "ping" && lost["life"] == "2")
            rig.server.discordReady()
            rig.server.restart()
            _ = try await rig.event("life") { $0["life"] == "3" }
            #expect(rig.said.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: rig.sentinelPath))
            #expect(!rig.log.events.contains { $0.name == "turn" || $0.name == "system_event" })
        }
    }

    @Test("a sentinel without a session becomes a system event of the main session")
    func sessionless() async throws {
        try await withClaw(.march2026) { rig in
            try await rig.backend { client in try await rig.patch(client, "{}", ["restartDelayMs": 0]) }
            try await rig.expect("system_event", ["session": "agent:main:main"])
            #expect(rig.said.isEmpty)
        }
    }

    @Test("the session store knows a better route than the key")
    func store() async throws {
        try await withClaw(.march2026) { rig in
            rig.server.addSession("agent:main:main", to: "channel:\(Rig.channel)")
            try await rig.backend { client in
                let reply = try await rig.patch(client, "{}", ["sessionKey": "agent:main:main", "restartDelayMs": 0])
                let to = reply["payload"]?["sentinel"]?["payload"]?["deliveryContext"]?["to"]
                #expect(to == .string("channel:\(Rig.channel)"))
            }
            try await rig.expect("send_posted", ["source": "ping"])
        }
    }

    @Test("a damaged file is deleted and nothing is said", arguments: ["{", #"{"version":2,"payload":{}}"#, #"{"version":1}"#])
    func damaged(text: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claw-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: folder + "/restart-sentinel.json"))
        try await withClaw(.march2026, in: folder) { rig in
            try await rig.expect("sentinel_consumed", ["outcome": "damaged"])
            #expect(!FileManager.default.fileExists(atPath: rig.sentinelPath))
            #expect(!rig.log.events.contains { ["turn", "system_event", "send_posted"].contains($0.name) })
        }
    }

    @Test("what came later is not there", arguments: ["config.schema.lookup", "update.status", "gateway.restart.request"])
    func unknown(method: String) async throws {
        try await withClaw(.march2026) { rig in
            try await rig.backend { client in
                let error = try await client.call(method)["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
                #expect(error?["message"] == .string("unknown method: \(method)"))
            }
        }
    }

    @Test("wake and system-event reach the main session, whatever session they name")
    func mainOnly() async throws {
        try await withClaw(.march2026) { rig in
            try await rig.backend { client in
                _ = try await client.call("system-event", ["text": "the lights are on", "sessionKey": .string(Rig.session)])
                _ = try await client.call("wake", ["mode": "now", "text": "look", "sessionKey": .string(Rig.session)])
            }
            let turn = try await rig.event("turn")
            #expect(turn["session"] == "agent:main:main")
            #expect(turn["text"] == "System: the lights are on\n\nSystem: look")
        }
    }
}
