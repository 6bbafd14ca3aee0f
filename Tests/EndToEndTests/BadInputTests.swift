import DiscordLoopback
import Foundation
import Testing
import WakeCore

/// One row of what people and machines get wrong on the command line: what is typed, how it ends, and what the answer names.
struct BadCall: Sendable, CustomTestStringConvertible {
    let what: String
    let arguments: [String]
    let code: Int32
    let names: [String]
    var input: [UInt8] = []

    var testDescription: String { what }

    static let session = ["sentinel", "write", "--session"]
    static let good = session + [Stage.session]
    static let restart = ["restart", "--session", Stage.session, "--note", "x"]

    static let all: [BadCall] = [
        BadCall(what: "empty session key", arguments: session + ["", "--note", "x"], code: 64, names: ["session key", "empty"]),
        BadCall(
            what: "session key without an agent", arguments: session + ["infra:main", "--note", "x"], code: 64,
            names: ["infra:main", "agent:", "character 1"]),
        BadCall(
            what: "session key whose channel is no number",
            arguments: session + ["agent:infra:discord:channel:general", "--note", "x"],
            code: 64, names: ["'general'", "number", "character 29"]),
        BadCall(
            what: "session key with a space", arguments: session + ["agent:infra: main", "--note", "x"], code: 64,
            names: ["space", "character 13"]),
        BadCall(
            what: "session key that names no place", arguments: session + ["agent:infra:main", "--note", "x"], code: 64,
            names: ["agent:infra:main", "--to"]),
        BadCall(what: "empty note", arguments: good + ["--note", ""], code: 64, names: ["note is empty"]),
        BadCall(what: "blank note", arguments: good + ["--note", " \n\t "], code: 64, names: ["note is empty"]),
        BadCall(
            what: "note over 8 KiB", arguments: good + ["--note", String(repeating: "n", count: 8193)], code: 64,
            names: ["8193 bytes", "8192"]),
        BadCall(
            what: "note over 8 KiB on standard input", arguments: good + ["--note", "-"], code: 64, names: ["8192"],
            input: Array(repeating: UInt8(ascii: "n"), count: 9000)),
        BadCall(
            what: "note with an unpaired surrogate", arguments: good + ["--note", "-"], code: 64, names: ["note", "UTF-8"],
            input: [0x61, 0xED, 0xA0, 0x80, 0x62]),
        BadCall(
            what: "note with a zero byte", arguments: good + ["--note", "-"], code: 64, names: ["zero byte"],
            input: [0x61, 0, 0x62]),
        BadCall(what: "negative delay", arguments: restart + ["--delay=-1s"], code: 64, names: ["--delay", "-1s"]),
        BadCall(what: "delay over 10 min", arguments: restart + ["--delay", "11min"], code: 64, names: ["660000 ms", "600000"]),
        BadCall(what: "delay without a unit", arguments: restart + ["--delay", "5"], code: 64, names: ["--delay", "'5'"]),
        BadCall(
            what: "unknown channel", arguments: good + ["--note", "x", "--to", "telegram:default/channel:1"], code: 64,
            names: ["telegram:default", "discord:default"]),
        BadCall(
            what: "unknown account", arguments: good + ["--note", "x", "--to", "discord:ops/channel:1"], code: 64,
            names: ["discord:ops", "discord:default"]),
        BadCall(
            what: "route that is none", arguments: good + ["--note", "x", "--to", "general"], code: 64,
            names: ["'general'", "route"]),
        BadCall(
            what: "empty command", arguments: restart + ["--delay", "0s", "--", ""], code: 64, names: ["command is empty"]),
        BadCall(
            what: "unknown key by --set", arguments: good + ["--note", "x", "--set", "gate.escalteAfter=1min"], code: 78,
            names: ["gate.escalteAfter", "gate.escalateAfter"]),
    ]
}

