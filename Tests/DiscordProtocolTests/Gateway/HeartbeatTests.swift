import DiscordProtocol
import Testing
import WakeCore

@Suite("Heartbeats and the frame allowance")
struct HeartbeatTests {
    @Test("beats go on while they are acknowledged, each one interval after the one before was due")
    func rhythm() {
        var rig = GatewayRig.live()
        rig.now = .seconds(1020) + .milliseconds(30)
        let first = rig.feed(.timerFired(.heartbeat))
        #expect(first.commands == [.heartbeat(sequence: 1)])
        #expect(first.beatsAt == .seconds(1060), "a late timer does not shift the rhythm")
        rig.frame(GatewayRig.acknowledgement)
        rig.now = .seconds(1060)
        #expect(rig.feed(.timerFired(.heartbeat)).commands == [.heartbeat(sequence: 1)])
    }

    @Test("a beat that is due while the last has no ACK drops the connection with 4000 and resumes")
    func zombie() {
        var rig = GatewayRig.live()
        rig.now = .seconds(1020)
        rig.feed(.timerFired(.heartbeat))
        rig.now = .seconds(1060)
        let directives = rig.feed(.timerFired(.heartbeat))
        #expect(directives.closes == [4000])
        rig.expectConnect(rig.waitForReconnect(directives))
        _ = rig.connected()
        #expect(rig.frame(GatewayRig.hello).commands == [.resume(sessionID: "s1", sequence: 1)])
    }

    @Test("an incoming op 1 is answered at once, and an answer on its way to it makes no zombie")
    func requestedBeat() {
        var rig = GatewayRig.live()
        rig.now = .seconds(1019)
        #expect(rig.frame(GatewayPayload(opcode: 1)).commands == [.heartbeat(sequence: 1)])
        rig.now = .seconds(1020)
        #expect(rig.feed(.timerFired(.heartbeat)).commands == [.heartbeat(sequence: 1)])
    }

    @Test("a beat before READY carries null")
    func beatBeforeReady() {
        var rig = GatewayRig()
        rig.feed(.started(nil))
        rig.expectConnect(rig.feed(.gatewayFetched(GatewayRig.bot())))
        _ = rig.connected()
        rig.frame(GatewayRig.hello)
        #expect(rig.frame(GatewayPayload(opcode: 1)).commands == [.heartbeat(sequence: nil)])
    }

    @Test("a server that asks for beats without end gets 117 frames a minute, and scheduled beats still fit")
    func allowance() {
        var rig = GatewayRig.live()
        var sent = 1  // Identify
        for _ in 0..<500 { sent += rig.frame(GatewayPayload(opcode: 1)).commands.count }
        #expect(sent == 117)
        #expect(rig.feed(.timerFired(.heartbeat)).commands.count == 1)
        rig.pass(.seconds(60))
        #expect(rig.frame(GatewayPayload(opcode: 1)).commands.count == 1)
    }

    @Test("when even the reserve is spent, the beat waits for room instead of breaking the limit")
    func fullAllowance() {
        var allowance = FrameAllowance()
        for second in 0..<120 {
            let fits = allowance.take(at: .milliseconds(second * 100), isScheduledBeat: true)
            #expect(fits)
        }
        let fitsMore = allowance.take(at: .seconds(13), isScheduledBeat: true)
        #expect(!fitsMore)
        #expect(allowance.nextBeat(after: .seconds(13)) == .seconds(60))
    }
}

@Suite("Stored session and sequence")
struct StoredSessionTests {
    @Test("the stored sequence never runs ahead of what its events have caused")
    func lazySequence() {
        var rig = GatewayRig.live()
        #expect(rig.frame(GatewayRig.message(sequence: 2)).events.count == 1)
        rig.frame(GatewayRig.dispatch("TYPING_START", sequence: 3))
        rig.now = .seconds(1100)
        #expect(rig.feed(.timerFired(.heartbeat)).stored.isEmpty, "sequence 2 is not settled")
        rig.frame(GatewayRig.acknowledgement)
        rig.pass(.seconds(60))
        #expect(rig.feed(.settled(through: 2)).stored.map(\.sequence) == [3])
        var stopping = GatewayRig.live()
        stopping.frame(GatewayRig.message(sequence: 2))
        #expect(stopping.feed(.stopRequested).stored.isEmpty, "2 would be lost, 1 is stored already")
    }

    @Test("people's messages tell where they write; those of bots and webhooks, and what has no id, cause nothing")
    func foreignMessages() throws {
        let channel = try #require(Snowflake("5"))
        var rig = GatewayRig.live()
        #expect(rig.frame(GatewayRig.message(sequence: 2, author: "43")).events == [.personWrote(channel: channel)])
        let bot: JSONValue = ["id": "1", "channel_id": "5", "author": ["id": "44", "bot": true]]
        let webhook: JSONValue = ["id": "2", "channel_id": "5", "author": ["id": "45"], "webhook_id": "45"]
        for (offset, data) in [bot, webhook].enumerated() {
            #expect(rig.frame(GatewayRig.dispatch("MESSAGE_CREATE", sequence: Int64(10 + offset), data)).events.isEmpty)
        }
        #expect(rig.frame(GatewayRig.dispatch("MESSAGE_CREATE", sequence: 13, ["id": true])).events.isEmpty)
    }

    @Test("guilds are kept with the session, with ids as numbers too")
    func guilds() {
        var rig = GatewayRig.live()
        let event = rig.frame(GatewayRig.dispatch("GUILD_CREATE", sequence: 2, ["id": 7])).events
        #expect(event == [.guildChanged(guild: Snowflake(7), isAvailable: true)])
        rig.frame(GatewayRig.dispatch("GUILD_CREATE", sequence: 3, ["id": "8"]))
        rig.frame(GatewayRig.dispatch("GUILD_DELETE", sequence: 4, ["id": "8", "unavailable": true]))
        rig.frame(GatewayRig.dispatch("GUILD_CREATE", sequence: 5, ["id": "9"]))
        rig.frame(GatewayRig.dispatch("GUILD_DELETE", sequence: 6, ["id": "9"]))
        #expect(rig.machine.session?.guilds == [Snowflake(7): true, Snowflake(8): false])
    }

    @Test("a session survives storing, and anything else reads as none")
    func roundTrip() {
        let session = StoredGatewaySession(
            sessionID: "abc", sequence: 99, resumeURL: "wss://x.discord.gg", userID: Snowflake(1),
            guilds: [Snowflake(2): true, Snowflake(3): false])
        #expect(StoredGatewaySession(decoding: session.encoded) == session)
        for bad in ["", "{}", "[]", "null", "{\"version\":2}", "{\"version\":1,\"session_id\":\"\",\"seq\":1}", "\u{0}"] {
            #expect(StoredGatewaySession(decoding: Array(bad.utf8)) == nil)
        }
    }

    @Test("READY with sequence 0 is a session like any other")
    func sequenceZero() {
        var rig = GatewayRig()
        rig.feed(.started(nil))
        rig.expectConnect(rig.feed(.gatewayFetched(GatewayRig.bot())))
        _ = rig.connected()
        rig.frame(GatewayRig.hello)
        #expect(rig.frame(GatewayRig.ready(sequence: 0)).stored.map(\.sequence) == [0])
    }
}
