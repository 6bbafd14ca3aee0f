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

    @Test(
        "a daemon whose log can't be written does its work: the disk is full, nobody reads, or there is nowhere to write",
        arguments: ["2>/dev/full", "2> >(:)", "2>&-", "<&- >&- 2>&-"])
    func mute(redirection: String) async throws {
        try await Stage.play { stage in
            _ = try await stage.writeSentinel("nobody hears us")
            let words = ["daemon", "--set", "log.level=trace"]
            let daemon = try stage.start(words, wrapper: ["/bin/bash", "-c", "exec \"$@\" \(redirection)", "bash"])
            daemon.feed()
            try await stage.discord("message_created")
            #expect(try await stage.run("status").code == 0)
            let place = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(daemon.pid)/fd/2")
            #expect(place.hasPrefix("/dev/") || place.hasPrefix("pipe:"), "nothing of ours lies there: \(place)")
            daemon.signal(SIGTERM)
            #expect(try await daemon.ended() == .clean)
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

    /// What tells of a message whose reply got lost.
    enum Teller: String, CaseIterable, Sendable {
        /// The resumed gateway session replays it.
        case echo
        /// History, where it may be read.
        case history
        /// The reply to a repeat whose nonce Discord still knows.
        case reply

        /// Only a session that can be resumed replays anything.
        var options: LoopbackOptions {
            var options = Stage.swift
            if self != .echo { options.sessionTTL = .zero }
            return options
        }

        var setting: String { self == .history ? "delivery.nonceWindow=0s" : "delivery.nonceWindow=2min" }

        func arrange(_ stage: Stage) throws {
            // The first connection goes mute once it is ready, so that it brings no echo.
            stage.world.add(try LoopbackFault("half-open when=session"))
            stage.world.add(try LoopbackFault("slow-reply method=POST delay_ms=3600000"))
            if self == .reply {
                try stage.world.perform(.permissions(channel: Stage.channel, allow: [], deny: .readMessageHistory))
            }
        }
    }

    @Test(
        "a daemon suspended in mid-send, whose reply got lost meanwhile, finds its message again: one message",
        arguments: [Teller.history, .reply])
    func suspended(_ teller: Teller) async throws {
        try await Stage.play(teller.options) { stage in
            try teller.arrange(stage)
            _ = try await stage.writeSentinel("suspended")
            let daemon = try await stage.startDaemon(teller.setting)
            try await stage.discord("message_created")
            daemon.signal(SIGSTOP)
            try stage.world.perform(.dropConnections(reset: true))
            daemon.signal(SIGCONT)
            try await Self.foundAgain(stage, daemon, by: teller)
        }
    }

    @Test("a message whose reply got lost at a kill is found again, not sent twice", arguments: Teller.allCases)
    func lostAndKilled(_ teller: Teller) async throws {
        try await Stage.play(teller.options) { stage in
            try teller.arrange(stage)
            _ = try await stage.writeSentinel("lost")
            let first = try await stage.startDaemon(teller.setting)
            try await stage.discord("message_created")
            first.signal(SIGKILL)
            _ = try await first.ended()
            try await Self.foundAgain(stage, try await stage.startDaemon(teller.setting), by: teller)
        }
    }

    private static func foundAgain(_ stage: Stage, _ daemon: Program, by teller: Teller) async throws {
        let delivered = try await daemon.saw("deliveryDelivered")
        #expect(delivered["reason"]?.hasPrefix(teller.rawValue) == true, "\(delivered)")
        try await daemon.saw("wakeEnded")
        #expect(stage.messages().count == 1)
        let notice = try await stage.notice(of: try #require(delivered["wake"]))
        #expect(notice["receipt"]?["id"]?.string == stage.messages().first.map { "\($0.id)" })
        try await stage.stop(daemon)
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
