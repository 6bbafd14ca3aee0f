import DiscordLoopback
import Foundation
import GatewayProtocol
import LedgerSQLite
import OpenClawLoopback
import Testing
import WakeCore
import WakeService

@Suite("reveille config patch at a gateway", .timeLimit(.minutes(3)))
struct GatewayVerbTests {
    static let patch = "{gateway: {controlUi: {enabled: false}}}"

    /// Changes the gateway's configuration, with a wake for the session.
    static func change(
        _ beside: ClawStage, _ patch: String = patch, _ more: String..., verb: String = "patch"
    ) async throws -> Stage.Reply {
        try await beside.stage.run(
            ["config", verb, "-", "--gateway", "main", "--session", ClawStage.session, "--note", "go on"] + more,
            input: Array(patch.utf8))
    }

    /// What is in the ledger's inbox: the sentinels, and those taken back.
    static func inbox(_ stage: Stage) throws -> (written: [RestartRequest], cancelled: [SentinelID]) {
        guard FileManager.default.fileExists(atPath: stage.ledger) else { return ([], []) }
        let client = try LedgerClient(at: stage.ledger)
        defer { client.close() }
        let items = try client.reader.inbox().map(\.item)
        return (
            items.compactMap {
                guard case .request(let request) = $0 else { return nil }
                return request
            },
            items.compactMap {
                guard case .command(.cancelSentinel(let id)) = $0 else { return nil }
                return id
            }
        )
    }

    @Test("the gateway restarts: the sentinel is durable, for its life, and the gateway itself was told no session")
    func promised() async throws {
        try await ClawStage.play(.newest) { beside in
            let reply = try await Self.change(beside, Self.patch, "--delay", "30s", "--json")
            #expect(reply.code == 0 && reply["restart"] == true && reply["delayMilliseconds"] == 30_000, "\(reply)")
            let (written, cancelled) = try Self.inbox(beside.stage)
            let request = try #require(written.first)
            #expect(written.count == 1 && cancelled.isEmpty && reply["sentinel"]?.string == "\(request.id)")
            #expect(request.target == .gateway("main") && !request.performedByUs && request.owes == [.notice, .turn])
            #expect(request.route?.description == "gateway:main/discord:default/channel:\(Stage.thread)")
            guard case .startedAt? = request.epoch else {
                Issue.record("no epoch: \(String(describing: request.epoch))")
                return
            }
            let left = try await beside.gateway("sentinel_written")
            #expect(!left.line.contains(ClawStage.session) && !left.line.contains("go on"))
        }
    }

    @Test(
        "refused: nothing is changed, the sentinel is taken back, and each fault is named",
        arguments: [
            OpenClawOptions.Generation.march2026, .newest,
        ])
    func refused(generation: OpenClawOptions.Generation) async throws {
        try await ClawStage.play(generation) { beside in
            let reply = try await Self.change(beside, "{gateway: {port: 70000}}")
            #expect(reply.code == 65 && reply.errors.contains("gateway.port: expected a port"), "\(reply)")
            #expect(reply.errors.contains("Nothing was changed"))
            let (written, cancelled) = try Self.inbox(beside.stage)
            #expect(written.count == 1 && cancelled == written.map(\.id))
        }
    }

    @Test(
        "in use without a restart, and already so: said at once, and nothing is written",
        arguments: [
            ("{logging: {level: 'debug'}}", "applied without a restart; nobody is woken: logging.level"),
            ("{logging: {level: 'info'}}", "nothing changes"),
        ])
    func hot(patch: String, words: String) async throws {
        try await ClawStage.play(.newest) { beside in
            let reply = try await Self.change(beside, patch)
            #expect(reply.code == 0 && reply.out.hasPrefix(words), "\(reply)")
            #expect(try Self.inbox(beside.stage).written.isEmpty)
        }
    }

    @Test("a gateway that can't say what a change takes restarts for each: a sentinel stands for it")
    func march() async throws {
        try await ClawStage.play(.march2026) { beside in
            let reply = try await Self.change(beside, "{logging: {level: 'info'}}", "--delay", "30s", "--notice-only")
            #expect(reply.code == 0 && reply.out.contains("restarts in 30s"), "\(reply)")
            let (written, cancelled) = try Self.inbox(beside.stage)
            #expect(written.map(\.owes) == [[.notice]] && cancelled.isEmpty)
        }
    }

    @Test("config apply takes the whole, and config get shows it; what is handed back as it was shown changes nothing")
    func apply() async throws {
        try await ClawStage.play(.newest) { beside in
            let shown = try await beside.stage.run("config", "get", "--gateway", "main")
            #expect(shown.code == 0 && shown.json?["logging"]?["level"] == "info", "\(shown)")
            let same = try await Self.change(beside, shown.out, verb: "apply")
            #expect(same.code == 0 && same.out.hasPrefix("nothing changes"), "\(same)")
            let hot = try await Self.change(beside, shown.out.replacing("\"info\"", with: "\"debug\""), verb: "apply")
            #expect(hot.code == 0 && hot.out.contains("logging.level"), "\(hot)")
        }
    }

