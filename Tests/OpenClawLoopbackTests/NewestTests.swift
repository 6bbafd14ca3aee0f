import Foundation
import NetSupport
import Testing

@testable import OpenClawLoopback

@Suite("A gateway of the newest generation and its sentinel", .timeLimit(.minutes(1)))
struct NewestTests {
    private static let change = "{gateway: {auth: {rateLimit: 1}}}"

    @Test("a change that is taken over hot restarts nothing, and one that changes nothing is none")
    func hot() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let hot = try await rig.patch(client, "{logging: {level: 'debug'}, agents: {list: [{id: 'a'}]}}")["payload"]
                #expect(hot?["changedPaths"] == ["agents.list", "logging.level"])
                #expect(hot?["restart"] == nil && hot?["sentinel"] == nil)
                let event = try await client.event("config.changed")
                #expect(event["payload"]?["hash"]?.filled != nil)
                let none = try await rig.patch(client, "{logging: {level: 'debug'}}")["payload"]
                #expect(none?["changedPaths"] == [] && none?["restart"] == nil)
            }
            #expect(!rig.log.events.contains { $0.name == "restart_scheduled" || $0.name == "sentinel_written" })
        }
    }

    @Test("who has subscribed is told of every line of every transcript, who has not of none")
    func lines() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let answer = try await client.call("sessions.subscribe")["payload"]
                #expect(answer == ["subscribed": true])
                rig.server.beginRun(session: Rig.session, message: "how far are you?")
                let event = try await client.event("session.message")
                #expect(event["payload"]?["sessionKey"]?.string == Rig.session && event["seq"] == nil)
                #expect(event["payload"]?["message"]?["role"]?.string == "user")
                #expect(event["payload"]?["message"]?["content"] == [["type": "text", "text": "how far are you?"]])
                try await rig.backend { other in
                    _ = try await other.call("chat.send", ["sessionKey": "agent:a:main", "message": "m", "idempotencyKey": "k"])
                    _ = try await other.event("chat")
                    #expect(await !other.has { $0["event"] == "session.message" })
                }
            }
        }
    }

    @Test("the sentinel is shown by update.status, and no file is written")
    func shown() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let before = try await client.call("update.status")["payload"]
                #expect(before?["sentinel"] == JSON.null)
                let reply = try await rig.patch(
                    client, Self.change, ["sessionKey": .string(Rig.session), "note": "n", "restartDelayMs": 60_000])["payload"]
                #expect(reply?["restart"]?["emitHooksQueued"] == true)
                #expect(reply?["restart"]?["signal"] == "SIGUSR2")
                let after = try await client.call("update.status")["payload"]
                #expect(after?["sentinel"]?["message"] == "n")
                #expect(after?["sentinel"] == reply?["sentinel"]?["payload"])
                #expect(!FileManager.default.fileExists(atPath: rig.sentinelPath))
            }
        }
    }

    @Test("the next life wakes the session and says it when Discord is ready, however long that takes")
    func owed() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await rig.backend { client in
                try await rig.patch(
                    client, Self.change, ["sessionKey": .string(Rig.session), "note": "back", "restartDelayMs": 0])
            }
            let text = "Gateway restart config-patch ok (config.patch)\nback"
            let turn = try await rig.event("turn")
            #expect(turn["session"] == Rig.session && turn["source"] == "wake" && turn["life"] == "2")
            #expect(turn["text"] == "System: " + text)
            try await rig.expect("send_lost", ["source": "notice"]) { $0["attempt"] == "2" }
            rig.server.discordReady()
            try await rig.expect("send_posted", ["source": "notice"])
            #expect(rig.said == [text])
            try await rig.backend { client in
                let status = try await client.call("update.status")["payload"]
                #expect(status?["sentinel"] == JSON.null)
            }
        }
    }

    @Test("a notice is tried 45 times, and never again")
    func attempts() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await rig.backend { client in
                try await rig.patch(client, Self.change, ["sessionKey": .string(Rig.session), "restartDelayMs": 0])
            }
            _ = try await rig.event("send_lost") { $0["attempt"] == "45" }
            rig.server.restart()
            _ = try await rig.event("life") { $0["life"] == "3" }
            rig.server.discordReady()
            #expect(rig.log.events.filter { $0.name == "send_lost" }.count == 45)
            #expect(rig.said.isEmpty)
        }
    }

    @Test("a notice that a life did not get done is done by the next, and the session is not woken twice")
    func survives() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
            $0.noticeInterval = .seconds(3_600)
        } _: { rig in
            try await rig.backend { client in
                try await rig.patch(client, Self.change, ["sessionKey": .string(Rig.session), "restartDelayMs": 0])
            }
            _ = try await rig.event("send_lost")
            rig.server.kill()
            _ = try await rig.event("send_lost") { $0["life"] == "3" && $0["attempt"] == "2" }
            #expect(rig.log.events.filter { $0.name == "turn" }.count == 1)
        }
    }

    @Test("a sentinel that names nobody and says nothing is consumed silently")
    func silent() async throws {
        try await withClaw { rig in
            try await rig.backend { client in try await rig.patch(client, Self.change, ["restartDelayMs": 0]) }
            try await rig.expect("sentinel_consumed", ["outcome": "silent"])
            #expect(!rig.log.events.contains { $0.name == "turn" || $0.name == "send_posted" })
        }
    }

    @Test("a note without a session wakes the main one; a deliveryContext says where it is told")
    func routed() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let context: JSON = ["channel": "discord", "to": .string("channel:\(Rig.channel)")]
                try await rig.patch(client, Self.change, ["note": "n", "deliveryContext": context, "restartDelayMs": 0])
            }
            try await rig.expect("turn", ["session": "agent:main:main"])
            try await rig.expect("send_posted", ["source": "notice"])
        }
    }

    @Test("gateway.restart.request schedules a restart and leaves no sentinel")
    func request() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let reply = try await client.call("gateway.restart.request", ["reason": "because"])["payload"]
                #expect(reply?["status"] == "scheduled" && reply?["restart"]?["delayMs"] == 2_000)
                #expect(reply?["preflight"]?["safe"] == true)
            }
            try await rig.expect("restart_scheduled", ["reason": "because"])
            #expect(!rig.log.events.contains { $0.name == "sentinel_written" })
        }
    }

    @Test("a reason over 200 characters is refused")
    func longReason() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let reason = JSON.string(String(repeating: "r", count: 201))
                let error = try await client.call("gateway.restart.request", ["reason": reason])["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
            }
        }
    }

    @Test("a restart joins one that is scheduled, and may make it earlier")
    func coalesced() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                try await rig.patch(client, Self.change, ["restartDelayMs": 60_000])
                let second = try await client.call("gateway.restart.request")["payload"]
                #expect(second?["status"] == "coalesced" && second?["restart"]?["emitHooksQueued"] == false)
            }
        }
        try await withClaw { rig in
            try await rig.backend { client in
                try await rig.patch(client, Self.change, ["restartDelayMs": 60_000])
                try await rig.patch(client, "{plugins: {}}", ["restartDelayMs": 0])
                #expect(await client.closed()?.code == 1012)
            }
            _ = try await rig.event("life") { $0["life"] == "2" }
            #expect(rig.log.events.filter { $0.name == "restart_scheduled" }.map { $0["coalesced"] } == ["false", "true"])
        }
    }

    @Test("a second restart within the cooldown waits for its end")
    func cooldown() async throws {
        try await withClaw {
            $0.restartCooldown = .seconds(3_600)
        } _: { rig in
            rig.server.restart()
            _ = try await rig.event("life") { $0["life"] == "2" }
            try await rig.backend { client in
                let reply = try await client.call("gateway.restart.request")["payload"]
                #expect(reply?["restart"]?["cooldownMsApplied"]?.int ?? 0 > 3_000_000)
            }
        }
    }

    @Test("config.schema.lookup tells before a change what it will take")
    func lookUp() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let gateway = try await client.call("config.schema.lookup", ["path": "gateway"])["payload"]
                #expect(gateway?["reloadKind"] == "restart")
                let children = gateway?["children"]?.array ?? []
                #expect(children.contains { $0["path"] == "gateway.port" && $0["reloadKind"] == "restart" })
                let channel = try await client.call("config.schema.lookup", ["path": "channels.discord.enabled"])["payload"]
                #expect(channel?["reloadKind"] == "hot")
                let bad = try await client.call("config.schema.lookup", ["path": "a b"])["error"]
                #expect(bad?["code"] == "INVALID_REQUEST")
            }
        }
    }

    @Test("wake and system-event reach the session that they name")
    func named() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let key = JSON.string(Rig.session)
                _ = try await client.call("system-event", ["text": "quiet", "sessionKey": key])
                #expect(!rig.log.events.contains { $0.name == "turn" })
                _ = try await client.call("wake", ["mode": "next-heartbeat", "text": "look", "sessionKey": key])
            }
            let turn = try await rig.event("turn")
            #expect(turn["session"] == Rig.session)
            #expect(turn["text"] == "System: quiet\n\nSystem: look")
        }
    }
}
