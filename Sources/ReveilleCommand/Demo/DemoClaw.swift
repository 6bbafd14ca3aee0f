import DiscordLoopback
import Foundation
import GatewayClient
import GatewayProtocol
import OpenClawLoopback
import WakeCore
import WakeService

/// `reveille demo --openclaw`: an agent restarts its gateway by the gateway's own means, and Reveille stands beside it. One act for each
/// generation: the old one loses its ping, the newest delivers by itself.
struct DemoClaw {
    static let note = DemoStage.note
    /// How late the gateway's Discord is after each of its starts.
    static let readyAfter = Duration.seconds(4)
    private static let token = "the-token-of-the-demo"

    let folder: URL
    let generation: OpenClawOptions.Generation

    /// Plays one act.
    ///
    /// - Returns: whether all went as it must.
    func play() async throws -> Bool {
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var options = LoopbackOptions()
        options.log = .file(folder.appending(path: "discord.jsonl").path)
        let discord = try DiscordLoopbackServer(options: options)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await discord.run() }
            defer { group.cancelAll() }
            let rest = try await discord.address().rest
            let claw = try OpenClawLoopbackServer(options: self.options(rest))
            group.addTask { try await claw.run() }
            let stage = DemoClawStage(folder: folder, port: try await claw.port, rest: rest, token: Self.token)
            claw.addSession(stage.session, label: "infra", to: "channel:\(LoopbackOptions.defaultThread)")
            let facts = try await stage.play(claw)
            return DemoClawTimeline(
                generation: generation, session: stage.session, daemon: facts, gateway: claw.log.events,
                discord: discord.world.log.events
            ).draw()
        }
    }

    private func options(_ rest: String) -> OpenClawOptions {
        var options = OpenClawOptions(stateDirectory: folder.appending(path: "openclaw").path, token: Self.token)
        options.generation = generation
        options.discordAPI = rest
        options.discordToken = LoopbackOptions.defaultToken
        options.discordReadyAfter = Self.readyAfter
        options.downTime = .milliseconds(500)
        options.restartCooldown = .zero
        return options
    }
}

/// The daemon beside the gateway, as a process of its own.
struct DemoClawStage {
    let session = "agent:infra:discord:channel:\(LoopbackOptions.defaultThread)"
    private let folder: URL
    private let port: Int
    private let rest: String
    private let token: String
    private let book = DemoBook()

    init(folder: URL, port: Int, rest: String, token: String) {
        self.folder = folder
        self.port = port
        self.rest = rest
        self.token = token
    }

    /// Plays it and returns what the daemon told, in the order of time.
    func play(_ claw: OpenClawLoopbackServer) async throws -> [DemoStage.Fact] {
        try configure()
        let daemon = try startDaemon()
        defer { if daemon.isRunning { daemon.terminate() } }
        try await book.wait(for: "the gateway's channel") { $0.contains { $0.event == "channelChanged" && $0.reason == "ready" } }
        try await patch()
        try await book.wait(for: "the end of the wake", seconds: 90) { $0.contains { $0.event == "wakeEnded" } }
        // Time for a second ping or turn to show itself, if there were one.
        try await Task.sleep(for: .seconds(2))
        daemon.terminate()
        try await book.waitForEnd(of: daemon)
        return book.facts.sorted { $0.milliseconds < $1.milliseconds }
    }

    private func configure() throws {
        for (name, text) in [("bot.token", LoopbackOptions.defaultToken), ("claw.token", token)] {
            let path = folder.appending(path: name).path
            guard
                FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            else {
                throw Complaint(.cannotCreate, "\(path) can't be written", hint: "Is there room in the temporary folder?")
            }
        }
        let document: JSONValue = [
            "ledger": ["directory": .string(folder.appending(path: "ledger").path)],
            "gateways": [
                "main": [
                    "address": .string("ws://127.0.0.1:\(port)"),
                    "stateDirectory": .string(folder.appending(path: "openclaw").path),
                    "tokenFile": .string(folder.appending(path: "claw.token").path),
                    "discordTokenFile": .string(folder.appending(path: "bot.token").path), "discordApiBase": .string(rest),
                ]
            ],
            "log": ["format": "json"], "control": ["port": 0],
        ]
        try Data(document.bytes).write(to: folder.appending(path: "reveille.json5"))
    }

    private func startDaemon() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["daemon", "--config", folder.appending(path: "reveille.json5").path]
        // The demo's own configuration alone: nothing of the caller's may leak in.
        process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder.path]
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardError = pipe
        pipe.fileHandleForReading.readabilityHandler = { [book] handle in
            let data = handle.availableData
            guard !data.isEmpty else { return handle.readabilityHandler = nil }
            book.take(data, of: process)
        }
        book.expect(process)
        try process.run()
        return process
    }

    /// What an agent does who knows nothing of Reveille: the gateway's own `config.patch`, with its session and a note.
    private func patch() async throws {
        let moments = try SystemMoments(environment: [:])
        let caller = GatewayCaller(.web("ws://127.0.0.1:\(port)"), .token(token), moments: moments, dice: SystemDice())
        do {
            let hash = try await caller.call("config.get", [:])?["hash"] ?? .null
            _ = try await caller.call(
                "config.patch",
                [
                    "raw": "{ gateway: { controlUi: { enabled: false } } }", "baseHash": hash, "sessionKey": .string(session),
                    "note": .string(DemoClaw.note), "restartDelayMs": 1_000,
                ])
        } catch let error as GatewayError { throw Complaint(error) }
    }
}
