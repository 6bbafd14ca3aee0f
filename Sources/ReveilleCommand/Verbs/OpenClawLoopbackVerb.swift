import ArgumentParser
import Foundation
import Logging
import OpenClawLoopback
import ServiceLifecycle
import UnixSignals

/// `reveille openclaw-loopback`: a stand-in for an OpenClaw gateway.
struct OpenClawLoopbackVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openclaw-loopback",
        abstract: "Run a stand-in for an OpenClaw gateway: its protocol, its restarts, and its faults on demand.",
        discussion: """
            For tests and demos. Prints one JSON line for every event; the first has the
            port. What is there after a crash (sessions, transcripts, what is owed) lies in
            --state-dir: the same command there goes on.

              reveille openclaw-loopback --generation march2026 --state-dir ./claw \\
                  --token-file token --discord-api http://127.0.0.1:4711/api/v10 \\
                  --discord-token-file bot-token --discord-ready-after 3s

            From outside, on the same port, all with POST:

              /loopback/restart           {"reason":"…"}  restart in order
              /loopback/kill-connections  end the life with no close frame
              /loopback/begin-run         {"session":"…","message":"…"}  a turn that only a
                                          restart ends
              /loopback/discord-ready     the Discord account is connected from now on
              /loopback/fault             {"fault":"…"}  one of --fault
            """,
        shouldDisplay: false)

    @Option(name: .long, help: "Which OpenClaw: march2026 (2026.3.2) or newest (2026.9.1).") var generation = "newest"
    @Option(name: .long, help: "The port on 127.0.0.1; 0 picks a free one.") var port = 0
    @Option(name: .long, help: "The gateway's state directory; made if it is not there.") var stateDir: String
    @Option(name: .long, help: "A file with the gateway's token.") var tokenFile: String
    @Option(name: .long, help: "The base of a local Discord's REST.") var discordApi: String?
    @Option(name: .long, help: "A file with the bot's token.") var discordTokenFile: String?
    @Option(name: .long, help: "Discord is connected this long after each start; 'never' waits for /loopback/discord-ready.")
    var discordReadyAfter = "0s"
    @Option(name: .long, help: "How long nobody listens between two lives.") var downTime = "0s"
    @Option(name: .long, help: "How long after its port is open the gateway is still starting.") var startingFor = "0s"
    @Option(name: .long, help: "How long an agent's turn takes.") var runLength = "100ms"
    @Option(name: .long, help: "The least time between two restarts that are asked for.") var restartCooldown = "30s"
    @Option(name: .long, help: "The Discord account's id.") var account = "default"
    @Option(name: .long, help: "Something that goes wrong once; may be repeated. A wrong one lists those known.")
    var fault: [String] = []

    func run() async throws {
        do {
            let server = try OpenClawLoopbackServer(options: try options())
            let group = ServiceGroup(
                services: [OpenClawLoopbackService(server: server)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "openclaw-loopback"))
            try await group.run()
        } catch let error as OpenClawLoopbackError {
            throw Complaint(
                .usage, error.message + (error.cause.map { ": \($0)" } ?? ""), hint: error.hint)
        }
    }

    private func options() throws -> OpenClawOptions {
        guard let generation = OpenClawOptions.Generation(rawValue: generation) else {
            throw Complaint(.usage, "--generation: '\(generation)' is unknown", hint: "Give march2026 or newest.")
        }
        var options = OpenClawOptions(stateDirectory: stateDir, token: try Self.secret(tokenFile, flag: "--token-file"))
        options.generation = generation
        options.port = port
        options.discordAPI = discordApi
        if let discordTokenFile { options.discordToken = try Self.secret(discordTokenFile, flag: "--discord-token-file") }
        options.discordReadyAfter =
            discordReadyAfter == "never" ? nil : try DurationArgument.parse(discordReadyAfter, flag: "--discord-ready-after")
        options.downTime = try DurationArgument.parse(downTime, flag: "--down-time")
        options.startingFor = try DurationArgument.parse(startingFor, flag: "--starting-for")
        options.runLength = try DurationArgument.parse(runLength, flag: "--run-length")
        options.restartCooldown = try DurationArgument.parse(restartCooldown, flag: "--restart-cooldown")
        options.account = account
        options.faults = try fault.map(Self.fault)
        options.writesEvents = true
        return options
    }

    private static func secret(_ path: String, flag: String) throws -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let text, !text.isEmpty else {
            throw Complaint(
                .noInput, "\(flag): \(path) can't be read, or is empty", hint: "Name a file with one line, the token.")
        }
        return text
    }

    private static func fault(_ name: String) throws -> OpenClawFault {
        guard let fault = OpenClawFault(rawValue: name) else {
            let known = OpenClawFault.allCases.map(\.rawValue).joined(separator: ", ")
            throw Complaint(.usage, "--fault: '\(name)' is unknown", hint: "Give one of \(known).")
        }
        return fault
    }
}

/// The stand-in as a service: ends when its group does.
private struct OpenClawLoopbackService: Service {
    let server: OpenClawLoopbackServer

    func run() async throws { try await cancelWhenGracefulShutdown { try await server.run() } }
}
