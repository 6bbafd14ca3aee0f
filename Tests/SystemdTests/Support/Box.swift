import DiscordLoopback
import Foundation
import Testing
import WakeCore

/// A throw-away host with a real systemd, the installed program and units in it, and a Discord outside that outlives its boots.
struct Box: Sendable {
    /// The box of the suite that runs.
    @TaskLocal static var current: Box?

    static func own() throws -> Box { try #require(current, "the suite has no box") }

    static let channel = LoopbackOptions.defaultChannel
    static let channelCount: UInt64 = 8
    static let session = session(0)

    /// The session that lives in the n-th channel.
    static func session(_ number: UInt64) -> String { "agent:a\(number):discord:channel:\(channel + number)" }

    let name: String
    /// Seen inside as /outside; outlives every boot and power cut.
    let folder: String
    let server: DiscordLoopbackServer
    let port: Int

    var world: LoopbackWorld { server.world }
    var discordLog: String { folder + ".discord.jsonl" }

    // MARK: Its life

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let tool = root.appending(path: "scripts/systemd-box").path
    private static let python = "/usr/bin/python3"

    /// The program that was built beside the tests.
    static let program: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: own).deletingLastPathComponent().appending(path: "reveille").path
    }()

    /// Why no box can be had here; nil if one can. With `CI` set one must be had.
    static let obstacle: String? = {
        if ProcessInfo.processInfo.environment["CI"] != nil { return nil }
        if getuid() != 0 { return "a real systemd in namespaces needs root" }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let flags = ["--mount", "--pid", "--fork", "--net", "--time", "--cgroup"]
        process.arguments = ["unshare"] + flags + ["test", "-x", "/lib/systemd/systemd"]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return "unshare can't be run: \(error)" }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : "there is no systemd, or namespaces can't be made here"
    }()

    /// Runs the body with a box of its own, which is gone afterwards.
    static func play(_ name: String, _ options: [String] = [], _ body: @Sendable (Box) async throws -> Void) async throws {
        let name = "test-\(name)-\(getpid())"
        let folder = FileManager.default.temporaryDirectory.appending(path: "reveille-\(name)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var discord = LoopbackOptions()
        discord.guilds = [.numbered(Int(channelCount))]
        discord.identifyWindow = .milliseconds(1)
        discord.messageLimit = (requests: 1000, seconds: 1)
        discord.globalLimit = 10_000
        discord.log = .file(folder + ".discord.jsonl")
        let server = try DiscordLoopbackServer(options: discord)
        defer {
            try? FileManager.default.removeItem(atPath: folder)
            try? FileManager.default.removeItem(atPath: folder + ".discord.jsonl")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let box = Box(name: name, folder: folder, server: server, port: try await server.address().port)
            let way = try Tool(python, [forwarder, folder + "/discord.sock", "\(box.port)"])
            defer { way.closeInput() }
            // Somebody was here before: in a channel where nothing can be seen, absence can't be proven.
            for number in 0..<channelCount { try server.world.perform(.message(channel: channel + number, content: "hello")) }
            do {
                try await box.begin(options)
                try await body(box)
            } catch {
                _ = try? await box.verb("purge")
                throw error
            }
            try await box.verb("purge")
        }
    }

    private static let forwarder = root.appending(path: "Tests/Support/forward.py").path
    static let checker = root.appending(path: "Tests/Support/history_checker.py").path

    private func begin(_ options: [String]) async throws {
        try await verb(["up", "--owner", "\(getpid())", "--bind", "\(folder):/outside", "--max-seconds", "1200"] + options)
        try await install()
        try await shell(
            """
            mkdir -p /etc/credstore /etc/reveille
            printf %s '\(LoopbackOptions.defaultToken)' >/etc/credstore/reveille-discord
            chmod 600 /etc/credstore/reveille-discord
            cd /etc/systemd/system
            printf '[Socket]\\nListenStream=127.0.0.1:\(port)\\nTriggerLimitIntervalSec=0\\n' >discord.socket
            printf '[Install]\\nWantedBy=sockets.target\\n' >>discord.socket
            printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\n' >discord.service
            printf 'ExecStart=/lib/systemd/systemd-socket-proxyd /outside/discord.sock\\n' >>discord.service
            systemctl daemon-reload
            systemctl --quiet enable --now discord.socket
            """)
        try await configure()
        try await shell("systemctl --quiet enable --now reveille")
        try await verb("flush")
    }

    /// The program and the units, as a package would bring them; again: an upgrade.
    func install() async throws {
        try await verb(["install", "--reveille", Self.program, "--units", Self.root.appending(path: "units").path])
    }

    // MARK: Doing things to it

    @discardableResult
    func verb(_ words: String...) async throws -> Reply { try await verb(words) }

    @discardableResult
    func verb(_ words: [String]) async throws -> Reply {
        let reply = try await Tool.run(Self.tool, ["--name", name] + words)
        guard reply.code == 0 else { throw Missed(description: "systemd-box \(words.joined(separator: " ")): \(reply)") }
        return reply
    }

    /// Runs a command inside, whatever becomes of it.
    func exec(_ words: [String], input: String = "") async throws -> Reply {
        try await Tool.run(Self.tool, ["--name", name, "exec"] + words, input: input)
    }

    func exec(_ words: String...) async throws -> Reply { try await exec(words) }

    /// Runs a script inside, which must succeed.
    @discardableResult
    func shell(_ script: String) async throws -> String {
        let reply = try await exec(["bash", "-eu"], input: script)
        guard reply.code == 0 else { throw Missed(description: "\(script)\n\(reply)") }
        return reply.text
    }

    func python(_ script: String, _ arguments: String...) throws -> Tool {
        try Tool(Self.tool, ["--name", name, "exec", "python3", "-c", script] + arguments)
    }

    /// Writes the configuration; the daemon reads it at its next start.
    func configure(_ lines: String = "") async throws {
        let account = "discord: { accounts: { default: { apiBase: \"http://127.0.0.1:\(port)/api/v10\" } } },"
        try await write("/etc/reveille/reveille.json5", "{ \(account)\n\(lines) }\n")
    }

    func write(_ path: String, _ text: String) async throws {
        let reply = try await exec(["bash", "-ec", "mkdir -p \"${1%/*}\"; cat >\"$1\"", "_", path], input: text)
        guard reply.code == 0 else { throw Missed(description: "\(path): \(reply)") }
    }

    /// Writes a unit and has the manager read it.
    func unit(_ name: String, _ text: String) async throws {
        try await write("/etc/systemd/system/\(name)", text)
        try await shell("systemctl daemon-reload")
    }

    /// Our program, as the daemon's own user.
    func reveille(_ arguments: [String]) async throws -> Reply { try await reveilleUser(["reveille"] + arguments) }

    /// Any program, as the daemon's own user.
    func reveilleUser(_ words: [String]) async throws -> Reply {
        try await exec(["setpriv", "--reuid", "reveille", "--regid", "reveille", "--init-groups"] + words)
    }

    /// Has a request acknowledged; what comes back is its sentinel.
    @discardableResult
    func ask(_ arguments: String..., note: String, session: String = Box.session) async throws -> String {
        let reply = try await reveille(arguments + ["--session", session, "--note", note, "--json"])
        guard reply.code == 0, let sentinel = reply.json?["sentinel"]?.string else { throw Missed(description: "\(reply)") }
        return sentinel
    }

    // MARK: Looking at it

    func property(_ property: String, of unit: String = "reveille.service") async throws -> String {
        try await exec("systemctl", "show", "--value", "-p", property, unit).text
    }

    /// Looks until the unit's property is as wanted.
    @discardableResult
    func sees(
        _ property: String, of unit: String = "reveille.service", _ isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await eventually("\(property) of \(unit)", { try await self.property(property, of: unit) }, isWanted)
    }

    /// Looks until what is seen is as wanted; each look starts a program, which is pause enough.
    @discardableResult
    func eventually(
        _ what: String, _ look: @escaping @Sendable () async throws -> String, _ isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await within(what, { (try? await look()) ?? "" }) {
            while !Task.isCancelled {
                let seen = try await look()
                if isWanted(seen) { return seen }
            }
            return nil
        }
    }

    /// Where the journal stands. (No cursor: with matches, journalctl passes over the first line after one.)
    func journalMark() -> String { String(format: "@%.6f", Date().timeIntervalSince1970) }

    /// Waits for a journal line of this boot, after the mark, whose fields match as journalctl takes them, and which as JSON passes
    /// an extended regular expression.
    @discardableResult
    func journal(_ matches: String..., after mark: String? = nil, words: String = ".") async throws -> JSONValue {
        let since = mark.map { ["--since=\($0)"] } ?? []
        let line = ["journalctl", "-b", "-f", "--no-tail", "-q", "-o", "json"] + since + matches
        // Who follows the journal would never end by itself.
        let script = """
            limit=$1; words=$2; shift 2
            exec 3< <(exec "$@" 2>/dev/null)
            timeout $limit grep -m1 -E -e "$words" <&3; code=$?
            kill $!; exit $code
            """
        let reply = try await exec(["bash", "-c", script, "_", "60", words] + line)
        guard reply.code == 0, let json = reply.json else {
            let seen = try await exec("journalctl", "-b", "-n", "60", "-q")
            throw Missed(description: "waited in vain for the line \(matches) /\(words)/ (\(reply)); seen:\n\(seen.out)")
        }
        return json
    }

    /// All lines of this boot, as text.
    func journalText(_ arguments: String...) async throws -> String {
        try await exec(["journalctl", "-b", "-q", "--no-pager"] + arguments).out
    }

    // MARK: Discord

    /// Where Discord's log stands now.
    var mark: UInt64 { world.log.events.last?.number ?? 0 }

    @discardableResult
    func discord(
        _ event: String, after number: UInt64 = 0, where passes: @escaping @Sendable (LoopbackEvent) -> Bool = { _ in true }
    ) async throws -> LoopbackEvent {
        let log = world.log
        return try await within("Discord's '\(event)'", { await self.state() }) {
            await log.first(event, after: number, where: passes)
        }
    }

    private func state() async -> String {
        let events = world.log.events.suffix(15).map(\.line).joined(separator: "\n")
        let journal = try? await exec("journalctl", "-b", "-n", "40", "-q").out
        return events + "\n" + (journal ?? "")
    }

    /// Waits for a message of ours that holds the text.
    @discardableResult
    func message(_ text: String) async throws -> LoopbackEvent {
        try await discord("message_created") { $0["bot"] == "true" && $0["content"]?.contains(text) == true }
    }

    /// How often the text is visible.
    func count(_ text: String) -> Int {
        let bot = world.botID(token: LoopbackOptions.defaultToken)
        return (0..<Self.channelCount).flatMap { world.messages(in: Self.channel + $0) }.count {
            $0.author == bot && $0.content.contains(text)
        }
    }

    /// Waits until nothing is owed any more.
    func quiet() async throws {
        try await eventually("the end of all wakes", { try await exec("reveille", "status", "--json").text }) { text in
            guard let status = try? JSONValue.parse(Array(text.utf8)) else { return false }
            return status["daemon"]?["running"]?.bool == true && status["wakesOpen"]?.integer == 0
                && status["inboxRows"]?.integer == 0
        }
    }

    /// The note is there, and when all is quiet it is there once.
    func isDeliveredOnce(_ note: String) async throws {
        try await message(note)
        try await quiet()
        #expect(count(note) == 1, "\(note)")
    }
}

/// Gives a suite a box, reused by its tests.
struct BoxTrait: SuiteTrait, TestScoping {
    let name: String
    let options: [String]

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        try await Box.play(name, options) { box in try await Box.$current.withValue(box) { try await body() } }
        print("SystemdTests: \(name) took \(ContinuousClock.now - start)")
    }
}

extension Trait where Self == BoxTrait {
    static func box(_ name: String, _ options: String...) -> Self { BoxTrait(name: name, options: options) }
}

/// All that needs a real systemd, one after the other: boxes would fight for the processors.
@Suite(
    "A real systemd", .serialized, .timeLimit(.minutes(30)),
    .enabled(if: Box.obstacle == nil, "\(Box.obstacle ?? "")"))
enum RealSystemd {}
