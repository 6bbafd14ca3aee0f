import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Run states, with the real program", .timeLimit(.minutes(2)))
struct RunVerbTests {
    private static func begin(_ stage: Stage, _ more: String...) async throws -> Stage.Reply {
        let words = [
            "run", "begin", "--goal", "new certificates", "--plan", "1) order", "--plan", "2) install", "--plan", "- restart",
        ]
        return try await stage.run(words + ["--session", Stage.session, "--op", "op-1", "--file", file(stage)] + more)
    }

    private static func file(_ stage: Stage) -> String { stage.folder + "/infra/runstate.json" }

    private static func playing(_ body: @Sendable (Stage) async throws -> Void) async throws {
        try await Stage.play { stage in
            try FileManager.default.createDirectory(atPath: stage.folder + "/infra", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: stage.ledger, withIntermediateDirectories: true)
            try await body(stage)
        }
    }

    @Test("begin, step, note, show, list and done, by flag and by variable")
    func story() async throws {
        try await Self.playing { stage in
            let begun = try await Self.begin(stage)
            #expect(
                begun.code == 0 && begun.out == "op-1: pending [--------------------] 0/3\nnext: 1) order",
                "\(begun.out)\(begun.errors)")
            let variable = ["REVEILLE_RUN_STATE": Self.file(stage)]
            let stepped = try await stage.run("run", "step", "--log", "id 4711", environment: variable)
            #expect(stepped.out.hasPrefix("op-1: pending [######--------------] 1/3\nnext: 2) install"))
            #expect(try await stage.run("run", "note", "hash=abc", "remember this", environment: variable).code == 0)
            let shown = try await stage.run("run", "show", "--json", environment: variable)
            #expect(shown["context"]?["hash"] == "abc" && shown["context"]?["notes"] == "remember this" && shown["nextStep"] == 2)
            let people = try await stage.run("run", "show", environment: variable)
            #expect(
                people.out.contains("  [x] 1) order\n  [>] 2) install\n  [ ] - restart\n") && people.out.contains("hash: abc"))
            let list = try await stage.run("run", "list", "--json")
            #expect(list["runs"]?.array?.map { $0["file"]?.string } == [Self.file(stage)])
            #expect(
                try await stage.run("run", "done", environment: variable).out.hasPrefix(
                    "op-1: not pending [####################] 3/3"))
            let after = try await stage.run("run", "step", environment: variable)
            #expect(after.code == 75 && after.errors.contains("is not pending any more") && after.errors.contains("\nTry: "))
        }
    }

    @Test("what can't be done says what to do")
    func refusals() async throws {
        try await Self.playing { stage in
            let missing = try await stage.run("run", "step", "--file", Self.file(stage))
            #expect(missing.code == 66 && missing.errors.contains("there is no run state"))
            #expect(try await Self.begin(stage).code == 0)
            let other = try await Self.begin(stage, "--op", "op-2")
            #expect(other.code == 75 && other.errors.contains("operation op-1 is pending"))
            #expect(try await Self.begin(stage, "--op", "op-2", "--force").code == 0)
            let nobody = try await stage.run("run", "begin", "--goal", "x", "--file", Self.file(stage))
            #expect(nobody.code == 64 && nobody.errors.contains("nobody is named"))
            try stage.write(
                #"{"opId": "x", "pending": true, "session": "agent:a:main", "plan": ["a"], "nextStep": 9}"#, to: Self.file(stage))
            let wrong = try await stage.run("run", "show", "--file", Self.file(stage))
            #expect(wrong.code == 65 && wrong.errors.contains("'nextStep' is 9, but the plan has 1 steps"))
        }
    }

    @Test("a wake carries the run state; a hand edit counts, an invalid one is told and the last good state kept")
    func carried() async throws {
        try await Self.playing { stage in
            #expect(try await Self.begin(stage).code == 0)
            let daemon = try await stage.startDaemon()
            try await daemon.saw("channelChanged") { $0["reason"] == "ready" }
            let text = try String(contentsOfFile: Self.file(stage), encoding: .utf8)
            try stage.write(text.replacing("\"nextStep\": 1", with: "\"nextStep\": 2"), to: Self.file(stage))
            try await daemon.saw("leaseRenewed")
            try stage.write(text.replacing("\"nextStep\": 1", with: "\"nextStep\": \"three\""), to: Self.file(stage))
            let told = try await daemon.saw("runStateInvalid")
            #expect(told["reason"]?.contains("'nextStep' must be a whole number") == true)
            let wish = try await stage.run("wake", "now", "--session", Stage.session, "--note", "how far are you?")
            #expect(wish.code == 0, "\(wish.errors)")
            try await daemon.saw("deliveryDelivered")
            #expect(stage.messages().first?.content.contains("> how far are you?\nStep 2 of 3: 2) install\n") == true)
            try await stage.stop(daemon)
        }
    }

    @Test("what was pending before the machine came up wakes its session by itself, once, however often the daemon starts")
    func atBoot() async throws {
        try await Self.playing { stage in
            #expect(try await Self.begin(stage).code == 0)
            try await Self.lives(stage, boot: "first") { daemon in try await daemon.saw("runStatesRead") }
            #expect(stage.messages().isEmpty)
            try await Self.lives(stage, boot: "second") { daemon in try await daemon.saw("wakeEnded") }
            #expect(stage.messages().count == 1 && stage.messages()[0].content.contains("The machine was started anew"))
            try await Self.lives(stage, boot: "second") { daemon in
                try await daemon.saw("runStatesRead")
                try await daemon.saw("channelChanged") { $0["reason"] == "ready" }
            }
            #expect(stage.messages().count == 1)
        }
    }

    /// One life of the daemon, in that boot.
    private static func lives(_ stage: Stage, boot: String, _ body: (Program) async throws -> Void) async throws {
        let daemon = try stage.start(["daemon", "--set", "log.level=debug"], environment: ["REVEILLE_BOOT_ID": boot])
        daemon.feed()
        try await daemon.saw("ready")
        try await body(daemon)
        try await stage.stop(daemon)
    }

    @Test("guard: a command that fails takes everything back, with its exit code")
    func guardFails() async throws {
        try await Self.playing { stage in
            #expect(try await Self.begin(stage).code == 0)
            let failed = try await stage.run(
                "run", "guard", "--file", Self.file(stage), "--target", "self", "--", "sh", "-c", "echo working; exit 7")
            #expect(failed.code == 7 && failed.out.hasSuffix("is durable\nworking"), "\(failed.out)\(failed.errors)")
            #expect(failed.errors == "Error: the command failed: exit code 7\nThe sentinel is taken back.")
            let shown = try await stage.run("run", "show", "--json", "--file", Self.file(stage))
            #expect(shown["nextStep"] == 1)
            let daemon = try await stage.startDaemon()
            try await daemon.saw("sentinelCancelled")
            try await stage.stop(daemon)
            #expect(stage.messages().isEmpty)
            let missing = try await stage.run(
                "run", "guard", "--file", Self.file(stage), "--target", "self", "--", "no-such-program")
            #expect(missing.code == 127 && missing.errors.contains("could not be started"))
        }
    }

    @Test("guard: a command that goes well leaves the sentinel, and the restart wakes the session at the next step")
    func guardGoes() async throws {
        try await Self.playing { stage in
            #expect(try await Self.begin(stage).code == 0)
            let done = try await stage.run("run", "guard", "--file", Self.file(stage), "--target", "self", "--", "true")
            #expect(done.code == 0 && done.out.contains("the command has ended well"), "\(done.errors)")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            #expect(stage.messages().first?.content.contains("> op-1. Next: 2) install") == true)
            try await stage.stop(daemon)
        }
    }

    @Test("guard without a target: the daemon runs the command, and its end wakes the session")
    func guardByDaemon() async throws {
        try await Self.playing { stage in
            #expect(try await Self.begin(stage).code == 0)
            let daemon = try await stage.startDaemon()
            let path = stage.folder + "/ran"
            let asked = try await stage.run("run", "guard", "--file", Self.file(stage), "--note", "look", "--", "touch", path)
            #expect(asked.code == 0, "\(asked.errors)")
            try await daemon.saw("wakeEnded")
            #expect(FileManager.default.fileExists(atPath: path))
            #expect(stage.messages().first?.content.contains("The command has ended well") == true)
            try await stage.stop(daemon)
        }
    }
}
