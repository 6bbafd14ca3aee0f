import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Hooks, with the real program", .timeLimit(.minutes(3)))
struct HookTests {
    /// A stage whose hooks lie in a folder of their own and write into `deeds`.
    private static func playing(_ body: @Sendable (Stage) async throws -> Void) async throws {
        try await Stage.play { stage in
            for name in ["pre-restart.d", "post-wake.d"] {
                try FileManager.default.createDirectory(
                    atPath: "\(stage.folder)/hooks/\(name)", withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o755])
            }
            try await body(stage)
        }
    }

    private static func hook(_ stage: Stage, _ name: String, _ script: String) throws {
        try stage.write("#!/bin/sh\n\(script)\n", to: "\(stage.folder)/hooks/\(name)", mode: 0o755)
    }

    private static func start(_ stage: Stage, _ settings: String...) async throws -> Program {
        let all = ["hooks.directory=\(stage.folder)/hooks"] + settings
        let daemon = try stage.start(["daemon"] + all.flatMap { ["--set", $0] })
        daemon.feed()
        try await daemon.saw("ready")
        return daemon
    }

    private static func deeds(_ stage: Stage) -> [String] {
        let text = (try? String(contentsOfFile: stage.folder + "/deeds", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test("those before a restart have run when it begins, and those after a wake know what arrived")
    func around() async throws {
        try await Self.playing { stage in
            try Self.hook(
                stage, "pre-restart.d/flush", #"echo "flushed for $REVEILLE_TARGET" | tee -a "\#(stage.folder)/deeds""#)
            try Self.hook(
                stage, "post-wake.d/tell",
                #"echo "$REVEILLE_SESSION heard: $REVEILLE_NOTE, wake $REVEILLE_WAKE" >> "\#(stage.folder)/deeds""#)
            let daemon = try await Self.start(stage)
            _ = try await stage.askForRestart("go on with step 3")
            #expect(try await daemon.ended() == .clean)
            #expect(Self.deeds(stage) == ["flushed for self"])
            #expect(daemon.errors.all.contains { $0["reason"] == "flushed for self" }, "its output is in the log")
            let next = try await Self.start(stage)
            let ended = try await next.saw("wakeEnded")
            try await next.saw("hookDone")
            let wake = try #require(ended["wake"])
            #expect(Self.deeds(stage).last == "\(Stage.session) heard: go on with step 3, wake \(wake)")
            try await stage.stop(next)
        }
    }

    @Test("one that fails is told, and by the operator's choice keeps the restart from happening; the session hears why")
    func refused() async throws {
        try await Self.playing { stage in
            try Self.hook(stage, "pre-restart.d/flush", "echo the disk is full; exit 4")
            let daemon = try await Self.start(stage, "hooks.onFailure=refuse")
            let id = try await stage.askForRestart("go on")
            let failed = try await daemon.saw("hookFailed")
            #expect(failed["level"] == "warning" && failed["reason"] == "exit code 4")
            try await daemon.saw("wakeEnded")
            #expect(try await stage.sentinel(id)["state"] == "notRestarted")
            let told = stage.messages().map(\.content)
            #expect(told.count == 1 && told[0].contains("flush: exit code 4"), "\(told)")
            try await stage.stop(daemon)
            let lenient = try await Self.start(stage)
            _ = try await stage.askForRestart("go on")
            try await lenient.saw("hookFailed")
            #expect(try await lenient.ended() == .clean)
        }
    }

    @Test("one that hangs after a wake holds up neither other wakes nor the stop")
    func hanging() async throws {
        try await Self.playing { stage in
            try Self.hook(stage, "post-wake.d/hang", #"echo begun >> "\#(stage.folder)/deeds"; sleep 1000"#)
            let daemon = try await Self.start(stage, "hooks.postWakeLimit=30min")
            for text in ["one", "two"] {
                let reply = try await stage.run("send", Stage.session, text, "--wait")
                #expect(reply.code == 0, "\(reply.errors)")
            }
            while Self.deeds(stage).isEmpty { await Task.yield() }
            try await stage.stop(daemon)
            #expect(stage.messages().count == 2 && Self.deeds(stage) == ["begun"])
        }
    }

    @Test("a restart of another program waits for them too, and a command of a hook may be ours")
    func command() async throws {
        try await Self.playing { stage in
            try Self.hook(
                stage, "pre-restart.d/ask",
                #"'\#(Program.path)' status --config '\#(stage.configuration)' --json > /dev/null && echo asked >> "\#(stage.folder)/deeds""#
            )
            let daemon = try await Self.start(stage)
            let reply = try await stage.run(
                "restart", "--session", Stage.session, "--note", "x", "--delay", "0s", "--", "/bin/sh", "-c",
                "echo restarted >> \(stage.folder)/deeds")
            #expect(reply.code == 0, "\(reply.errors)")
            try await daemon.saw("wakeEnded")
            #expect(Self.deeds(stage) == ["asked", "restarted"])
            try await stage.stop(daemon)
        }
    }
}
