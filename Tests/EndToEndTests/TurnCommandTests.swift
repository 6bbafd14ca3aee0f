import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Agents that are commands, with the real program", .timeLimit(.minutes(2)))
struct TurnCommandTests {
    /// A place whose agent is a script; it writes what it is told into `told`, and waits for `go` where it is to.
    private static func playing(waits: Bool = false, code: Int = 0, _ body: @Sendable (Stage) async throws -> Void) async throws {
        try await Stage.play { stage in
            let script = """
                #!/bin/sh
                cat >> "$HOME/told"
                echo "turn of $REVEILLE_SESSION"
                \(waits ? "while [ ! -e \"$HOME/go\" ]; do sleep 0.05; done" : "")
                echo "$REVEILLE_WAKE_ID" >> "$HOME/done"
                exit \(code)
                """
            try stage.write(script, to: stage.folder + "/agent.sh", mode: 0o700)
            let text = try String(contentsOfFile: stage.configuration, encoding: .utf8)
            let agents = #""agents": {"infra": {"run": ["\#(stage.folder)/agent.sh", "{sessionKey}"]}}, "#
            try stage.write("{" + agents + text.dropFirst(), to: stage.configuration)
            try await body(stage)
        }
    }

    private static func lines(_ stage: Stage, _ name: String) -> [String] {
        let text = (try? String(contentsOfFile: stage.folder + "/" + name, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test("a restart ends in one notice for people and one turn of the agent, with its note, once the channel is ready")
    func turn() async throws {
        try await Self.playing { stage in
            let wish = try await stage.run("sentinel", "write", "--session", Stage.session, "--note", "go on with step 3")
            #expect(wish.code == 0, "\(wish.errors)")
            let daemon = try await stage.startDaemon()
            let ended = try await daemon.saw("turnEnded")
            #expect(stage.messages().count == 1 && Self.lines(stage, "done").count == 1)
            let told = Self.lines(stage, "told").joined(separator: "\n")
            #expect(told.contains("You were interrupted") && told.contains("> go on with step 3"))
            let id = try #require(ended["delivery"])
            let list = try await stage.run("turn", "list", "--all", "--json")
            #expect(list["turns"]?.array?.map { $0["state"]?.string } == ["done"])
            #expect(try await stage.run("turn", "logs", id).out == "turn of \(Stage.session)")
            #expect(try await stage.run("turn", "show", id).out.contains("state     done"))
            try await stage.stop(daemon)
        }
    }

    @Test(
        "what is no turn's name is refused, and of one that is not there it is said where it was looked for",
        arguments: [
            ("", 64, "is no turn's name"), ("..", 64, "is no turn's name"), ("a.b", 64, "is no turn's name"),
            ("0a-B_9", 66, "/turns/0a-B_9"),
        ])
    func names(_ name: String, _ code: Int32, _ words: String) async throws {
        try await Stage.play { stage in
            let reply = try await stage.run("turn-exec", name)
            #expect(reply.code == code && reply.errors.contains(words) && reply.errors.contains("Try: "), "\(reply)")
        }
    }

    @Test("the daemon is killed while the turn runs: it goes on, runs once, and the next life has its result")
    func killed() async throws {
        try await Self.playing(waits: true) { stage in
            _ = try await stage.run("sentinel", "write", "--session", Stage.session, "--note", "go on")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("turnStarted")
            daemon.signal(SIGKILL)
            _ = try await daemon.ended()
            let next = try await stage.startDaemon()
            let running = try await stage.run("turn", "list", "--json")
            #expect(running["turns"]?.array?.count == 1)
            #expect(FileManager.default.createFile(atPath: stage.folder + "/go", contents: nil))
            try await next.saw("turnEnded")
            #expect(Self.lines(stage, "done").count == 1 && stage.messages().count == 1)
            try await stage.stop(next)
        }
    }

    @Test("killed at random moments with turns under way: none is lost, and none runs twice")
    func randomKills() async throws {
        try await Stage.play { stage in
            let script = """
                #!/bin/sh
                cat >> "$HOME/told"
                echo "$REVEILLE_IDEMPOTENCY_KEY" >> "$HOME/began"
                sleep 0.2
                echo "$REVEILLE_IDEMPOTENCY_KEY" >> "$HOME/done"
                """
            try stage.write(script, to: stage.folder + "/agent.sh", mode: 0o700)
            let text = try String(contentsOfFile: stage.configuration, encoding: .utf8)
            let agents = #""agents": {"infra": {"run": ["\#(stage.folder)/agent.sh"], "concurrency": 3}}, "#
            try stage.write("{" + agents + text.dropFirst(), to: stage.configuration)
            let moments = ["deliverySending", "turnStarted", "deliveryDelivered", "wakeEnded", "turnEnded"]
            for number in 1...20 {
                let session = "\(Stage.session):thread:\(number % 3)"
                let reply = try await stage.run(
                    "send", session, "message \(number)", "--to", "discord:default/channel:\(Stage.thread)")
                #expect(reply.code == 0, "\(reply.errors)")
                let daemon = try await stage.startDaemon("restart.loopStarts=0")
                let moment = moments.randomElement() ?? "turnStarted"
                try await daemon.saw(moment)
                daemon.signal(SIGKILL)
                _ = try await daemon.ended()
            }
            let daemon = try await stage.startDaemon("restart.loopStarts=0")
            _ = try await within("the end of all turns", { "" }) {
                while true {
                    let wakes = try await stage.run("wake", "list", "--json")["wakes"]?.array
                    let turns = try await stage.run("turn", "list", "--json")["turns"]?.array
                    if wakes?.isEmpty == true, turns?.isEmpty == true { return true }
                }
            }
            let unresolved = try await stage.run("wake", "list", "--unresolved", "--json")["wakes"]?.array?.count
            try await stage.stop(daemon)
            let (began, done) = (Self.lines(stage, "began"), Self.lines(stage, "done"))
            #expect(unresolved == 0 && Set(done) == Set(began))
            #expect(began.count == Set(began).count, "each runs once: \(began)")
            // Those that came while an earlier one of their session was still open share its turn.
            let told = Self.lines(stage, "told").filter { $0.hasPrefix("> message ") }
            #expect(told.sorted() == (1...20).map { "> message \($0)" }.sorted())
        }
    }

    @Test(
        "the recipes of docs/AGENTS.md hand the text over as they say",
        arguments: [
            ("claude", ["-p", "--continue"], true), ("codex", ["exec", "-"], true),
            ("script", ["", "channel:\(Stage.thread)"], false),
        ])
    func recipe(agent: String, arguments: [String], isOnStandardInput: Bool) async throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../docs/AGENTS.md")
        let recipes = try #require(
            try String(contentsOf: page, encoding: .utf8).components(separatedBy: "### Recipes").last?
                .components(separatedBy: "```json5\n").dropFirst().first?.components(separatedBy: "```").first)
        try await Stage.play { stage in
            let stand = stage.folder + "/stand-in.sh"
            try stage.write(
                "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$HOME/arguments\"\ncat >\"$HOME/input\"\n[ ! -f \"$1\" ] || cp \"$1\" \"$HOME/file\"\n",
                to: stand, mode: 0o700)
            try FileManager.default.createDirectory(atPath: stage.folder + "/workspace", withIntermediateDirectories: true)
            let agents = ["claude", "codex", "/home/me/bin/wake-me"].reduce(recipes) {
                $0.replacing("run: [\"\($1)\"", with: "run: [\"\(stand)\"")
            }
            let text = try String(contentsOfFile: stage.configuration, encoding: .utf8)
            try stage.write(
                "{" + agents.drop { $0 != "{" }.dropFirst().trimmingCharacters(in: .whitespacesAndNewlines).dropLast()
                    + text.dropFirst(), to: stage.configuration)
            let daemon = try await stage.startDaemon()
            let reply = try await stage.run(
                "send", "agent:\(agent):discord:channel:\(Stage.thread)", "go on with step 3", "--wait")
            #expect(reply.code == 0, "\(reply.out)\(reply.errors)")
            try await daemon.saw("turnEnded")
            try await stage.stop(daemon)
            let given = Self.lines(stage, "arguments")
            #expect(zip(given, arguments).allSatisfy { $0 == $1 || $1.isEmpty } && given.count == arguments.count, "\(given)")
            #expect(Self.lines(stage, isOnStandardInput ? "input" : "file").contains("> go on with step 3"))
            #expect(Self.lines(stage, isOnStandardInput ? "file" : "input").isEmpty)
        }
    }

    @Test("a stop does not wait for a turn, and does not end it; a second wake of the session waits for it")
    func stopped() async throws {
        try await Self.playing(waits: true) { stage in
            _ = try await stage.run("wake", "now", "--session", Stage.session, "--note", "first")
            let daemon = try await stage.startDaemon()
            let started = try await daemon.saw("turnStarted")
            let first = try #require(started["wake"])
            _ = try await stage.run("wake", "now", "--session", Stage.session, "--note", "second")
            let opened = try await daemon.saw("wakeOpened") { line in line["wake"] != first }
            let second = try #require(opened["wake"])
            try await daemon.saw("deliveryDelivered") { $0["wake"] == second }
            let shown = try await stage.run("wake", "show", second, "--json")
            let turn = shown["deliveries"]?.array?.first { $0["kind"] == "turn" }
            #expect(turn?["waitsFor"]?.string?.contains("still runs") == true, "\(shown.out)")
            try await stage.stop(daemon)
            #expect(FileManager.default.createFile(atPath: stage.folder + "/go", contents: nil))
            let next = try await stage.startDaemon()
            try await next.saw("turnStarted")
            try await next.saw("turnEnded") { $0["delivery"] != nil }
            while Self.lines(stage, "done").count < 2 { await Task.yield() }
            let told = Self.lines(stage, "told").filter { $0.hasPrefix("> ") }
            #expect(told == ["> first", "> second"])
            try await stage.stop(next)
        }
    }

    @Test("a person ends a turn")
    func cancelled() async throws {
        try await Self.playing(waits: true) { stage in
            _ = try await stage.run("wake", "now", "--session", Stage.session, "--note", "go on")
            let daemon = try await stage.startDaemon()
            let started = try await daemon.saw("turnStarted")
            let cancel = try await stage.run("turn", "cancel", try #require(started["delivery"]))
            #expect(cancel.code == 0 && cancel.out.contains("is being ended"), "\(cancel.errors)")
            let ended = try await daemon.saw("turnEnded")
            #expect(ended["reason"] == "a person took it back" && Self.lines(stage, "done").isEmpty)
            try await stage.stop(daemon)
        }
    }

    @Test("an agent that fails is told to the operator, and not run again")
    func failed() async throws {
        try await Self.playing(code: 3) { stage in
            _ = try await stage.run("wake", "now", "--session", Stage.session, "--note", "go on")
            let daemon = try await stage.startDaemon()
            let failed = try await daemon.saw("turnFailed")
            #expect(failed["level"] == "warning" && failed["reason"] == "exit code 3")
            try await stage.stop(daemon)
            #expect(Self.lines(stage, "done").count == 1)
        }
    }
}
