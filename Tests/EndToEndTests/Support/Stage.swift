import DiscordLoopback
import Foundation
import Testing
import WakeCore

/// A place of its own for one test: a folder with a configuration, a local Discord, and the real program.
struct Stage: Sendable {
    static let channel = LoopbackOptions.defaultChannel
    static let thread = LoopbackOptions.defaultThread
    /// The session that lives in the default thread.
    static let session = "agent:infra:discord:channel:\(thread)"

    let folder: String
    let server: DiscordLoopbackServer
    let address: DiscordLoopbackServer.Address

    var world: LoopbackWorld { server.world }
    var ledger: String { folder + "/state/ledger" }
    var configuration: String { folder + "/reveille.json5" }
    var tokenFile: String { folder + "/token" }

    /// A Discord that does not make tests wait: identifies and messages are not slowed down.
    static var swift: LoopbackOptions {
        var options = LoopbackOptions()
        options.identifyWindow = .milliseconds(1)
        options.messageLimit = (requests: 1000, seconds: 1)
        options.globalLimit = 10_000
        return options
    }

    /// Runs a test in a place of its own; whatever the test started is ended by the test or by its parent's end.
    static func play(
        _ options: LoopbackOptions = Stage.swift, _ body: @Sendable (Stage) async throws -> Void
    ) async throws {
        let name = "reveille-end-to-end-\(UInt64.random(in: .min ... .max))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name).path
        try FileManager.default.createDirectory(
            atPath: folder + "/state", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try DiscordLoopbackServer(options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let stage = Stage(folder: folder, server: server, address: try await server.address())
            try stage.writeConfiguration()
            try await body(stage)
        }
    }

    /// The usual configuration; a test that wants a bad one overwrites it.
    func writeConfiguration() throws {
        let document: JSONValue = [
            "ledger": ["directory": .string(ledger)],
            "discord": ["accounts": ["default": ["tokenFile": .string(tokenFile), "apiBase": .string(address.rest)]]],
            "log": ["format": "json"],
            // Many tests run at once; those that need a socket name one of their own.
            "control": ["port": 0],
        ]
        try write(document.text, to: configuration)
        try write(LoopbackOptions.defaultToken, to: tokenFile)
    }

    func write(_ text: String, to path: String, mode: Int = 0o600) throws { try write(Array(text.utf8), to: path, mode: mode) }

    func write(_ bytes: [UInt8], to path: String, mode: Int = 0o600) throws {
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: [.posixPermissions: mode]) else {
            throw Missed(description: "\(path) can't be written")
        }
    }

    // MARK: The program

    /// What a command line printed and how it ended.
    struct Reply: Sendable {
        let end: Program.End
        let out: String
        let errors: String

        var code: Int32 { end.bySignal ? -end.code : end.code }
        var json: JSONValue? { try? JSONValue.parse(Array(out.utf8)) }
        subscript(key: String) -> JSONValue? { json?[key] }
    }

    func start(
        _ arguments: [String], environment: [String: String] = [:], wrapper: [String] = []
    ) throws -> Program {
        let all = environment.merging(["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder]) { mine, _ in mine }
        let line =
            wrapper + [Program.path] + arguments
            + (arguments.contains("--config") || arguments.first == "call" ? [] : ["--config", configuration])
        return try Program(line[0], Array(line.dropFirst()), environment: all, directory: folder)
    }

    /// Runs a command line to its end.
    func run(
        _ arguments: String..., input: [UInt8] = [], environment: [String: String] = [:], wrapper: [String] = []
    ) async throws -> Reply {
        try await run(arguments, input: input, environment: environment, wrapper: wrapper)
    }

    func run(
        _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], wrapper: [String] = []
    ) async throws -> Reply {
        // What follows -- belongs to somebody else's command.
        var arguments = arguments
        if let cut = arguments.firstIndex(of: "--"), !arguments.contains("--config") {
            arguments.insert(contentsOf: ["--config", configuration], at: cut)
        }
        let program = try start(arguments, environment: environment, wrapper: wrapper)
        program.feed(input)
        let end = try await program.ended()
        return Reply(end: end, out: await program.out.text(), errors: await program.errors.text())
    }

    /// Starts the daemon and waits until it is ready to serve (its channels need not be).
    func startDaemon(_ settings: String...) async throws -> Program {
        let daemon = try start(["daemon"] + settings.flatMap { ["--set", $0] })
        daemon.feed()
        try await daemon.saw("ready")
        return daemon
    }

    /// Stops a daemon as its supervisor would.
    func stop(_ daemon: Program) async throws {
        daemon.signal(SIGTERM)
        #expect(try await daemon.ended() == .clean)
    }

    /// Asks for a restart of the daemon itself, at once.
    func askForRestart(_ note: String, session: String = Stage.session) async throws -> String {
        let reply = try await run("restart", "--session", session, "--note", note, "--delay", "0s", "--json")
        try #require(reply.code == 0, "\(reply.errors)")
        return try #require(reply["sentinel"]?.string)
    }

    /// Records a restart that somebody else performs.
    func writeSentinel(_ note: String, session: String = Stage.session) async throws -> String {
        let reply = try await run("sentinel", "write", "--session", session, "--note", note, "--json")
        try #require(reply.code == 0, "\(reply.errors)")
        return try #require(reply["sentinel"]?.string)
    }

    func wake(_ id: String) async throws -> JSONValue {
        let reply = try await run("wake", "show", id, "--json")
        return try #require(reply.json, "\(reply.errors)")
    }

    /// The notice of a wake, as `wake show` tells it.
    func notice(of wake: String) async throws -> JSONValue { try #require(try await self.wake(wake)["deliveries"]?.array?.first) }

    func sentinel(_ id: String) async throws -> JSONValue {
        let reply = try await run("sentinel", "show", id, "--json")
        return try #require(reply.json, "\(reply.errors)")
    }

    // MARK: Discord

    /// Waits for an event of the local Discord.
    @discardableResult
    func discord(
        _ event: String, after number: UInt64 = 0, where passes: @escaping @Sendable (LoopbackEvent) -> Bool = { _ in true }
    ) async throws -> LoopbackEvent {
        let log = world.log
        return try await within("Discord's '\(event)'", { log.events.suffix(20).map(\.line).joined(separator: "\n") }) {
            await log.first(event, after: number, where: passes)
        }
    }

    /// Where Discord's log stands now.
    var mark: UInt64 { world.log.events.last?.number ?? 0 }

    func count(_ event: String) -> Int { world.log.events.count { $0.name == event } }

    /// The bot's own messages in a place.
    func messages(in channel: UInt64 = Stage.thread) -> [LoopbackWorld.StoredMessage] {
        let bot = world.botID(token: LoopbackOptions.defaultToken)
        return world.messages(in: channel).filter { $0.author == bot }
    }
}
