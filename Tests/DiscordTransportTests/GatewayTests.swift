import DiscordLoopback
import DiscordTransport
import Testing
import WakeCore
import WakeService

@Suite("Gateway over the wire", .timeLimit(.minutes(1)))
struct GatewayTests {
    @Test("a first start identifies once, becomes ready, and stores its session")
    func firstStart() async throws {
        try await TransportRig.run { rig in
            #expect(rig.sink.states.first == .connecting)
            #expect(rig.count("identify") == 1)
        }
    }

    @Test("the next process resumes: no Identify, and what was missed comes again")
    func nextProcess() async throws {
        let sessions = MemorySessions()
        let server = try DiscordLoopbackServer(options: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.address()
            try await TransportRig.connect(to: server, at: address, sessions: sessions) { _ in }
            #expect(sessions.session != nil)
            try await TransportRig.connect(to: server, at: address, sessions: sessions) { rig in
                #expect(rig.count("identify") == 1)
                #expect(rig.count("resumed") == 1)
                guard case .accepted = await rig.send(rig.order()) else {
                    Issue.record("a resumed session can't send")
                    return
                }
            }
            group.cancelAll()
        }
    }

    @Test("a rejected token blocks the channel, says what to do, and never shows the token")
    func badToken() async throws {
        let token = "OTAw.bad.secret"
        try await TransportRig.run(token: token, isConnected: false) { rig in
            let state = try #require(await rig.sink.state { if case .blocked = $0 { true } else { false } })
            #expect(state.words.contains("token"))
            #expect(!state.words.contains("secret"))
        }
    }

    @Test("a token has no text anywhere")
    func redaction() throws {
        let token = try #require(BotToken(" Bot abc.def \n"))
        var dumped = ""
        dump(token, to: &dumped)
        let settings = try DiscordSettings(token: token)
        dump(settings, to: &dumped)
        for text in ["\(token)", String(reflecting: token), "\(settings)", String(reflecting: settings), dumped] {
            #expect(!text.contains("abc.def"))
        }
        for bad in ["", "a b", "a\nb", "ä", String(repeating: "x", count: 300)] { #expect(BotToken(bad) == nil) }
    }

    @Test("a session of another bot is not resumed")
    func otherBot() async throws {
        let sessions = MemorySessions()
        await sessions.storeSession(#"{"version":1,"session_id":"x","seq":5,"user_id":"1"}"#, of: .discord())
        try await TransportRig.run(sessions: sessions) { rig in
            #expect(rig.count("resume") == 0)
        }
    }

    @Test("an address that would show the token to the network is refused")
    func insecureAddress() throws {
        let token = try #require(BotToken("t"))
        for base in ["http://example.com/api", "ftp://127.0.0.1", "", "discord.com", "http://127.0.0.1.evil.example"] {
            #expect(throws: WakeError.self, "\(base)") { try DiscordSettings(token: token, apiBase: base) }
        }
        #expect(throws: Never.self) { try DiscordSettings(token: token, apiBase: "http://127.0.0.1:1/api/v10/") }
    }

    @Test(
        "op 7, drops, resets and closes that allow it are resumed without an Identify",
        arguments: [
            LoopbackAction.reconnect(omitsBody: true), .reset, .close(code: 4000), .close(code: 4008), .close(code: 1001),
            .close(code: nil), .invalidSession(resumable: true),
        ])
    func resumes(action: LoopbackAction) async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(action)
            await rig.sink.generation(2)
            #expect(rig.count("identify") == 1)
            #expect(rig.count("resumed") == 1)
        }
    }

