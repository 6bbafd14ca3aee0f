import NIOHTTP1
import Testing

@testable import DiscordLoopback

@Suite("REST") struct RESTTests {
    @Test("a wrong token gets 401 and a right one its user")
    func authorisation() async throws {
        try await withLoopback { rig async throws in
            #expect(try await rig.call(.GET, "/users/@me", token: "wrong").status == 401)
            #expect(try await rig.call(.GET, "/users/@me", token: nil).status == 401)
            let me = try await rig.call(.GET, "/users/@me")
            #expect(me.status == 200 && me["bot"] == true && me["id"] == "900000000000001000")
        }
    }

    @Test("GET /gateway/bot names the gateway and what is left of the identifies")
    func gatewayBot() async throws {
        try await withLoopback({ $0.sessionStartTotal = 7 }) { rig async throws in
            let reply = try await rig.call(.GET, "/gateway/bot")
            #expect(reply["url"].string == rig.address.gateway)
            #expect(reply["session_start_limit"][key: "remaining"] == 7)
            #expect(reply["session_start_limit"][key: "max_concurrency"] == 1)
        }
    }

    @Test("a message is stored, echoed in the reply and found in history")
    func send() async throws {
        try await withLoopback { rig async throws in
            let sent = try await rig.post(["content": " hello ", "nonce": "n1"])
            #expect(sent.status == 200 && sent["nonce"] == "n1" && sent["content"] == "hello")
            let history = try await rig.call(.GET, "/channels/\(Rig.channel)/messages?limit=10")
            #expect(history.json.array?.count == 1)
            let id = sent["id"].string ?? ""
            #expect(try await rig.call(.GET, "/channels/\(Rig.channel)/messages/\(id)")["content"] == "hello")
            #expect(rig.world.messages(in: Rig.channel).map(\.content) == ["hello"])
        }
    }

    @Test(
        "a faulty message is refused with the documented code",
        arguments: [
            ([:] as JSON, 400, 50_006), (["content": "  \n"], 400, 50_006),
            (["content": .string(String(repeating: "é", count: 2_001))], 400, 50_035),
            (["content": "x", "nonce": .string(String(repeating: "n", count: 26))], 400, 50_035),
            (["content": "x", "nonce": [1]], 400, 50_035), (["content": 7], 400, 50_035),
            (["content": "x", "allowed_mentions": ["parse": ["all"]]], 400, 50_035),
            (["content": "x", "allowed_mentions": ["parse": ["users"], "users": ["1"]]], 400, 50_035),
            (["content": "x", "flags": 1], 400, 50_035),
            (["content": "x", "message_reference": ["message_id": "5"]], 400, 50_035),
            ([1, 2], 400, 50_109),
        ] as [(JSON, Int, Int)])
    func refused(body: JSON, status: Int, code: Int) async throws {
        try await withLoopback { rig async throws in
            let reply = try await rig.post(body)
            #expect(reply.status == status && reply["code"].int == code, "\(reply.text)")
            #expect(rig.world.messages(in: Rig.channel).isEmpty)
        }
    }

    @Test("2,000 characters fit, however many bytes they take")
    func characters() async throws {
        try await withLoopback { rig async throws in
            #expect(try await rig.post(["content": .string(String(repeating: "é", count: 2_000))]).status == 200)
        }
    }

    @Test("a body that is no JSON gets 50109")
    func noJSON() async throws {
        try await withLoopback { rig async throws in
            let reply = try await rig.call(
                .POST, "/channels/\(Rig.channel)/messages", bytes: Array("{\"content\"".utf8),
                headers: [("Content-Type", "application/json")])
            #expect(reply.status == 400 && reply["code"] == 50_109)
        }
    }

    @Test("a form fault names its field")
    func formFault() async throws {
        try await withLoopback { rig async throws in
            let reply = try await rig.post(["content": .string(String(repeating: "a", count: 2_001))])
            let fault = reply["errors"][key: "content"]?[key: "_errors"]?.array?.first
            #expect(fault?[key: "code"] == "BASE_TYPE_MAX_LENGTH")
        }
    }

    @Test("the same nonce within its window makes one message; after it, two")
    func nonceWindow() async throws {
        try await withLoopback { rig async throws in
            let body: JSON = ["content": "once", "nonce": "w", "enforce_nonce": true]
            let first = try await rig.post(body)
            rig.time.advance(by: .seconds(100))
            let second = try await rig.post(body)
            #expect(first["id"] == second["id"])
            #expect(rig.world.messages(in: Rig.channel).count == 1)
            rig.time.advance(by: .seconds(81))
            #expect(try await rig.post(body)["id"] != first["id"])
            #expect(rig.world.messages(in: Rig.channel).count == 2)
        }
    }

