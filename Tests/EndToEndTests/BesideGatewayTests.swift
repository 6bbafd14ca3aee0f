import DiscordLoopback
import Foundation
import OpenClawLoopback
import Testing
import WakeCore

@Suite("Beside an OpenClaw gateway", .timeLimit(.minutes(3)))
struct BesideGatewayTests {
    @Test("a promised restart ends in one notice and one turn, once the gateway's Discord is ready", arguments: [0, 400, 3_000])
    func promised(readyAfter: Int) async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .milliseconds(readyAfter) }) { beside in
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("Config is in. Go on with step 3.")
            try await daemon.saw("sentinelArmed")
            beside.claw.restart()
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            let turn = try #require(beside.turns().first?["text"])
            #expect(turn.contains("Go on with step 3.") && turn.contains("You were interrupted"))
            #expect(beside.notices().first?.content.contains("> Config is in. Go on with step 3.") == true)
            #expect(beside.stage.count("identify") == 0, "nobody but the gateway opens a session on the bot's token")
            try await beside.stage.stop(daemon)
        }
    }

    @Test("reveille wait waits for a gateway's channel; one of a gateway that is not configured is named with those that are")
    func waits() async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .milliseconds(400) }) { beside in
            let daemon = try await beside.startDaemon()
            #expect(try await beside.stage.run("wait", "gateway:main/discord:default", "--timeout", "30s").code == 0)
            let other = try await beside.stage.run("wait", "gateway:other/discord:default", "--timeout", "1s")
            #expect(other.code == 64 && other.errors.contains("gateway:main/"), "\(other.errors)")
            try await beside.stage.stop(daemon)
        }
    }

    @Test("March 2026, Discord late: the gateway's own ping is lost, and the session is woken all the same, once")
    func lostPing() async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .seconds(3) }) { beside in
            let daemon = try await beside.startDaemon()
            try await beside.patchItself("look at the logs")
            try await daemon.saw("sentinelArmed")
            try await beside.gateway("send_lost") { $0["source"] == "ping" }
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            #expect(beside.notices().first?.content.contains("> look at the logs") == true)
            try await beside.stage.stop(daemon)
        }
    }

    @Test("March 2026, Discord ready: the gateway's own ping arrives, so there is no second one; the agent gets its turn")
    func ownPing() async throws {
        try await ClawStage.play(.march2026) { beside in
            let daemon = try await beside.startDaemon()
            try await beside.patchItself("look at the logs")
            try await beside.gateway("send_posted") { $0["source"] == "ping" }
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(daemon)
        }
    }

    @Test("the newest generation delivers by itself: we look, and do nothing")
    func newest() async throws {
        try await ClawStage.play(.newest, change: { $0.discordReadyAfter = .seconds(1) }) { beside in
            let daemon = try await beside.startDaemon()
            try await beside.patchItself("look at the logs")
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            #expect(beside.turns().first?["source"] == "wake")
            try await beside.stage.stop(daemon)
        }
    }

    @Test("a session in the middle of a turn is woken after a crash that nobody announced, with the true cause")
    func crash() async throws {
        try await ClawStage.play(.march2026) { beside in
            let daemon = try await beside.startDaemon()
            beside.claw.beginRun(session: ClawStage.session)
            try await daemon.saw("gatewayRuns") { $0["session"] == ClawStage.session }
            beside.claw.kill()
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().isEmpty && beside.turns().count == 1)
            #expect(beside.turns().first?["text"]?.contains("crashed and was started again") == true)
            try await beside.stage.stop(daemon)
        }
    }

    @Test(
        "what a person writes to an agent through the gateway begins its lease anew, and is known as the last that happened there"
    )
    func people() async throws {
        try await ClawStage.play(.newest) { beside in
            let stage = beside.stage
            let file = stage.folder + "/runstate.json"
            let daemon = try stage.start(["daemon", "--set", "log.level=debug", "--set", "lease.length=1min"])
            daemon.feed()
            try await daemon.saw("runStatesRead")
            let begun = try await stage.run(
                "run", "begin", "--goal", "g", "--plan", "1) a", "--session", ClawStage.session, "--file", file)
            #expect(begun.code == 0, "\(begun.errors)")
            try await beside.gateway("call") { $0["method"] == "sessions.subscribe" }
            // A lease that has hardly begun is left as it is: so somebody asks until it has run for a while.
            var number = 0
            while !daemon.errors.all.contains(where: { $0["event"] == "leaseSeenTo" }) {
                number += 1
                _ = try await beside.call(
                    "chat.send",
                    [
                        "sessionKey": .string(ClawStage.session), "message": "how far are you?",
                        "idempotencyKey": .string("\(number)"),
                    ])
            }
            try await daemon.saw("leaseSeenTo") { $0["session"] == ClawStage.session }
            try await stage.stop(daemon)
            let known = try await stage.run("sessions", "--json")
            #expect(known["sessions"]?.array?.first?["origin"] == "person", "\(known.out)\(known.errors)")
        }
    }

    @Test("a gateway that restarts again while we wake loses nothing and doubles nothing")
    func again() async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .milliseconds(300) }) { beside in
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("go on")
            try await daemon.saw("sentinelArmed")
            beside.claw.restart()
            try await daemon.saw("sentinelFired")
            beside.claw.kill()
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(daemon)
        }
    }
}
