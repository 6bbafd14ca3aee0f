import Testing

@testable import OpenClawLoopback

@Suite("Methods do what they do at OpenClaw", .timeLimit(.minutes(1)))
struct MethodTests {
    @Test("the configuration is shown without its secrets, and with a hash")
    func config() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let config = try await client.call("config.get")["payload"]
                #expect(config?["config"]?["gateway"]?["auth"]?["token"] == "__OPENCLAW_REDACTED__")
                #expect(config?["raw"]?.string?.contains(Rig.token) == false)
                #expect(config?["hash"]?.string?.count == 64)
            }
        }
    }

    @Test("a patch needs the hash of what there is", arguments: [nil, "stale"])
    func baseHash(hash: String?) async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let error = try await client.call("config.patch", ["raw": "{}", "baseHash": JSON(hash)])["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
                #expect(error?["message"]?.string?.contains("re-run config.get") == true)
            }
        }
    }

    @Test(
        "a patch that is no object, or breaks the schema, is refused",
        arguments: ["[]", "{", "{gateway: 1}", "{gateway: {port: 'x'}}"])
    func badPatch(raw: String) async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let reply = try await rig.patch(client, raw)
                #expect(reply["error"]?["code"] == "INVALID_REQUEST")
            }
            #expect(!rig.log.events.contains { $0.name == "config_written" })
        }
    }

    @Test("config.apply takes the whole file, and puts back the secrets that it was shown without")
    func apply() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let shown = try await client.call("config.get")["payload"]
                var config = shown?["config"] ?? [:]
                config["logging"] = nil
                let reply = try await client.call(
                    "config.apply", ["raw": .string(config.text), "baseHash": shown?["hash"] ?? .null])["payload"]
                #expect(reply?["changedPaths"] == ["logging"])
            }
            try await rig.backend { _ in }
        }
    }

    @Test("unknown methods, unknown params and params that are no object are refused")
    func strict() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let unknown = try await client.call("config.conjure")["error"]
                #expect(unknown?["message"] == "unknown method: config.conjure")
                let property = try await client.call("config.get", ["deep": true])["error"]
                #expect(property?["message"]?.string?.contains("unexpected property 'deep'") == true)
                let list = try await client.call("config.get", [1])["error"]
                #expect(list?["code"] == "INVALID_REQUEST")
                client.send(#"{"type":"req","id":"x","method":"health","priority":1}"#)
                let member = try await client.answer("x")
                #expect(member["error"]?["message"] == "invalid request frame")
                let again = try await client.call("connect", RawClient.hello())["error"]
                #expect(again?["code"] == "INVALID_REQUEST")
            }
        }
    }

    @Test("channels.status tells when Discord is running and connected")
    func channels() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
            $0.account = "work"
        } _: { rig in
            try await rig.backend { client in
                let before = try await client.call("channels.status")["payload"]?["channelAccounts"]?["discord"]?.array?.first
                #expect(before?["accountId"] == "work" && before?["running"] == false && before?["connected"] == false)
                rig.server.discordReady()
                let after = try await client.call("channels.status")["payload"]
                let account = after?["channelAccounts"]?["discord"]?.array?.first
                #expect(account?["running"] == true && account?["connected"] == true)
                #expect(account?["lastConnectedAt"]?.int ?? 0 > 0)
                #expect(after?["channelDefaultAccountId"] == ["discord": "work"])
            }
        }
    }

    @Test("Discord becomes ready by itself after the time that is given")
    func readyAfter() async throws {
        try await withClaw {
            $0.discordReadyAfter = .milliseconds(1)
        } _: { rig in
            _ = try await rig.event("discord_ready")
        }
    }

    @Test("send posts as the bot, once for each key; another life has forgotten the key")
    func send() async throws {
        try await withClaw { rig in
            let params: JSON = [
                "to": .string("channel:\(Rig.channel)"), "message": "hello", "channel": "discord", "idempotencyKey": "k1",
            ]
            try await rig.backend { client in
                let first = try await client.call("send", params)["payload"]
                #expect(first?["runId"] == "k1" && first?["channel"] == "discord")
                #expect(first?["channelId"] == .string("\(Rig.channel)"))
                #expect(first?["messageId"]?.filled != nil)
                let second = try await client.call("send", params)["payload"]
                #expect(second == first)
            }
            #expect(rig.said == ["hello"])
            rig.server.kill()
            _ = try await rig.event("life") { $0["life"] == "2" }
            try await rig.backend { client in _ = try await client.call("send", params) }
            #expect(rig.said == ["hello", "hello"])
        }
    }

    @Test("send fails while Discord is not ready, and the same key may try again")
    func sendTooEarly() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await rig.backend { client in
                let params: JSON = ["to": .string("\(Rig.channel)"), "message": "hello", "idempotencyKey": "k1"]
                let early = try await client.call("send", params)["error"]
                #expect(early?["code"] == "UNAVAILABLE")
                try await rig.expect("send_lost", ["source": "send", "text": "hello"])
                rig.server.discordReady()
                let late = try await client.call("send", params)
                #expect(late["ok"] == true)
            }
        }
    }

    @Test("a long text is posted in pieces")
    func longText() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let text = String(repeating: "a", count: 2_001)
                let params: JSON = ["to": .string("\(Rig.channel)"), "message": .string(text), "idempotencyKey": "k1"]
                let reply = try await client.call("send", params)
                #expect(reply["ok"] == true)
            }
            #expect(rig.said.map(\.count) == [2_000, 1])
        }
    }

    @Test(
        "a send that can't be is refused",
        arguments: [
            ["to": "nowhere", "message": "m", "idempotencyKey": "k"], ["to": "channel:1", "message": "m"],
            ["message": "m", "idempotencyKey": "k"], ["to": "channel:1", "idempotencyKey": "k"],
            ["to": "channel:1", "message": "m", "idempotencyKey": "k", "channel": "pigeon"],
            ["to": "channel:1", "message": "m", "idempotencyKey": "k", "accountId": "other"],
        ])
    func badSend(params: [String: String]) async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let error = try await client.call("send", .object(params.mapValues(JSON.string)))["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
            }
        }
    }

    @Test("a channel that Discord does not know makes send fail")
    func unknownChannel() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let error = try await client.call("send", ["to": "channel:1", "message": "m", "idempotencyKey": "k"])["error"]
                #expect(error?["code"] == "UNAVAILABLE")
                #expect(error?["message"]?.string?.contains("404") == true)
            }
        }
    }

    @Test("logs.tail goes on where it ended")
    func logs() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let first = try await client.call("logs.tail", ["limit": 2])["payload"]
                #expect(first?["lines"]?.array?.count == 2)
                let second = try await client.call("logs.tail", ["cursor": first?["cursor"] ?? .null])["payload"]
                #expect(second?["lines"]?.array?.count == 1)
                #expect(second?["lines"]?.array?.first?.string?.contains("logs.tail") == true)
            }
        }
    }

    @Test("health and status answer")
    func health() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let health = try await client.call("health")["payload"]
                #expect(health?["ok"] == true)
                let status = try await client.call("status")["payload"]
                #expect(status?["version"] == "2026.9.1")
            }
        }
    }
}
