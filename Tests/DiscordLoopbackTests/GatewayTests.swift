import NIOHTTP1
import Testing

@testable import DiscordLoopback

@Suite("Gateway") struct GatewayTests {
    @Test("Hello, Identify, READY with s=1, then a guild")
    func login() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                let hello = await client.next(op: 10)
                #expect(hello?[key: "d"]?[key: "heartbeat_interval"] == 41_250)
                try await client.send(["op": 1, "d": nil])
                #expect(await client.next(op: 11) != nil)
                try await client.identify()
                let ready = await client.next(op: 0, event: "READY")
                #expect(ready?[key: "s"] == 1)
                #expect(ready?[key: "d"]?[key: "resume_gateway_url"]?.string == rig.address.gateway)
                #expect(ready?[key: "d"]?[key: "guilds"]?.array?.first?[key: "unavailable"] == true)
                let guild = await client.next(op: 0, event: "GUILD_CREATE")
                #expect(guild?[key: "d"]?[key: "channels"]?.array?.count == 2)
                #expect(guild?[key: "d"]?[key: "threads"]?.array?.count == 1)
            }
        }
    }

    @Test("no intents at all still brings READY, and nothing else")
    func noIntents() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = try await client.login(intents: 0)
                try await rig.post(["content": "unheard"])
                try await client.send(["op": 1, "d": 1])
                guard case .frame(let next) = await client.next() else { return noFrame() }
                #expect(next[key: "op"] == 11)
            }
        }
    }

    @Test("one's own message comes back with its nonce; others' come without content unless that was asked for")
    func echo() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = try await client.login()
                try await rig.post(["content": "mine", "nonce": "n"])
                let own = await client.next(op: 0, event: "MESSAGE_CREATE")?[key: "d"]
                #expect(own?[key: "content"] == "mine" && own?[key: "nonce"] == "n")
                try rig.world.perform(.message(channel: Rig.channel, content: "theirs"))
                #expect(await client.next(op: 0, event: "MESSAGE_CREATE")?[key: "d"]?[key: "content"] == "")
            }
        }
    }

    @Test("Resume replays exactly what came after seq, then RESUMED, then goes on")
    func resume() async throws {
        try await withLoopback { rig async throws in
            var session = ""
            var seq = 0
            try await GatewayClient.connect(rig) { client async throws in
                session = try await client.login()
                seq = await client.next(op: 0, event: "GUILD_CREATE")?[key: "s"]?.int ?? 0
                try await client.close(4_000)
                _ = await client.next()
            }
            for text in ["a", "b"] { try await rig.post(["content": .string(text)]) }
            try await GatewayClient.connect(rig) { client async throws in
                _ = await client.next(op: 10)
                try await client.resume(session, seq: seq)
                for (offset, expected) in ["a", "b"].enumerated() {
                    guard case .frame(let frame) = await client.next() else { return noFrame() }
                    #expect(frame[key: "d"]?[key: "content"]?.string == expected && frame[key: "s"]?.int == seq + 1 + offset)
                }
                #expect(await client.next(op: 0, event: "RESUMED")?[key: "s"]?.int == seq + 3)
                try await rig.post(["content": "c"])
                #expect(await client.next(op: 0, event: "MESSAGE_CREATE")?[key: "s"]?.int == seq + 4)
            }
            #expect(rig.log.events.count { $0.name == "identify" } == 1)
        }
    }

    @Test("a session ends with 1000 and 1001, and with its time", arguments: [1_000, 1_001, nil] as [UInt16?])
    func sessionEnds(code: UInt16?) async throws {
        try await withLoopback { rig async throws in
            var session = ""
            try await GatewayClient.connect(rig) { client async throws in
                session = try await client.login()
                try await client.close(code ?? 4_000)
                _ = await client.next()
            }
            _ = await rig.log.first("close")
            // The line is written before the lock is let go: look at the state to be past it.
            #expect(rig.world.liveSessions == 0)
            if code == nil { rig.time.advance(by: .seconds(181)) }
            try await GatewayClient.connect(rig) { client async throws in
                _ = await client.next(op: 10)
                try await client.resume(session, seq: 1)
                guard case .frame(let answer) = await client.next() else { return noFrame() }
                #expect(answer[key: "op"] == 9 && answer[key: "d"] == false)
            }
        }
    }

    @Test("a seq that was never sent closes with 4007")
    func foreignSeq() async throws {
        try await withLoopback { rig async throws in
            var session = ""
            try await GatewayClient.connect(rig) { client async throws in session = try await client.login() }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.resume(session, seq: 99)
                #expect(await client.closeCode() == 4_007)
            }
        }
    }

    @Test(
        "a faulty frame closes with its code",
        arguments: [
            ("{\"op\":99,\"d\":null}", 4_001), ("{", 4_002),
            ("{\"op\":1,\"d\":\"\(String(repeating: "x", count: 4_100))\"}", 4_002),
            ("{\"op\":3,\"d\":{}}", 4_003),
            ("{\"op\":2,\"d\":{\"token\":\"bad\",\"intents\":0,\"properties\":{}}}", 4_004),
            ("{\"op\":2,\"d\":{\"token\":\"bad\",\"intents\":4194304,\"properties\":{}}}", 4_013),
            ("{\"op\":6,\"d\":{\"token\":\"bad\",\"session_id\":\"x\",\"seq\":1}}", 4_004),
        ])
    func faultyFrames(frame: String, code: Int) async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = await client.next(op: 10)
                try await client.send(text: frame)
                #expect(await client.closeCode() == code)
            }
        }
    }

    @Test("a second Identify closes with 4005, a bad shard with 4010, an old version with 4012, a refused intent with 4014")
    func identifyFaults() async throws {
        try await withLoopback({
            $0.grantsPrivilegedIntents = false
            $0.identifyWindow = .zero
        }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = try await client.login()
                try await client.identify()
                #expect(await client.closeCode() == 4_005)
            }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify(shard: [2, 2])
                #expect(await client.closeCode() == 4_010)
            }
            try await GatewayClient.connect(rig, path: "/?v=7") { client async throws in
                #expect(await client.closeCode() == 4_012)
            }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify(intents: 1 << 15)
                #expect(await client.closeCode() == 4_014)
            }
        }
    }

    @Test("the 121st frame within a minute closes with 4008")
    func tooFast() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                for _ in 1...121 { try await client.send(["op": 1, "d": nil]) }
                #expect(await client.closeCode() == 4_008)
            }
        }
    }

    @Test("a client that stops beating is closed with 4009")
    func zombie() async throws {
        try await withLoopback({ $0.heartbeatInterval = .milliseconds(50) }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                #expect(await client.next(op: 10) != nil)
                #expect(await client.closeCode() == 4_009)
            }
        }
    }

    @Test("two Identifies within 5 s: the second gets op 9")
    func concurrency() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in _ = try await client.login() }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify()
                #expect(await client.next(op: 9)?[key: "d"] == false)
            }
            rig.time.advance(by: .seconds(5))
            try await GatewayClient.connect(rig) { client async throws in #expect(try await client.login() != "") }
        }
    }

    @Test("identifies count down, come back after the period, and running out resets the token")
    func startLimit() async throws {
        try await withLoopback({
            $0.sessionStartTotal = 1
            $0.identifyWindow = .zero
        }) { rig async throws in
            func left() async throws -> JSON? {
                try await rig.call(.GET, "/gateway/bot")["session_start_limit"][key: "remaining"]
            }
            try await GatewayClient.connect(rig) { client async throws in _ = try await client.login() }
            #expect(try await left() == 0)
            rig.time.advance(by: .seconds(86_401))
            #expect(try await left() == 1)
            try await GatewayClient.connect(rig) { client async throws in _ = try await client.login() }
            try await GatewayClient.connect(rig) { client async throws in
                try await client.identify()
                #expect(await client.closeCode() == 4_004)
            }
            #expect(try await rig.call(.GET, "/users/@me").status == 401)
        }
    }

    @Test("READY waits for its time")
    func lateReady() async throws {
        try await withLoopback({ $0.readyAfter = .milliseconds(150) }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in #expect(try await client.login() != "") }
            let connect = try #require(await rig.log.first("connect")?["mono"].flatMap { UInt64($0) })
            let ready = try #require(await rig.log.first("ready")?["mono"].flatMap { UInt64($0) })
            #expect(ready - connect >= 150_000_000)
        }
    }

    @Test("a guild that goes away and a channel that changes are told")
    func worldEvents() async throws {
        try await withLoopback { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = try await client.login()
                try rig.world.perform(.guild(LoopbackOptions.defaultGuild, unavailable: true))
                #expect(await client.next(op: 0, event: "GUILD_DELETE")?[key: "d"]?[key: "unavailable"] == true)
                try rig.world.perform(.guild(LoopbackOptions.defaultGuild, unavailable: false))
                #expect(await client.next(op: 0, event: "GUILD_CREATE") != nil)
                try rig.world.perform(.thread(channel: Rig.thread, archived: true, locked: true))
                #expect(await client.next(op: 0, event: "THREAD_UPDATE") != nil)
                try rig.world.perform(.permissions(channel: Rig.channel, allow: [], deny: .sendMessages))
                #expect(await client.next(op: 0, event: "CHANNEL_UPDATE") != nil)
                try rig.world.perform(.deleteChannel(Rig.channel))
                #expect(await client.next(op: 0, event: "CHANNEL_DELETE") != nil)
            }
        }
    }
}
