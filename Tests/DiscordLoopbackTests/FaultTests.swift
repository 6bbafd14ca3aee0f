import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing

@testable import DiscordLoopback

@Suite("Faults on demand") struct FaultTests {
    @Test("an unknown fault, action or field is an error that lists the known ones")
    func unknownNames() throws {
        let fault = #expect(throws: LoopbackError.self) { try LoopbackFault("lost-replies") }
        #expect(fault?.hint.contains("lost-reply") == true)
        let field = #expect(throws: LoopbackError.self) { try LoopbackFault("lost-reply times=3") }
        #expect(field?.message.contains("times") == true && field?.hint.contains("count") == true)
        let action = #expect(throws: LoopbackError.self) { try LoopbackAction("{\"action\":\"explode\"}") }
        #expect(action?.hint.contains("expire-nonces") == true)
    }

    @Test("words and JSON say the same")
    func words() throws {
        let fault = try LoopbackFault("rate-limit scope=shared retry_after=2.5 count=3 route=/channels/{id}/messages")
        #expect(fault.scope == .shared && fault.retryAfterSeconds == 2.5 && fault.count == 3)
        #expect(fault.route == "/channels/{id}/messages")
        #expect(try LoopbackFault("{\"fault\":\"close\",\"code\":4009,\"when\":\"ready\"}").moments == [.ready])
    }

    @Test("a reply is lost after the message was stored, and the nonce saves the retry")
    func lostReply() async throws {
        try await withLoopback({ $0.faults = [LoopbackFault(.lostReply)] }) { rig async throws in
            let body: JSON = ["content": "once", "nonce": "n", "enforce_nonce": true]
            await #expect(throws: (any Error).self) { try await rig.post(body) }
            #expect(rig.world.messages(in: Rig.channel).count == 1)
            #expect(try await rig.post(body).status == 200)
            #expect(rig.world.messages(in: Rig.channel).count == 1)
            #expect(rig.log.events.contains { $0.name == "message_deduplicated" })
        }
    }

