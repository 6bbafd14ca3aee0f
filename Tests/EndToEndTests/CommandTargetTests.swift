import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Restarts by a command")
struct CommandTargetTests {
    private static func restart(_ stage: Stage, _ command: String...) async throws -> String {
        let reply = try await stage.run(
            ["restart", "--session", Stage.session, "--note", "go on", "--delay", "0s", "--json", "--"] + command)
        try #require(reply.code == 0, "\(reply.errors)")
        return try #require(reply["sentinel"]?.string)
    }

    private static func told(_ stage: Stage, _ daemon: Program) async throws -> String {
        try await daemon.saw("wakeEnded")
        #expect(stage.messages().count == 1)
        return stage.messages().first?.content ?? ""
    }

    @Test("a command that ends well wakes its session")
    func good() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            let id = try await Self.restart(stage, "/bin/sh", "-c", "echo did it >> \(stage.folder)/deeds")
            #expect(try await Self.told(stage, daemon).contains("The command has ended well"))
            #expect(try await stage.sentinel(id)["state"]?.string == "fired")
            #expect(try String(contentsOfFile: stage.folder + "/deeds", encoding: .utf8) == "did it\n")
            try await stage.stop(daemon)
        }
    }

    @Test("a command that fails leaves an honest state, and the session is told")
    func failing() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            let id = try await Self.restart(stage, "/bin/sh", "-c", "exit 7")
            #expect(try await Self.told(stage, daemon).contains("exit code 7"))
            let sentinel = try await stage.sentinel(id)
            #expect(sentinel["state"]?.string == "targetFailed")
            #expect(sentinel["reason"]?.string?.contains("exit code 7") == true)
            try await stage.stop(daemon)
        }
    }

    @Test("a command that is not there is named to the session")
    func missing() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            let id = try await Self.restart(stage, "no-such-command-here", "-x")
            #expect(try await Self.told(stage, daemon).contains("no-such-command-here"))
            #expect(try await stage.sentinel(id)["state"]?.string == "notRestarted")
            try await stage.stop(daemon)
        }
    }

    @Test("a command whose daemon was killed is never run again, and the session is told that its result is unknown")
    func cutOff() async throws {
        try await Stage.play { stage in
            let deeds = stage.folder + "/deeds"
            let first = try await stage.startDaemon()
            // The command lives until it may go: so the kill is in its middle.
            let id = try await Self.restart(
                stage, "/bin/sh", "-c",
                "echo begun >> \(deeds); echo begun >&2; while [ ! -e \(stage.folder)/go ]; do sleep 0.05; done")
            _ = try await within("the command to begin") {
                for await line in first.errors.stream() where line.text == "begun" { return line }
                return nil
            }
            first.signal(SIGKILL)
            #expect(try await first.ended() == .killed)
            let second = try await stage.startDaemon()
            #expect(try await Self.told(stage, second).contains("was cut off"))
            try stage.write("", to: stage.folder + "/go")
            #expect(try await stage.sentinel(id)["state"]?.string == "fired")
            try await stage.stop(second)
            #expect(try String(contentsOfFile: deeds, encoding: .utf8) == "begun\n")
        }
    }
}