@Suite("Bad input: a clear error that names it and says what to do, and nothing half-done")
struct BadInputTests {
    private static func expect(
        _ reply: Stage.Reply, _ code: Int32, _ names: [String], at location: SourceLocation = #_sourceLocation
    ) {
        #expect(reply.code == code, "\(reply.errors)", sourceLocation: location)
        #expect(reply.errors.contains("Error: "), "\(reply.errors)", sourceLocation: location)
        #expect(reply.errors.contains("Try:"), "\(reply.errors)", sourceLocation: location)
        for name in names { #expect(reply.errors.contains(name), "\(reply.errors)", sourceLocation: location) }
        #expect(reply.out.isEmpty, sourceLocation: location)
    }

    @Test("what is typed wrong is refused before anything is written", arguments: BadCall.all)
    func typed(_ call: BadCall) async throws {
        try await Stage.play { stage in
            let reply = try await stage.run(call.arguments, input: call.input)
            Self.expect(reply, call.code, call.names)
            #expect(!FileManager.default.fileExists(atPath: stage.ledger + "/ledger.sqlite"))
        }
    }

    @Test("a reply that can't be written is told as an error, and what was promised stays promised")
    func fullOutput() async throws {
        try await Stage.play { stage in
            let reply = try await stage.run(
                BadCall.good + ["--note", "x"], wrapper: ["/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh"])
            Self.expect(reply, 74, ["standard output", "No space left on device"])
            #expect(try await stage.run("sentinel", "list", "--json")["inbox"]?.integer == 1)
        }
    }

    // MARK: Configuration

    @Test("faults of configuration files are named with file, place and nearest key, all at once")
    func configuration() async throws {
        try await Stage.play { stage in
            let write = BadCall.good + ["--note", "x"]
            try stage.write("{ gate: { escalateAftr: \"1min\" },\n  log: { level: \"loud\" } }", to: stage.configuration)
            Self.expect(
                try await stage.run(write), 78,
                [stage.configuration, "gate.escalateAftr", "gate.escalateAfter", "log.level", "loud", "2 problems"])
            try stage.write([0x7B, 0xFF, 0xFE, 0x7D], to: stage.configuration)
            Self.expect(try await stage.run(write), 78, [stage.configuration, "UTF-8"])
            try stage.write("{ gate: ", to: stage.configuration)
            Self.expect(try await stage.run(write), 78, [stage.configuration, "1"])
            let missing = stage.folder + "/nowhere.json5"
            Self.expect(try await stage.run(write + ["--config", missing]), 66, [missing])
            #expect(!FileManager.default.fileExists(atPath: stage.ledger))
        }
    }

    @Test("a token that is missing, open to others or no token stops the daemon and config check, and is never shown")
    func token() async throws {
        try await Stage.play { stage in
            try stage.write("a-very-secret-thing", to: stage.tokenFile, mode: 0o644)
            for verb in [["daemon"], ["config", "check"]] {
                let reply = try await stage.run(verb)
                Self.expect(reply, 77, [stage.tokenFile])
                #expect(!reply.errors.contains("a-very-secret-thing"))
            }
            try FileManager.default.removeItem(atPath: stage.tokenFile)
            Self.expect(try await stage.run("daemon"), 78, [stage.tokenFile])
            try stage.write("{ ledger: { directory: \"\(stage.ledger)\" } }", to: stage.configuration)
            Self.expect(try await stage.run("daemon"), 78, ["REVEILLE_DISCORD_TOKEN"])
            try stage.write("two\nlines", to: stage.tokenFile)
            try stage.writeConfiguration()
            try stage.write("two words\nand lines", to: stage.tokenFile)
            let reply = try await stage.run("daemon")
            Self.expect(reply, 78, [stage.tokenFile])
            #expect(!reply.errors.contains("two words"))
            #expect(!FileManager.default.fileExists(atPath: stage.ledger + "/ledger.sqlite"))
        }
    }

    // MARK: Discord's refusals

    @Test("a rejected token blocks the channel and is said; the wake is held, and goes out when the token is good again")
    func rejectedToken() async throws {
        try await Stage.play { stage in
            _ = try await stage.writeSentinel("held by a token")
            try stage.world.perform(.revokeToken(LoopbackOptions.defaultToken))
            let first = try await stage.startDaemon()
            try await first.saw("channelChanged") { $0["reason"]?.hasPrefix("blocked") == true }
            let wait = try await stage.run("wait", "discord:default", "--timeout", "30s")
            #expect(wait.code == 69)
            #expect(wait.errors.contains("blocked"))
            let status = try await stage.run("status", "--json")
            #expect(status["deliveries"]?["held"]?.integer == 1)
            // A rejected token is not tried again and again: that would cost identifies.
            #expect(stage.count("identify") <= 1)
            try await stage.stop(first)
            try stage.world.perform(.restoreToken(LoopbackOptions.defaultToken))
            let second = try await stage.startDaemon()
            try await second.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            try await stage.stop(second)
        }
    }

    @Test("a channel that is gone ends its wake as dead, with the reason; others are not held up")
    func deletedChannel() async throws {
        try await Stage.play { stage in
            try stage.world.perform(.deleteChannel(Stage.thread))
            _ = try await stage.writeSentinel("to nowhere")
            _ = try await stage.writeSentinel("to somewhere", session: "agent:ops:discord:channel:\(Stage.channel)")
            let daemon = try await stage.startDaemon()
            let dead = try await daemon.saw("deliveryDead")
            #expect(dead["reason"]?.lowercased().contains("unknown channel") == true, "\(dead)")
            try await daemon.saw("deliveryDelivered")
            let notice = try await stage.notice(of: try #require(dead["wake"]))
            #expect(notice["state"]?.string == "dead")
            #expect(stage.messages(in: Stage.channel).count == 1)
            try await stage.stop(daemon)
        }
    }

    @Test("a place where the bot may not write blocks that route with a reason; nothing is tried or lost meanwhile")
    func noPermission() async throws {
        try await Stage.play { stage in
            try stage.world.perform(.permissions(channel: Stage.channel, allow: [], deny: .sendMessages))
            _ = try await stage.writeSentinel("may I", session: "agent:ops:discord:channel:\(Stage.channel)")
            let daemon = try await stage.startDaemon()
            let route = try await daemon.saw("routeChanged") { $0["reason"]?.hasPrefix("blocked") == true }
            #expect(
                route["reason"]?.contains("SEND_MESSAGES") == true || route["reason"]?.contains("permission") == true, "\(route)")
            let status = try await stage.run("status", "--json")
            #expect(status["deliveries"]?["held"]?.integer == 1)
            #expect(stage.messages(in: Stage.channel).isEmpty)
            try await stage.stop(daemon)
            try stage.world.perform(.permissions(channel: Stage.channel, allow: [], deny: []))
            let second = try await stage.startDaemon()
            try await second.saw("wakeEnded")
            #expect(stage.messages(in: Stage.channel).count == 1)
            try await stage.stop(second)
        }
    }

    @Test("a note with @everyone, control characters or 2,001 characters arrives whole, pings nobody, and draws on no terminal")
    func strangeNotes() async throws {
        let notes = ["@everyone @here look", "red \u{1B}[31malert\u{7}\u{202E}", String(repeating: "é", count: 2001)]
        try await Stage.play { stage in
            for (index, note) in notes.enumerated() {
                _ = try await stage.writeSentinel(note, session: "agent:a\(index):discord:channel:\(Stage.thread)")
            }
            let list = try await stage.run("sentinel", "list")
            #expect(!list.out.contains("\u{1B}"))
            let daemon = try await stage.startDaemon()
            for _ in notes { try await daemon.saw("wakeEnded") }
            try await stage.quiet(daemon)
            #expect(stage.messages().count == 3)
            let created = stage.world.log.events.filter { $0.name == "message_created" }
            #expect(created.allSatisfy { $0["mention_everyone"] == "false" && $0["mentions"] == "0" })
            #expect(stage.messages().contains { $0.content.contains("@everyone @here look") })
            #expect(stage.messages().contains { $0.files["note.md"] != nil })
            try await stage.stop(daemon)
        }
    }

    @Test("whom a notice may ping is the operator's choice")
    func choices() async throws {
        try await Stage.play { stage in
            try stage.world.perform(.permissions(channel: Stage.channel, allow: .mentionEveryone, deny: []))
            _ = try await stage.writeSentinel("@everyone look", session: "agent:ops:discord:channel:\(Stage.channel)")
            let daemon = try await stage.startDaemon("discord.accounts.default.allowedMentions=everyone")
            try await daemon.saw("wakeEnded")
            let created = try await stage.discord("message_created")
            #expect(created["mention_everyone"] == "true")
            try await stage.stop(daemon)
        }
    }

    @Test(
        "a Discord that answers with garbage, with a 200 and no body, or with far too much costs no wake and shows none twice",
        arguments: [
            "garbage-reply method=POST", "empty-reply method=POST", "huge-reply method=POST", "html-error method=POST",
            "status method=POST status=500",
            "garbage-reply route=/gateway/bot", "empty-reply route=/gateway/bot", "garbage-reply route=/channels/{id}",
            "garbage-frame when=ready", "huge-frame when=ready",
        ])
    func strangeDiscord(_ fault: String) async throws {
        try await Stage.play { stage in
            stage.world.add(try LoopbackFault(fault))
            _ = try await stage.writeSentinel("whatever comes")
            // Without the nonce's help, so that history must tell.
            let daemon = try await stage.startDaemon("delivery.nonceWindow=0s")
            try await stage.discord("fault")
            try await daemon.saw("deliveryDelivered")
            try await daemon.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            try await stage.stop(daemon)
        }
    }
}