    @Test("without enforce_nonce the same nonce makes two messages")
    func looseNonce() async throws {
        try await withLoopback { rig async throws in
            for _ in 1...2 { try await rig.post(["content": "twice", "nonce": "w"]) }
            #expect(rig.world.messages(in: Rig.channel).count == 2)
        }
    }

    @Test("a message deleted within its window is not made again: 10008")
    func deletedInWindow() async throws {
        try await withLoopback { rig async throws in
            let body: JSON = ["content": "once", "nonce": 5, "enforce_nonce": true]
            let id = try await rig.post(body)["id"].string ?? ""
            #expect(try await rig.call(.DELETE, "/channels/\(Rig.channel)/messages/\(id)").status == 204)
            let again = try await rig.post(body)
            #expect(again.status == 404 && again["code"] == 10_008)
        }
    }

    @Test("files come with the payload in one multipart request and can be fetched")
    func multipart() async throws {
        try await withLoopback { rig async throws in
            let body = [
                "--B", "Content-Disposition: form-data; name=\"payload_json\"", "Content-Type: application/json", "",
                "{\"content\":\"see file\",\"nonce\":\"m\"}", "--B",
                "Content-Disposition: form-data; name=\"files[0]\"; filename=\"note.md\"", "Content-Type: text/markdown", "",
                "# long\r\nnote", "--B--", "",
            ].joined(separator: "\r\n")
            let reply = try await rig.call(
                .POST, "/channels/\(Rig.channel)/messages", bytes: Array(body.utf8),
                headers: [("Content-Type", "multipart/form-data; boundary=B")])
            #expect(reply.status == 200 && reply["nonce"] == "m", "\(reply.text)")
            let stored = rig.world.messages(in: Rig.channel).first
            #expect(stored?.content == "see file" && stored?.files == ["note.md": Array("# long\r\nnote".utf8)])
            let attachment = reply["attachments"].array?.first
            #expect(attachment?[key: "filename"] == "note.md" && attachment?[key: "size"] == 12)
        }
    }

    @Test("history pages by before, after and around, newest first")
    func pages() async throws {
        try await withLoopback({ $0.enforcesRateLimits = false }) { rig async throws in
            var ids: [String] = []
            for index in 0..<6 { ids.append(try await rig.post(["content": "\(index)"])["id"].string ?? "") }
            func page(_ query: String) async throws -> [String] {
                try await rig.call(.GET, "/channels/\(Rig.channel)/messages?\(query)").json.array?
                    .compactMap { $0[key: "content"]?.string } ?? []
            }
            #expect(try await page("limit=2") == ["5", "4"])
            #expect(try await page("limit=2&before=\(ids[3])") == ["2", "1"])
            #expect(try await page("limit=2&after=\(ids[1])") == ["3", "2"])
            #expect(try await page("limit=3&around=\(ids[2])") == ["3", "2", "1"])
            #expect(try await rig.call(.GET, "/channels/\(Rig.channel)/messages?limit=101").status == 400)
        }
    }