    @Test(
        "a session that is gone is identified anew",
        arguments: [LoopbackAction.invalidSession(resumable: false), .close(code: 4007)])
    func identifiesAnew(action: LoopbackAction) async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(action)
            await rig.sink.generation(2)
            #expect(rig.count("identify") == 2)
        }
    }

    @Test("a resume that Discord refuses ends in an Identify")
    func refusedResume() async throws {
        let sessions = MemorySessions()
        await sessions.storeSession(#"{"version":1,"session_id":"unknown","seq":5}"#, of: .discord())
        try await TransportRig.run(sessions: sessions) { rig in
            #expect(rig.count("identify") == 1)
            #expect(rig.count("resume") == 1)
        }
    }

    @Test("close codes that need a person block the channel", arguments: [4004, 4010, 4011, 4012, 4013, 4014] as [UInt16])
    func blocks(code: UInt16) async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(.close(code: code))
            let state = await rig.sink.state { if case .blocked = $0 { true } else { false } }
            #expect(state?.words.contains(code == 4004 ? "token" : "\(code)") == true)
        }
    }

    @Test(
        "garbage, a frame of 10 MiB, silence and broken handshakes are told and survived",
        arguments: [
            "garbage-frame", "huge-frame", "gateway-reset", "gateway-drop", "no-hello", "half-open", "ready-seq-zero",
            "numeric-guild-ids",
            "refuse-handshake", "hang-handshake", "reconnect when=connect", "reconnect when=connect omit_d=true",
            "gateway-drop when=connect",
        ])
    func survives(fault: String) async throws {
        var options = LoopbackOptions.quick
        options.faults = [try LoopbackFault(fault)]
        // Long enough for a busy machine: a handshake that is cut off too early would only be tried again.
        try await TransportRig.run(options: options, handshakeTimeout: .seconds(2)) { rig in
            #expect(rig.sink.states.last?.isReady == true)
        }
    }

    @Test("a frame of 10 MiB in a live session is refused by its length, with a reason, and the session resumes")
    func hugeFrame() async throws {
        var options = LoopbackOptions.quick
        options.faults = [try LoopbackFault("huge-frame when=ready")]
        try await TransportRig.run(options: options) { rig in
            let down = await rig.sink.state { if case .down = $0 { $0.words.contains("limit") } else { false } }
            #expect(down != nil)
            await rig.sink.generation(2)
            #expect(rig.count("identify") == 1)
        }
    }

    @Test("a gateway that stops answering heartbeats is left and the session resumed")
    func zombie() async throws {
        var options = LoopbackOptions.quick
        options.heartbeatInterval = .seconds(2)
        options.missedIntervals = 1000
        try await TransportRig.run(options: options) { rig in
            try rig.world.perform(.silence)
            await rig.sink.generation(2)
            #expect(rig.sink.states.contains { $0.words.contains("heartbeats") })
            #expect(rig.count("identify") == 1)
        }
    }

    @Test("identifies are not run down: the channel is blocked and says when it goes on")
    func identifyBudget() async throws {
        var options = LoopbackOptions.quick
        options.sessionStartRemaining = 10
        try await TransportRig.run(options: options, isConnected: false) { rig in
            let state = await rig.sink.state { if case .blocked = $0 { true } else { false } }
            #expect(state?.words.contains("10 of 1000") == true)
            #expect(rig.count("identify") == 0)
        }
    }

    @Test("a token that is revoked while we are connected blocks the channel at the first refused request")
    func revoked() async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault("status status=401 count=0"))
            let outcome = await rig.send(rig.order())
            guard case .unavailable(.channel, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(await rig.sink.state { if case .blocked = $0 { true } else { false } } != nil)
        }
    }

    @Test("a stop does not wait for a handshake that is never answered")
    func stopInHandshake() async throws {
        var options = LoopbackOptions.quick
        options.faults = [try LoopbackFault("hang-handshake count=0")]
        // It ends within the suite's limit, or never: nothing else would end the handshake.
        try await TransportRig.run(options: options, isConnected: false, handshakeTimeout: .seconds(3600)) { rig in
            _ = await rig.world.log.first("fault")
        }
    }

    @Test("after a stop nothing is left: no connection, and the session can be resumed")
    func stop() async throws {
        let server = try DiscordLoopbackServer(options: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.address()
            let sessions = MemorySessions()
            try await TransportRig.connect(to: server, at: address, sessions: sessions) { rig in
                #expect(rig.world.liveSessions == 1)
            }
            _ = await server.world.log.first("close")
            #expect(server.world.liveSessions == 0)
            #expect(server.world.log.events.contains { $0.name == "close" && $0["code"] == "4000" })
            group.cancelAll()
        }
    }
}
