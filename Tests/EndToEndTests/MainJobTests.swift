import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("The main job, with the real program")
struct MainJobTests {
    @Test("a restart in mid-work ends in one message, after READY, with its note, and with the receipt on record")
    func mainJob() async throws {
        try await Stage.play { stage in
            let note = "Config is in.\nGo on with step 3."
            let first = try await stage.startDaemon()
            try await first.saw("channelChanged") { $0["reason"] == "ready" }

            let sentinel = try await stage.askForRestart(note)
            // Discord is late for the next life: until somebody cuts the connection.
            stage.world.add(try LoopbackFault("late-ready delay_ms=3600000"))
            #expect(try await first.ended() == .clean)
            #expect(stage.messages().isEmpty)

            let mark = stage.mark
            let second = try await stage.startDaemon()
            let held = try await second.saw("deliveryHeld")
            let wake = try #require(held["wake"])
            try await Self.showsHeld(stage, wake, pid: second.pid)

            try stage.world.perform(.dropConnections(reset: true))
            try await second.saw("deliveryDelivered") { $0["wake"] == wake }
            let message = try #require(stage.messages().first)
            #expect(stage.messages().count == 1)
            #expect(message.content.contains("> Config is in.\n> Go on with step 3."))
            #expect(message.content.hasSuffix("\n-# reveille \(wake)"))
            try Self.cameAfterReady(stage, since: mark)
            try await Self.showsDelivered(stage, sentinel, wake, message)
            try await stage.stop(second)
            #expect(stage.messages().count == 1)
        }
    }

    private static func showsHeld(_ stage: Stage, _ wake: String, pid: Int32) async throws {
        let status = try await stage.run("status", "--json")
        #expect(status.code == 0)
        #expect(status["daemon"]?["pid"]?.integer == Int64(pid))
        #expect(status["wakesOpen"]?.integer == 1)
        #expect(status["deliveries"]?["held"]?.integer == 1)
        #expect(status["channels"]?.array?.first?["ready"]?.bool == false)
        let notice = try await stage.notice(of: wake)
        #expect(notice["state"]?.string == "held")
        #expect(notice["attempts"]?.integer == 0)
        #expect(notice["waitsFor"]?.string?.contains("discord:default") == true)
        let wait = try await stage.run("wait", "discord:default", "--timeout", "50ms")
        #expect(wait.code == 75)
        #expect(wait.errors.contains("discord:default was not ready in time"))
    }

    private static func showsDelivered(
        _ stage: Stage, _ sentinel: String, _ wake: String, _ message: LoopbackWorld.StoredMessage
    ) async throws {
        let notice = try await stage.notice(of: wake)
        #expect(notice["state"]?.string == "delivered")
        #expect(notice["receipt"]?["id"]?.string == "\(message.id)")
        #expect(notice["nonce"]?.string == message.nonce)
        let shown = try await stage.sentinel(sentinel)
        #expect(shown["state"]?.string == "fired")
        #expect(shown["wake"]?.string == wake)
        let list = try await stage.run("sentinel", "list", "--all", "--json")
        #expect(list["sentinels"]?.array?.first?["id"]?.string == sentinel)
        #expect(list["inbox"]?.integer == 0)
        let status = try await stage.run("status", "--json")
        #expect(status["wakesOpen"]?.integer == 0)
        #expect(status["sentinelsOpen"]?.integer == 0)
        let wait = try await stage.run("wait", "discord:default", "--timeout", "30s")
        #expect(wait.code == 0)
        let check = try await stage.run("ledger", "check", "--json")
        #expect(check["sound"]?.bool == true, "\(check.out)")
    }

    private static func cameAfterReady(_ stage: Stage, since mark: UInt64) throws {
        let later = stage.world.log.events.filter { $0.number > mark }
        let ready = try #require(later.first { $0.name == "ready" || $0.name == "resumed" })
        let created = try #require(later.first { $0.name == "message_created" })
        #expect(ready.number < created.number)
    }

    @Test("restarts with a live Discord session cost no identify: they resume")
    func resume() async throws {
        try await Stage.play { stage in
            var daemon = try await stage.startDaemon()
            try await daemon.saw("channelChanged") { $0["reason"] == "ready" }
            for round in 1...3 {
                _ = try await stage.askForRestart("round \(round)")
                #expect(try await daemon.ended() == .clean)
                daemon = try await stage.startDaemon()
                try await daemon.saw("wakeEnded")
            }
            try await stage.stop(daemon)
            #expect(stage.count("identify") == 1)
            #expect(stage.count("resumed") == 3)
            #expect(stage.messages().count == 3)
            let closes = stage.world.log.events.filter { $0.name == "close" && $0["by"] == "client" }
            #expect(closes.allSatisfy { $0["code"] == "4000" })
        }
    }

    @Test("a long note arrives as one message with the rest of it attached")
    func longNote() async throws {
        try await Stage.play { stage in
            let note = String(repeating: "Wörter mit Ümläuten. ", count: 150)
            _ = try await stage.writeSentinel(note)
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            let message = try #require(stage.messages().first)
            #expect(stage.messages().count == 1)
            #expect(message.content.unicodeScalars.count <= 2000)
            #expect(message.files.keys.sorted() == ["note.md"])
            let attached = String(decoding: message.files["note.md"] ?? [], as: UTF8.self)
            #expect(attached.contains(note.trimmingCharacters(in: .whitespaces)))
            try await stage.stop(daemon)
        }
    }
}