    @Test("--nobody changes it and wakes nobody; without it and without a session nothing is asked for")
    func nobody() async throws {
        try await ClawStage.play(.newest) { beside in
            let patch = Array(Self.patch.utf8)
            let bare = try await beside.stage.run("config", "patch", "-", "--gateway", "main", input: patch)
            #expect(bare.code == 64 && bare.errors.contains("--nobody"), "\(bare)")
            let silent = try await beside.stage.run(
                "config", "patch", "-", "--gateway", "main", input: patch, environment: ["REVEILLE_SESSION": ClawStage.session])
            #expect(silent.code == 64 && silent.errors.contains("--note"), "\(silent)")
            let reply = try await beside.stage.run(
                "config", "patch", "-", "--gateway", "main", "--nobody", "--delay", "30s", input: patch)
            #expect(reply.code == 0 && reply.out.contains("nobody is woken"), "\(reply)")
            #expect(try Self.inbox(beside.stage).written.isEmpty)
        }
    }

    @Test(
        "bad input is complained of before the gateway is asked",
        arguments: [
            (["--patch", "[1]"], 65), (["--patch", "{a: 1, a: 2}"], 65), (["--patch", "{"], 65), (["/nonexistent.json5"], 66),
            ([], 64),
            (["--patch", "{}", "--delay", "2min"], 64), (["--patch", "{}", "--to", "nowhere"], 64),
            (["--patch", "{}", "x.json5"], 64),
        ] as [([String], Int32)])
    func badInput(arguments: [String], code: Int32) async throws {
        try await ClawStage.play(.newest) { beside in
            let reply = try await beside.stage.run(
                ["config", "patch", "--gateway", "main", "--session", ClawStage.session, "--note", "n"] + arguments)
            #expect(reply.code == code && reply.errors.hasPrefix("Error: "), "\(reply)")
            #expect(!beside.claw.log.events.contains { $0.name == "connect" })
        }
    }

    @Test("an agent that is killed right after the promise loses nothing: the session is woken")
    func killed() async throws {
        try await ClawStage.play(.newest, change: { $0.discordReadyAfter = .milliseconds(300) }) { beside in
            let daemon = try await beside.startDaemon()
            let program = try beside.stage.start([
                "config", "patch", "--gateway", "main", "--session", ClawStage.session, "--note", "go on with step 3", "--patch",
                Self.patch, "--delay", "300ms", "--follow",
            ])
            program.feed()
            _ = try await within("the promise", { program.errors.all.map(\.text).joined() }) {
                for await line in program.out.stream() where line.text.contains("is durable") { return line.text }
                return nil
            }
            program.signal(SIGKILL)
            #expect(try await program.ended() == .killed)
            try await daemon.saw("wakeEnded")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            #expect(beside.turns().first?["text"]?.contains("go on with step 3") == true)
            try await beside.stage.stop(daemon)
        }
    }

    @Test("--follow tells each step to the end of the wake")
    func followed() async throws {
        try await ClawStage.play(.newest, change: { $0.discordReadyAfter = .milliseconds(600) }) { beside in
            let daemon = try await beside.startDaemon()
            let reply = try await Self.change(beside, Self.patch, "--delay", "0s", "--follow", "--wait", "50s")
            #expect(reply.code == 0, "\(reply)")
            let lines = reply.out.split(separator: "\n").map(String.init)
            let steps = [
                "sentinel: a new life of the gateway main was seen", "notice: delivered", "turn: delivered",
            ].map { step in lines.firstIndex { $0.hasPrefix(step) } ?? -1 }
            #expect(!steps.contains(-1) && steps == steps.sorted(), "\(reply.out)")
            #expect(beside.notices().count == 1 && beside.turns().count == 1)
            try await beside.stage.stop(daemon)
        }
    }

    @Test("without --gateway our own daemon is meant, and writes the sentinel itself")
    func ownDaemon() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            func run(_ arguments: String..., input: String = "") async throws -> Stage.Reply {
                try await control.stage.run(
                    ["config"] + arguments, input: Array(input.utf8), environment: ["REVEILLE_CONTROL_SOCKET": control.socket])
            }
            let shown = try await run("get")
            #expect(shown.code == 0 && shown.out.hasPrefix("// The operator's own file."), "\(shown)")
            let hot = try await run("patch", "-", "--nobody", input: "{log: {level: 'debug'}}")
            #expect(hot.code == 0 && hot.out.contains("log.level") && hot.out.contains("nobody is woken"), "\(hot)")
            let unknown = try await run("patch", "-", "--nobody", input: "{nonsense: 1}")
            #expect(unknown.code == 64 && unknown.errors.contains("nonsense"), "\(unknown)")
            let restart = try await run(
                "patch", "-", "--session", Stage.session, "--note", "go on", "--delay", "1s", input: "{wake: {holdFor: '3d'}}")
            #expect(restart.code == 0 && restart.out.contains("wake.holdFor") && restart.out.contains("is durable"), "\(restart)")
            _ = try await daemon.ended()
        }
    }
}
