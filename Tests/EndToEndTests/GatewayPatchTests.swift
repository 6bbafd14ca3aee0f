import DiscordLoopback
import Foundation
import OpenClawLoopback
import Testing
import WakeCore

@Suite("reveille config patch, at a gateway", .timeLimit(.minutes(3)))
struct GatewayPatchTests {
    private static let patch = "{ gateway: { controlUi: { enabled: false } } }"

    private static func arguments(_ note: String, _ more: [String] = []) -> [String] {
        [
            "config", "patch", "--gateway", "main", "--session", ClawStage.session, "--note", note, "--delay", "500ms",
            "--patch", patch,
        ] + more
    }

    @Test("it returns once the wake is promised and the patch accepted; then the session is woken once, and nobody pings twice")
    func patched() async throws {
        for generation in OpenClawOptions.Generation.allCases {
            try await ClawStage.play(generation, change: { $0.discordReadyAfter = .seconds(1) }) { beside in
                let daemon = try await beside.startDaemon()
                let reply = try await beside.stage.run(Self.arguments("go on with step 3"))
                #expect(reply.code == 0, "\(reply.errors)")
                try await daemon.saw("wakeEnded")
                let notices = beside.notices().map(\.content)
                #expect(notices.count == 1 && notices.first?.contains("> go on with step 3") == true, "\(notices)")
                #expect(beside.turns().count == 1)
                #expect(beside.claw.log.events.allSatisfy { $0["source"] != "ping" && $0["source"] != "notice" })
                try await beside.stage.stop(daemon)
            }
        }
    }

    @Test("with --follow it tells each step, and ends with the wake")
    func followed() async throws {
        try await ClawStage.play(.march2026, change: { $0.discordReadyAfter = .seconds(1) }) { beside in
            let daemon = try await beside.startDaemon()
            let reply = try await beside.stage.run(Self.arguments("go on with step 3", ["--follow"]))
            #expect(reply.code == 0, "\(reply.errors)")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            #expect(reply.out.contains("durable") && reply.out.contains("delivered"), "\(reply.out)")
            try await beside.stage.stop(daemon)
        }
    }

    @Test("it works with the daemon down: the wake comes once that is back")
    func daemonDown() async throws {
        try await ClawStage.play(.march2026) { beside in
            let first = try await beside.startDaemon()
            try await beside.stage.stop(first)
            let reply = try await beside.stage.run(Self.arguments("go on with step 3"))
            #expect(reply.code == 0, "\(reply.errors)")
            try await beside.gateway("life") { $0["life"] == "2" }
            let second = try await beside.stage.startDaemon()
            try await second.saw("wakeEnded")
            #expect(beside.notices().filter { $0.content.contains("-# reveille") }.count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(second)
        }
    }
}
