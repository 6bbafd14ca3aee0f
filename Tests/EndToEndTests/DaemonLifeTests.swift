import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("The daemon's life")
struct DaemonLifeTests {
    @Test("a second daemon is refused with the first one's pid, and does no harm")
    func second() async throws {
        try await Stage.play { stage in
            let first = try await stage.startDaemon()
            let second = try await stage.run("daemon")
            #expect(second.code == 75)
            #expect(second.errors.contains("\(first.pid)"))
            #expect(second.errors.contains("Try:"))
            _ = try await stage.askForRestart("still works")
            #expect(try await first.ended() == .clean)
            let third = try await stage.startDaemon()
            try await third.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            try await stage.stop(third)
        }
    }

    @Test("a sentinel written while the daemon is down fires at its next start")
    func down() async throws {
        try await Stage.play { stage in
            let id = try await stage.writeSentinel("written in the dark")
            let list = try await stage.run("sentinel", "list", "--json")
            #expect(list["inbox"]?.integer == 1)
            let status = try await stage.run("status", "--json")
            #expect(status.code == 69)
            #expect(status["daemon"]?["running"]?.bool == false)
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            #expect(try await stage.sentinel(id)["state"]?.string == "fired")
            try await stage.stop(daemon)
        }
    }

    @Test("SIGTERM during a slow reply waits for it: the receipt is kept and nothing is asked twice")
    func drained() async throws {
        try await Stage.play { stage in
            stage.world.add(try LoopbackFault("slow-reply method=POST delay_ms=1500"))
            _ = try await stage.writeSentinel("slowly")
            let daemon = try await stage.startDaemon()
            try await stage.discord("message_created")
            try await stage.stop(daemon)
            let wake = try #require(daemon.errors.all.first { $0["event"] == "deliveryDelivered" }?["wake"])
            #expect(try await stage.notice(of: wake)["state"]?.string == "delivered")
            #expect(stage.messages().count == 1)
            #expect(stage.world.log.events.count { $0.name == "request" && $0["method"] == "POST" } == 1)
        }
    }

    /// No echo of our own messages comes through such a gateway, so that the reply or history must tell.
    private static let mute = "half-open when=session count=0"

    /// History tells where it may be read; else a repeat whose nonce Discord still knows is answered with the first message.
    private static func choose(_ source: String, _ stage: Stage) throws -> String {
        guard source == "reply" else { return "delivery.nonceWindow=0s" }
        try stage.world.perform(.permissions(channel: Stage.channel, allow: [], deny: .readMessageHistory))
        return "delivery.nonceWindow=2min"
    }

    @Test(
        "a daemon suspended in mid-send, whose reply got lost meanwhile, finds its message again: one message",
        arguments: ["history", "reply"])
    func suspended(_ source: String) async throws {
        try await Stage.play { stage in
            stage.world.add(try LoopbackFault(Self.mute))
            let window = try Self.choose(source, stage)
            stage.world.add(try LoopbackFault("slow-reply method=POST delay_ms=3600000"))
            _ = try await stage.writeSentinel("suspended")
            let daemon = try await stage.startDaemon(window)
            try await stage.discord("message_created")
            daemon.signal(SIGSTOP)
            try stage.world.perform(.dropConnections(reset: true))
            daemon.signal(SIGCONT)
            try await daemon.saw("deliveryReconciling")
            let delivered = try await daemon.saw("deliveryDelivered")
            #expect(delivered["reason"]?.hasPrefix(source) == true, "\(delivered)")
            try await daemon.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            try await stage.stop(daemon)
        }
    }

    @Test(
        "a message whose reply got lost at a kill is found again, not sent twice",
        arguments: ["history", "reply"])
    func lostAndKilled(_ source: String) async throws {
        try await Stage.play { stage in
            stage.world.add(try LoopbackFault(Self.mute))
            let window = try Self.choose(source, stage)
            stage.world.add(try LoopbackFault("slow-reply method=POST delay_ms=3600000"))
            _ = try await stage.writeSentinel("lost")
            let first = try await stage.startDaemon(window)
            try await stage.discord("message_created")
            first.signal(SIGKILL)
            _ = try await first.ended()
            let second = try await stage.startDaemon(window)
            try await second.saw("deliveryReconciling")
            let delivered = try await second.saw("deliveryDelivered")
            #expect(delivered["reason"]?.hasPrefix(source) == true, "\(delivered)")
            try await second.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            let notice = try await stage.notice(of: try #require(delivered["wake"]))
            #expect(notice["receipt"]?["id"]?.string == stage.messages().first.map { "\($0.id)" })
            try await stage.stop(second)
        }
    }

    @Test("a restart of the daemon under load loses none of the requests that were acknowledged")
    func load() async throws {
        try await Stage.play { stage in
            let notes = (1...24).map { "load \($0)" }
            let first = try await stage.startDaemon()
            _ = try await stage.askForRestart("the restart itself")
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Writers go on while the daemon goes down and comes up again.
                for part in [notes.prefix(12), notes.suffix(12)] {
                    group.addTask { for note in part { _ = try await stage.writeSentinel(note) } }
                }
                group.addTask {
                    let end = try await first.ended()
                    #expect(end == .clean)
                }
                try await group.waitForAll()
            }
            let second = try await stage.startDaemon()
            // What was written before this start has fired with it.
            try await second.saw("wakeEnded")
            try await stage.stop(second)
            let third = try await stage.startDaemon()
            try await stage.quiet(third)
            try await stage.stop(third)
            let text = stage.messages().map { message in
                message.content + (message.files["note.md"].map { String(decoding: $0, as: UTF8.self) } ?? "")
            }.joined(separator: "\n")
            for note in notes + ["the restart itself"] {
                #expect(text.split(separator: "\n").count { $0 == "> \(note)" } == 1, "\(note)")
            }
        }
    }
}

extension Stage {
    /// Waits until nothing is owed any more: looks again at whatever the daemon says next.
    func quiet(_ daemon: Program) async throws {
        if try await isQuiet() { return }
        _ = try await within("an end of all wakes", { daemon.errors.all.suffix(30).map(\.text).joined(separator: "\n") }) {
            for await line in daemon.errors.stream() where ["wakeEnded", "sentinelFired"].contains(line["event"]) {
                if try await isQuiet() { return true }
            }
            return nil
        }
    }

    private func isQuiet() async throws -> Bool {
        let status = try await run("status", "--json")
        return ["wakesOpen", "sentinelsOpen", "inboxRows"].compactMap { status[$0]?.integer } == [0, 0, 0]
    }
}
