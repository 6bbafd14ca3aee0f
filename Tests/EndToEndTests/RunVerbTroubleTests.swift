import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Run states in trouble, with the real program", .timeLimit(.minutes(2)))
struct RunVerbTroubleTests {
    /// Plays with a run state that has begun, in `infra` of the stage's folder.
    private static func playing(_ body: @Sendable (Stage, _ file: String) async throws -> Void) async throws {
        try await Stage.play { stage in
            try FileManager.default.createDirectory(atPath: stage.folder + "/infra", withIntermediateDirectories: true)
            let file = stage.folder + "/infra/runstate.json"
            let begun = try await stage.run(
                "run", "begin", "--goal", "new certificates", "--plan", "1) order", "--plan", "2) install", "--session",
                Stage.session, "--op", "op-1", "--file", file)
            try #require(begun.code == 0, "\(begun.errors)")
            try await body(stage, file)
        }
    }

    private static func shown(_ stage: Stage, _ file: String) async throws -> JSONValue {
        let reply = try await stage.run("run", "show", "--json", "--file", file)
        return try #require(reply.json, "\(reply.errors)")
    }

    @Test("programs that write at once each keep their change")
    func together() async throws {
        try await Self.playing { stage, file in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let reply = try await stage.run("run", "note", "key\(number)=\(number)", "--file", file)
                        #expect(reply.code == 0, "\(reply.errors)")
                    }
                }
                try await group.waitForAll()
            }
            let names = try await Self.shown(stage, file)["context"]?.object?.members.map(\.key) ?? []
            #expect(Set(names) == Set((0..<12).map { "key\($0)" }) && names.count == 12)
        }
    }

    @Test("where no daemon ever ran, a run state begins all the same, and the daemon finds it")
    func firstOfAll() async throws {
        try await Self.playing { stage, file in
            let daemon = try await stage.startDaemon("log.level=debug")
            try await daemon.saw("runStatesRead")
            let list = try await stage.run("run", "list", "--json")
            #expect(list["runs"]?.array?.map { $0["file"]?.string } == [file])
            try await stage.stop(daemon)
        }
    }

    @Test("a run state that the daemon can't be told of is not begun")
    func noRegistry() async throws {
        try await Stage.play { stage in
            try stage.write("", to: stage.folder + "/plain")
            let file = stage.folder + "/state/runstate.json"
            let reply = try await stage.run(
                "run", "begin", "--goal", "g", "--session", Stage.session, "--file", file, "--ledger", stage.folder + "/plain")
            #expect(reply.code != 0 && reply.errors.contains("\nTry: "), "\(reply.errors)")
            #expect(!FileManager.default.fileExists(atPath: file))
        }
    }

    @Test("another user: the folder may not be written, or a change would take the file away", .enabled(if: geteuid() == 0))
    func otherUser() async throws {
        try await Self.playing { stage, file in
            let before = try await Self.shown(stage, file)
            try FileManager.default.removeItem(atPath: stage.folder + "/infra/.runstate.json.lock")
            for (path, mode) in [
                (stage.folder, 0o755), (stage.folder + "/infra", 0o755), (file, 0o644), (stage.configuration, 0o644),
            ] {
                chmod(path, mode_t(mode))
            }
            let wrapper = ["/usr/bin/env", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            let closed = try await stage.run("run", "step", "--file", file, wrapper: wrapper)
            #expect(closed.code == 73 && closed.errors.contains("Permission denied"), "\(closed.errors)")
            #expect(closed.errors.contains("Try: Call as a user who may write in its folder; the old file is as it was."))
            chmod(stage.folder + "/infra", 0o777)
            let foreign = try await stage.run("run", "step", "--file", file, wrapper: wrapper)
            #expect(foreign.code == 73 && foreign.errors.contains("belongs to user 0"), "\(foreign.errors)")
            #expect(try await Self.shown(stage, file) == before)
        }
    }

    @Test("the schema that is printed is the one that is shipped")
    func schema() async throws {
        try await Stage.play { stage in
            let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "docs/runstate.schema.json")
            let program = try Program(
                Program.path, ["run", "schema"], environment: ["PATH": "/usr/bin:/bin"], directory: stage.folder)
            program.feed()
            _ = try await program.ended()
            let shipped = try String(contentsOf: page, encoding: .utf8)
            #expect(await program.out.text() + "\n" == shipped)
        }
    }

    // MARK: Guard

    @Test("guard: where the sentinel can't be written the command is not run, and the step is next again")
    func guardWithoutLedger() async throws {
        try await Self.playing { stage, file in
            try stage.write("", to: stage.folder + "/plain")
            for more in [["--target", "self"], []] {
                let ran = stage.folder + "/ran"
                let reply = try await stage.run(
                    ["run", "guard", "--file", file, "--ledger", stage.folder + "/plain"] + more + ["--", "touch", ran])
                #expect(reply.code != 0 && reply.errors.hasPrefix("Error: "), "\(reply.errors)")
                #expect(!FileManager.default.fileExists(atPath: ran))
                let state = try await Self.shown(stage, file)
                #expect(state["nextStep"] == 1 && state["progressLog"]?.array?.last?.string?.contains("it was not run") == true)
            }
        }
    }

    @Test("guard: a command that goes on by itself and fails then keeps its step, and its exit code is told")
    func guardAfterOwnStep() async throws {
        try await Self.playing { stage, file in
            for (verb, next) in [("step", 3), ("done", 3)] as [(String, Int64)] {
                let line = "\"$0\" run \(verb) --file '\(file)' --config '\(stage.configuration)' >/dev/null; exit 5"
                let reply = try await stage.run(
                    "run", "guard", "--next", "2", "--file", file, "--target", "self", "--", "sh", "-c", line, Program.path)
                #expect(reply.code == 5 && reply.errors.contains("the command failed: exit code 5"), "\(reply.errors)")
                let state = try await Self.shown(stage, file)
                #expect(state["nextStep"]?.integer == next)
                #expect(state["progressLog"]?.array?.last?.string?.contains("the command failed: exit code 5") == true)
            }
        }
    }

    @Test("guard: a good end says how long the sentinel stays; a wait is for the daemon alone")
    func guardOutlook() async throws {
        try await Self.playing { stage, file in
            let reply = try await stage.run(
                "run", "guard", "--file", file, "--target", "self", "--set", "sentinel.lifetimeObserved=3h", "--", "true")
            #expect(reply.code == 0 && reply.out.contains("if it does not within 3h, the session is told that"), "\(reply)")
            let both = try await stage.run(
                "run", "guard", "--file", file, "--target", "self", "--delay", "1s", "--next", "1", "--", "true")
            #expect(both.code == 64 && both.errors.contains("--delay goes without --target"), "\(both)")
            let asked = try await stage.run("run", "guard", "--file", file, "--delay", "7min", "--next", "2", "--", "true")
            #expect(asked.code == 0 && asked.out.contains("is durable"), "\(asked)")
            let sentinels = try await stage.run("sentinel", "list", "--json")
            #expect(sentinels["inbox"]?.integer == 2)
        }
    }
}