    @Test("missing permissions refuse with 50001 and 50013 and hide history")
    func permissions() async throws {
        try await withLoopback { rig async throws in
            try await rig.post(["content": "before"])
            try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: .readMessageHistory))
            #expect(try await rig.call(.GET, "/channels/\(Rig.channel)/messages").json.array?.isEmpty == true)
            try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: .sendMessages))
            let refused = try await rig.post(["content": "x"])
            #expect(refused.status == 403 && refused["code"] == 50_013)
            try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: .viewChannel))
            #expect(try await rig.call(.GET, "/channels/\(Rig.channel)")["code"] == 50_001)
            try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: []))
            #expect(try await rig.post(["content": "x"]).status == 200)
            try rig.world.perform(.deleteChannel(Rig.channel))
            let gone = try await rig.call(.GET, "/channels/\(Rig.channel)")
            #expect(gone.status == 404 && gone["code"] == 10_003)
        }
    }

    @Test("an archived thread wakes on a message; a locked one refuses it")
    func threads() async throws {
        try await withLoopback { rig async throws in
            try rig.world.perform(.thread(channel: Rig.thread, archived: true, locked: nil))
            #expect(
                try await rig.call(.GET, "/channels/\(Rig.thread)")["thread_metadata"][key: "archived"] == true)
            #expect(try await rig.post(["content": "wake"], to: Rig.thread).status == 200)
            #expect(
                try await rig.call(.GET, "/channels/\(Rig.thread)")["thread_metadata"][key: "archived"] == false)
            try rig.world.perform(.thread(channel: Rig.thread, archived: true, locked: true))
            #expect(try await rig.post(["content": "x"], to: Rig.thread)["code"] == 50_083)
            try rig.world.perform(.thread(channel: Rig.thread, archived: false, locked: true))
            #expect(try await rig.post(["content": "x"], to: Rig.thread)["code"] == 160_005)
        }
    }

    @Test("a direct message goes to a person, not to a bot")
    func direct() async throws {
        try await withLoopback { rig async throws in
            let opened = try await rig.call(.POST, "/users/@me/channels", ["recipient_id": "900000000000000001"])
            #expect(opened["type"] == 1)
            let id = opened["id"].snowflake ?? 0
            #expect(try await rig.post(["content": "psst"], to: id).status == 200)
            let bot = try await rig.call(.POST, "/users/@me/channels", ["recipient_id": "900000000000001000"])
            #expect(bot.status == 403 && bot["code"] == 50_007)
        }
    }

    @Test("the sixth message within 5 s is refused with headers and body as documented; other channels are not")
    func bucket() async throws {
        try await withLoopback(frozen: true) { rig async throws in
            for left in (0..<5).reversed() {
                let reply = try await rig.post(["content": "x"])
                #expect(reply.headers.first(name: "X-RateLimit-Remaining") == String(left))
            }
            let refused = try await rig.post(["content": "x"])
            #expect(refused.status == 429 && refused["global"] == false)
            #expect((refused["retry_after"].number ?? 0) > 0 && (refused["retry_after"].number ?? 9) <= 5)
            #expect(refused.headers.first(name: "X-RateLimit-Scope") == "user")
            #expect(refused.headers.first(name: "Retry-After") != nil && refused.headers.first(name: "Via") != nil)
            #expect(try await rig.post(["content": "x"], to: Rig.thread).status == 200)
            rig.time.advance(by: .seconds(5))
            #expect(try await rig.post(["content": "x"]).status == 200)
        }
    }

    @Test("the 51st request of a second is refused globally")
    func global() async throws {
        try await withLoopback({ $0.globalLimit = 50 }, frozen: true) { rig async throws in
            for _ in 1...50 { #expect(try await rig.call(.GET, "/users/@me/guilds").status == 200) }
            let refused = try await rig.call(.GET, "/users/@me")
            #expect(refused.status == 429 && refused["global"] == true)
            #expect(refused.headers.first(name: "X-RateLimit-Global") == "true")
            #expect(refused.headers.first(name: "X-RateLimit-Scope") == "global")
            rig.time.advance(by: .seconds(1))
            #expect(try await rig.call(.GET, "/users/@me").status == 200)
        }
    }

    @Test("too many invalid requests end in an HTML page without JSON")
    func ban() async throws {
        try await withLoopback({ $0.invalidRequestLimit = 2 }) { rig async throws in
            for _ in 1...2 { #expect(try await rig.call(.GET, "/users/@me", token: "wrong").status == 401) }
            let banned = try await rig.call(.GET, "/users/@me")
            #expect(banned.status == 429 && banned.text.hasPrefix("<!DOCTYPE html>"))
            #expect(banned.headers.first(name: "Via") == nil && banned.headers.first(name: "Retry-After") != nil)
        }
    }

    @Test("what a client needs to compute permissions is there")
    func permissionFacts() async throws {
        try await withLoopback { rig async throws in
            let guild = try await rig.call(.GET, "/guilds/\(LoopbackOptions.defaultGuild)")
            #expect(guild["roles"].array?.count == 2)
            let member = try await rig.call(.GET, "/guilds/\(LoopbackOptions.defaultGuild)/members/900000000000001000")
            #expect(member["roles"].array?.count == 1)
            try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: .sendMessages))
            let channel = try await rig.call(.GET, "/channels/\(Rig.channel)")
            #expect(channel["permission_overwrites"].array?.first?[key: "deny"] == "2048")
        }
    }

    @Test("unknown routes get 404, wrong methods 405, old versions 400, foreign user agents 40333 if checked")
    func oddRequests() async throws {
        try await withLoopback({ $0.checksUserAgent = true }) { rig async throws in
            let agent = [("User-Agent", "DiscordBot (https://example.org, 1)")]
            #expect(try await rig.call(.GET, "/nothing", headers: agent).status == 404)
            #expect(try await rig.call(.DELETE, "/users/@me", headers: agent).status == 405)
            #expect(try await rig.call(.GET, "/users/@me")["code"] == 40_333)
        }
    }
}
