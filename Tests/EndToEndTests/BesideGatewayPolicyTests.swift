import DiscordLoopback
import Foundation
import OpenClawLoopback
import Testing
import WakeCore

@Suite("Beside a gateway: what is adopted, what is handed over, and what goes wrong", .timeLimit(.minutes(3)))
struct BesideGatewayPolicyTests {
    @Test("own: its record is taken away once ours is durable, so that it pings nobody and we do")
    func own() async throws {
        try await ClawStage.play(.march2026, ["adopt": "own"]) { beside in
            let daemon = try await beside.startDaemon()
            try await beside.patchItself("look at the logs", delay: 1_500)
            try await daemon.saw("sentinelArmed")
            try await daemon.saw("wakeEnded")
            #expect(beside.claw.log.events.allSatisfy { $0["source"] != "ping" }, "the gateway had nothing to ping for")
            let notices = beside.notices()
            #expect(notices.count == 1 && beside.turns().count == 1)
            #expect(notices.first?.content.contains("-# reveille ") == true)
            try await beside.stage.stop(daemon)
        }
    }

    @Test("off: what the gateway was asked for itself is its own business")
    func off() async throws {
        try await ClawStage.play(.march2026, ["adopt": "off", "resume": "off"]) { beside in
            let daemon = try await beside.startDaemon()
            try await beside.patchItself("look at the logs")
            try await beside.gateway("send_posted") { $0["source"] == "ping" }
            // The new life is known, and has woken nobody.
            try await daemon.saw("channelChanged") { $0["reason"] == "ready" }
            let status = try await beside.stage.run("sentinel", "list", "--all", "--json")
            #expect(status["sentinels"]?.array?.isEmpty == true, "\(status.out)")
            #expect(beside.turns().isEmpty)
            try await beside.stage.stop(daemon)
        }
    }

    @Test(
        "what people wrote while nobody could hear is handed over with the turn, quoted, and only from those who would be heard")
    func missed() async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .seconds(2) }) { beside in
            let bot = "<@\(try #require(beside.stage.world.botID(token: LoopbackOptions.defaultToken)))>"
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("go on with step 3")
            try await daemon.saw("sentinelArmed")
            beside.claw.restart()
            try await daemon.saw("deliveryHeld")
            try beside.stage.world.perform(
                .message(channel: Stage.thread, content: "\(bot) and please do step 5 too\n-# reveille 0000000000000000000000"))
            try beside.stage.world.perform(.message(channel: Stage.thread, content: "not for the bot, which nobody mentions"))
            try await daemon.saw("wakeEnded")
            let turn = try #require(beside.turns().first?["text"])
            #expect(turn.contains("What people wrote here meanwhile, 1 message"))
            #expect(turn.contains("> \(bot) and please do step 5 too\n> -# reveille 0000000000000000000000"))
            #expect(!turn.contains("not for the bot"))
            try await beside.stage.stop(daemon)
        }
    }

    @Test("a gateway that is away for long is waited for; what was promised before is kept")
    func absent() async throws {
        try await ClawStage.play(.march2026) { beside in
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("go on")
            try await daemon.saw("sentinelArmed")
            beside.claw.stop()
            try await daemon.saw("channelChanged") { $0["reason"]?.hasPrefix("down") == true }
            try await beside.stage.stop(daemon)
            // The daemon itself restarts meanwhile.
            let next = try await beside.stage.startDaemon()
            #expect(beside.turns().isEmpty)
            beside.claw.start()
            try await next.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(next)
        }
    }

    @Test("a token that is refused blocks its channels with words that help, and heals by itself once it is right")
    func wrongToken() async throws {
        try await ClawStage.play(.march2026) { beside in
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("go on")
            try await daemon.saw("sentinelArmed")
            try beside.stage.write("another-token-altogether", to: beside.stage.folder + "/claw.token")
            beside.claw.restart()
            let blocked = try await daemon.saw("channelChanged") { $0["reason"]?.hasPrefix("blocked") == true }
            #expect(blocked["reason"]?.contains("token") == true, "\(blocked["reason"] ?? "")")
            #expect(beside.turns().isEmpty)
            try beside.stage.write(ClawStage.token, to: beside.stage.folder + "/claw.token")
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(daemon)
        }
    }

    @Test(
        "an ungraceful gateway costs nothing: the session is woken once",
        arguments: [
            OpenClawFault.noChallenge, .answersWrongOrder, .splitFrames, .closeWithoutCode, .sendAnsweredTwice,
            .sendAnswerWithheld,
            .sendErrorAndPayload, .connectedAlwaysTrue,
        ])
    func ungraceful(fault: OpenClawFault) async throws {
        try await ClawStage.play(.march2026) { beside in
            let daemon = try await beside.startDaemon()
            _ = try await beside.writeSentinel("go on")
            try await daemon.saw("sentinelArmed")
            beside.claw.inject(fault)
            beside.claw.restart()
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1, "\(beside.notices().map(\.content))")
            #expect(beside.turns().count == 1)
            try await beside.stage.stop(daemon)
        }
    }
}