    @Test("429 of each scope", arguments: RateLimitScope.allCases)
    func scopes(scope: RateLimitScope) async throws {
        var fault = LoopbackFault(.rateLimit)
        fault.scope = scope
        fault.retryAfterSeconds = 64.57
        fault.method = "POST"
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            #expect(try await rig.call(.GET, "/users/@me").status == 200)
            let reply = try await rig.post(["content": "x"])
            #expect(reply.status == 429 && reply["retry_after"].number == 64.57 && reply["global"] == .bool(scope == .global))
            #expect(reply.headers.first(name: "Retry-After") == "65")
            #expect(reply.headers.first(name: "X-RateLimit-Scope") == scope.rawValue)
            #expect(reply.headers.contains(name: "X-RateLimit-Bucket") == (scope != .global))
            #expect(try await rig.post(["content": "x"]).status == 200)
        }
    }

    @Test(
        "replies that are no replies",
        arguments: [
            ("empty-reply", 200, ""), ("garbage-reply", 200, "{\"id\":\"1"), ("html-error", 502, "<!DOCTYPE html>"),
            ("rate-limit-page", 429, "<!DOCTYPE html>"), ("status status=503", 503, "{"),
            ("huge-reply bytes=3000000", 200, "{"),
        ])
    func oddReplies(text: String, status: Int, start: String) async throws {
        let fault = try LoopbackFault(text)
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            let reply = try await rig.post(["content": "x"])
            #expect(reply.status == status && reply.text.hasPrefix(start))
            if start.isEmpty { #expect(reply.text.isEmpty) }
            #expect(rig.world.messages(in: Rig.channel).isEmpty)
        }
    }

    @Test("a dropped and a reset request are never carried out", arguments: ["drop-request", "reset-request"])
    func dropped(text: String) async throws {
        var fault = try LoopbackFault(text)
        fault.count = 0
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            await #expect(throws: (any Error).self) { try await rig.post(["content": "x"]) }
            #expect(rig.world.messages(in: Rig.channel).isEmpty)
        }
    }

    @Test("a slow reply is a reply")
    func slow() async throws {
        var fault = LoopbackFault(.slowReply)
        fault.delayMilliseconds = 20
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            #expect(try await rig.post(["content": "x"]).status == 200)
        }
    }

    @Test("skip, count and a seeded chance")
    func chance() {
        var book = FaultBook()
        var fault = LoopbackFault(.lostReply)
        fault.skip = 2
        fault.count = 2
        _ = book.add(fault)
        #expect((1...6).map { _ in book.take { _ in true } != nil } == [false, false, true, true, false, false])
        fault.skip = 0
        fault.count = 0
        fault.probability = 0.5
        func story() -> [Bool] {
            var book = FaultBook()
            _ = book.add(fault)
            return (1...64).map { _ in book.take { _ in true } != nil }
        }
        #expect(story() == story() && story().contains(true) && story().contains(false))
    }

    @Test(
        "each close code on demand",
        arguments: [4_000, 4_001, 4_002, 4_003, 4_004, 4_005, 4_007, 4_008, 4_009, 4_010, 4_011, 4_012, 4_013, 4_014, 1_001])
    func closeCodes(code: Int) async throws {
        let fault = try LoopbackFault("close code=\(code) when=ready")
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                #expect(try await client.login() != "")
                #expect(await client.closeCode() == code)
            }
            // Afterwards the session is there or not, as the code says.
            #expect(rig.world.withState { $0.sessions.isEmpty } == CloseCode.endsSession(UInt16(code)))
        }
    }

    @Test("op 7 before Hello, without a d")
    func earlyReconnect() async throws {
        let fault = try LoopbackFault("reconnect when=connect omit_d=true")
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                #expect(await client.next() == .frame(["op": 7]))
            }
        }
    }

    @Test("op 9 on demand, resumable or not", arguments: [true, false])
    func invalidSession(resumable: Bool) async throws {
        let fault = try LoopbackFault("invalid-session resumable=\(resumable)")
        try await withLoopback({ $0.faults = [fault] }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify()
                #expect(await client.next(op: 9)?[key: "d"] == .bool(resumable))
            }
        }
    }

    @Test("a silent server gives no ACK; one without Hello says nothing first")
    func silence() async throws {
        try await withLoopback({ $0.faults = [LoopbackFault(.silent), LoopbackFault(.noHello)] }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = await client.next(op: 10)
                try await client.send(["op": 1, "d": nil])
                #expect(await rig.log.first("heartbeat")?["acked"] == "false")
            }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify()
                guard case .frame(let first) = await client.next() else { return noFrame() }
                #expect(first[key: "op"] == 0)
            }
        }
    }

    @Test("garbage, a huge frame, a reset and a refused handshake")
    func gatewayMess() async throws {
        let faults = [
            try LoopbackFault("garbage-frame when=connect"), try LoopbackFault("huge-frame when=connect"),
            try LoopbackFault("gateway-reset when=connect"),
        ]
        try await withLoopback({ $0.faults = faults }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                guard case .frame(.string(let text)) = await client.next() else { return noFrame() }
                #expect(text.hasPrefix("{\"op\":0"))
            }
            try await GatewayClient.connect(rig) { client async throws in
                guard case .frame(let huge) = await client.next() else { return noFrame() }
                #expect(huge[key: "d"]?.string?.utf8.count == 10 << 20)
            }
            // The reset may overtake the answer to the handshake: then there is no client at all.
            try? await GatewayClient.connect(rig) { client async throws in #expect(await client.next() == .end) }
            rig.world.add(LoopbackFault(.refuseHandshake))
            await #expect(throws: (any Error).self) { try await GatewayClient.connect(rig) { _ in } }
            try await GatewayClient.connect(rig) { client async throws in #expect(await client.next(op: 10) != nil) }
        }
    }

    @Test("a half-open connection says nothing more; a resume elsewhere brings what it missed")
    func halfOpen() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { dead async throws in
                let session = try await dead.login()
                _ = await dead.next(op: 0, event: "GUILD_CREATE")
                try rig.world.perform(.halfOpen)
                try await rig.post(["content": "missed"])
                try await GatewayClient.connect(rig) { client async throws in
                    _ = await client.next(op: 10)
                    try await client.resume(session, seq: 2)
                    #expect(await client.next(op: 0, event: "MESSAGE_CREATE")?[key: "d"]?[key: "content"] == "missed")
                    #expect(await client.next(op: 0, event: "RESUMED") != nil)
                }
                #expect(await dead.next(op: 0) == nil)
            }
        }
    }

    @Test("the admin port stays while the other one refuses")
    func adminPort() async throws {
        try await withLoopback({ $0.adminPort = 0 }) { rig async throws in
            let admin = try #require(rig.address.adminPort)
            try rig.world.perform(.outage(.refuse, lasting: nil))
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(admin)/_loopback/state")
            let reply = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            #expect(reply.status == .ok)
            var end = HTTPClientRequest(url: "http://127.0.0.1:\(admin)/_loopback/end-outage")
            end.method = .POST
            #expect(try await HTTPClient.shared.execute(end, timeout: .seconds(5)).status == .ok)
        }
    }

    @Test("READY with guild ids as numbers and sequence 0")
    func readyQuirks() async throws {
        let faults = [LoopbackFault(.numericGuildIDs), LoopbackFault(.readySequenceZero)]
        try await withLoopback({ $0.faults = faults }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify()
                let ready = await client.next(op: 0, event: "READY")
                #expect(ready?[key: "s"] == 0)
                #expect(ready?[key: "d"]?[key: "guilds"]?.array?.first?[key: "id"] == JSON(LoopbackOptions.defaultGuild))
            }
        }
    }

    @Test("an outage refuses connections, then the same port serves again with everything it knew")
    func outage() async throws {
        try await withLoopback { rig async throws in
            try await rig.post(["content": "before"])
            try rig.world.perform(.outage(.refuse, lasting: nil))
            _ = await rig.log.first("outage")
            await #expect(throws: (any Error).self) {
                for _ in 1...100 { try await rig.call(.GET, "/users/@me") }
            }
            try rig.world.perform(.endOutage)
            _ = await rig.log.first("listening", after: rig.log.first("outage")?.number ?? 0)
            #expect(try await rig.call(.GET, "/users/@me").status == 200)
            #expect(rig.world.messages(in: Rig.channel).count == 1)
        }
    }

    @Test("a soft outage answers 503 until it is ended")
    func softOutage() async throws {
        try await withLoopback { rig async throws in
            try rig.world.perform(.outage(.unavailable, lasting: nil))
            #expect(try await rig.call(.GET, "/users/@me").status == 503)
            await #expect(throws: (any Error).self) { try await GatewayClient.connect(rig) { _ in } }
            try rig.world.perform(.endOutage)
            #expect(try await rig.call(.GET, "/users/@me").status == 200)
        }
    }

    @Test("an outage with a length ends by itself")
    func shortOutage() async throws {
        try await withLoopback { rig async throws in
            try rig.world.perform(.outage(.refuse, lasting: .milliseconds(1)))
            let end = await rig.log.first("outage_end")
            _ = await rig.log.first("listening", after: end?.number ?? 0)
            #expect(try await rig.call(.GET, "/users/@me").status == 200)
        }
    }

    @Test("the admin endpoint injects, inspects and refuses nonsense")
    func admin() async throws {
        try await withLoopback { rig async throws in
            #expect(try await rig.call(.POST, "/_loopback/faults", ["fault": "empty-reply", "count": 2]).status == 200)
            #expect(try await rig.post(["content": "x"]).text == "")
            #expect(try await rig.call(.GET, "/_loopback/state")["faults"].array?.first?[key: "left"] == 1)
            #expect(try await rig.call(.DELETE, "/_loopback/faults").status == 204)
            let id = try await rig.post(["content": "x"])["id"].string ?? ""
            #expect(try await rig.call(.DELETE, "/_loopback/messages/\(Rig.channel)/\(id)").status == 204)
            let bad = try await rig.call(.POST, "/_loopback/actions", ["action": "explode"])
            #expect(bad.status == 400 && (bad["hint"].string ?? "").contains("revoke-token"))
            #expect(try await rig.call(.POST, "/_loopback/revoke-token").status == 200)
            #expect(try await rig.call(.GET, "/users/@me").status == 401)
            #expect((try await rig.call(.GET, "/_loopback/log?after=1").json.array?.count ?? 0) > 3)
        }
    }

    @Test("a script's faults and steps are played")
    func script() throws {
        let script = try LoopbackScript(
            """
            {"faults": [{"fault": "late-ready", "delay_ms": 4000}],
             "steps": [{"at_ms": 9000, "action": "outage", "for_ms": 3000}, {"at_ms": 10, "action": "fault", "fault": "silent"}]}
            """)
        #expect(script.faults.first?.kind == .lateReady && script.steps.map(\.at) == [.milliseconds(10), .seconds(9)])
        #expect(throws: LoopbackError.self) { try LoopbackScript("{\"step\":[]}") }
    }
}
