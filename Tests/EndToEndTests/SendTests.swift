import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Messages to sessions, with the real program", .timeLimit(.minutes(3)))
struct SendTests {
    private static func send(_ stage: Stage, _ text: String, _ more: String...) async throws -> Stage.Reply {
        try await stage.run(["send", Stage.session, text] + more)
    }

    /// What was quoted to people in the place, in order.
    private static func quoted(_ stage: Stage) -> [String] {
        stage.messages().flatMap { $0.content.split(separator: "\n") }.filter { $0.hasPrefix("> ") }.map {
            String($0.dropFirst(2))
        }
    }

    @Test("a message is durable while the daemon is down, comes as such, and the same key is one message")
    func once() async throws {
        try await Stage.play { stage in
            let first = try await Self.send(stage, "the backup is done", "--key", "backup-17", "--json")
            #expect(first.code == 0 && first["durable"] == true && first["alreadySent"] == false, "\(first.errors)")
            #expect(first["owes"]?.array == ["notice"])
            let waiting = try await Self.send(stage, "the backup is done", "--key", "backup-17")
            #expect(waiting.out.contains("already sent") && waiting.out.contains("waits for the daemon"), "\(waiting.out)")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            let again = try await Self.send(stage, "the backup is done", "--key", "backup-17", "--json")
            #expect(again["sentinel"] == first["sentinel"] && again["alreadySent"] == true)
            #expect(again["state"]?.string?.contains("notice delivered, message") == true, "\(again.out)")
            let other = try await Self.send(stage, "another text", "--key", "backup-17")
            #expect(other.code == 64 && other.errors.contains("used for another message"), "\(other.errors)")
            let third = try await Self.send(stage, "of another key", "--key", "backup-18", "--wait")
            #expect(third.code == 0 && third.out.contains("notice: delivered, message"), "\(third.out)\(third.errors)")
            try await stage.stop(daemon)
            #expect(Self.quoted(stage) == ["the backup is done", "of another key"])
            #expect(stage.messages().allSatisfy { $0.content.hasPrefix("**A message for the agent**") })
            let shown = try await stage.sentinel(try #require(first["sentinel"]?.string))
            #expect(shown["origin"] == "sent")
        }
    }

    @Test("twenty messages arrive in their order, each once, although the daemon is killed again and again")
    func ordered() async throws {
        try await Stage.play { stage in
            // In a place where nothing can be seen, absence can't be proven.
            try stage.world.perform(.message(channel: Stage.thread, content: "hello"))
            // A daemon that crashes in a row would start its channels later.
            var daemon = try await stage.startDaemon("restart.loopStarts=0")
            for number in 1...20 {
                let reply = try await Self.send(stage, "message \(number)", "--key", "n\(number)")
                #expect(reply.code == 0, "\(reply.errors)")
                guard number.isMultiple(of: 5) else { continue }
                daemon.signal(SIGKILL)
                _ = try await daemon.ended()
                // Whoever is not sure sends again.
                _ = try await Self.send(stage, "message \(number)", "--key", "n\(number)")
                daemon = try await stage.startDaemon("restart.loopStarts=0")
            }
            let last = try await Self.send(stage, "message 20", "--key", "n20", "--wait", "--timeout", "45s")
            let held = try await stage.run("wake", "list", "--all")
            #expect(last.code == 0, "\(last.out)\(last.errors)\(held.out)")
            try await stage.stop(daemon)
            #expect(Self.quoted(stage) == (1...20).map { "message \($0)" })
        }
    }

    @Test("where the agent is a command it gets a turn, and people see a notice only where that is asked for")
    func turn() async throws {
        try await Stage.play { stage in
            try stage.write("#!/bin/sh\ncat >> \"$HOME/told\"\n", to: stage.folder + "/agent.sh", mode: 0o700)
            let text = try String(contentsOfFile: stage.configuration, encoding: .utf8)
            try stage.write(
                #"{"agents": {"infra": {"run": ["\#(stage.folder)/agent.sh"]}}, "# + text.dropFirst(), to: stage.configuration)
            let daemon = try await stage.startDaemon()
            let quiet = try await stage.run(["send", Stage.session, "-", "--json", "--wait"], input: Array("- go\n  on\n".utf8))
            #expect(quiet.code == 0 && quiet.out.contains(#""owes":["turn"]"#), "\(quiet.out)\(quiet.errors)")
            try await daemon.saw("turnEnded")
            let told = try String(contentsOfFile: stage.folder + "/told", encoding: .utf8)
            #expect(told.contains("> - go\n>   on\n") && !told.contains("interrupted"), "\(told)")
            #expect(stage.messages().isEmpty)
            let seen = try await Self.send(stage, "for all to see", "--notice", "--wait")
            #expect(seen.code == 0 && seen.out.contains("as a notice and a turn"), "\(seen.out)\(seen.errors)")
            #expect(Self.quoted(stage) == ["for all to see"])
            try await stage.stop(daemon)
        }
    }

    @Test("what can't be sent is said with what to do, and nothing is written")
    func refused() async throws {
        try await Stage.play { stage in
            let long = String(repeating: "x", count: 8_193)
            for (arguments, input, words) in [
                ([Stage.session, long], "", "8193 bytes"), ([Stage.session, "-"], long + "\n", "longer than 8192 bytes"),
                ([Stage.session, ""], "", "empty"), ([Stage.session, "-"], "\n", "empty"), (["agent", "x"], "", "agent"),
                ([Stage.session, "x", "--key", ""], "", "key"), ([Stage.session, "x", "--to", "nowhere"], "", "nowhere"),
                ([Stage.session, "x", "--timeout", "1s"], "", "--wait"), (["agent:infra:main", "x"], "", "names no place"),
                ([Stage.session, "x", "--key", String(repeating: "k", count: 257)], "", "257 bytes"),
            ] as [([String], String, String)] {
                let reply = try await stage.run(["send"] + arguments, input: Array(input.utf8))
                #expect(
                    reply.code == 64 && reply.errors.contains(words), "\(arguments.last ?? ""): \(reply.code) \(reply.errors)")
                #expect(reply.errors.contains("Try:"), "\(reply.errors)")
            }
            let daemon = try await stage.startDaemon()
            let list = try await stage.run("sentinel", "list", "--all", "--json")
            #expect(list["sentinels"]?.array?.isEmpty == true)
            try await stage.stop(daemon)
        }
    }

    @Test("text of exactly 8 KiB arrives whole on standard input, also with the newline that a shell adds")
    func largest() async throws {
        try await Stage.play { stage in
            let reply = try await stage.run(
                ["send", Stage.session, "-", "--json"], input: [UInt8](repeating: UInt8(ascii: "y"), count: 8_192) + [10])
            #expect(reply.code == 0, "\(reply.errors)")
            let id = try #require(reply["sentinel"]?.string)
            let daemon = try await stage.startDaemon()
            try await daemon.saw("sentinelFired")
            #expect(try await stage.sentinel(id)["note"]?.string?.utf8.count == 8_192)
            try await stage.stop(daemon)
        }
    }

    @Test("a message that is waited for in vain: the time is over, and it comes all the same")
    func timeout() async throws {
        try await Stage.play { stage in
            let reply = try await Self.send(stage, "later", "--wait", "--timeout", "1ms")
            #expect(reply.code == 75 && reply.errors.contains("goes on all the same"), "\(reply.errors)")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            try await stage.stop(daemon)
            #expect(Self.quoted(stage) == ["later"])
        }
    }

    @Test("sessions that were heard of are listed without any gateway, and found by place")
    func sessions() async throws {
        try await Stage.play { stage in
            let none = try await stage.run("sessions")
            #expect(none.code == 73 && none.errors.contains("there is no folder"), "\(none)")
            let daemon = try await stage.startDaemon()
            _ = try await Self.send(stage, "hello", "--wait")
            try await stage.stop(daemon)
            let list = try await stage.run("sessions", "--json")
            let row = try #require(list["sessions"]?.array?.first, "\(list.errors)")
            #expect(row["key"]?.string == Stage.session && row["origin"] == "wake" && row["openWakes"] == 0)
            #expect(row["route"]?.string == "discord:default/channel:\(Stage.thread)")
            let found = try await stage.run("sessions", "--match", "\(Stage.thread)", "--key")
            #expect(found.code == 0 && found.out == Stage.session, "\(found.errors)")
            let here = try await stage.run("sessions", "--here", environment: ["REVEILLE_SESSION": Stage.session])
            #expect(here.out == Stage.session)
            let nobody = try await stage.run("sessions", "--match", "77", "--key")
            #expect(nobody.code == 66 && nobody.errors.contains("the ledger has no session"), "\(nobody.errors)")
        }
    }
}
