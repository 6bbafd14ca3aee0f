import ArgumentParser
import DiscordLoopback
import Foundation
import Logging
import ReveilleConfiguration
import ServiceLifecycle
import UnixSignals

/// `reveille discord-loopback`: a local Discord.
struct DiscordLoopbackVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discord-loopback",
        abstract: "Run a local Discord: gateway and REST with Discord's limits and codes, and faults on demand.",
        discussion: """
            For tests of bots, yours included. Prints one JSON line for every event.
            Faults may also be given at run time: POST /_loopback/faults, GET
            /_loopback/state, GET /_loopback/log; docs/TESTING.md lists them.

              reveille discord-loopback --port 4711 --ready-after 4s --fault "rate-limit scope=shared retry_after=3"
            """)

    @Option(name: .long, help: "The port on 127.0.0.1; 0 picks a free one.") var port = 0
    @Option(name: .long, help: "A second port for /_loopback alone, which outages don't touch.") var adminPort: Int?
    @Option(name: .long, help: "A bot token to accept; may be repeated. Default is a made-up one.") var token: [String] = []
    @Option(name: .long, help: "How many text channels there are, beside a thread.") var channels: Int?
    @Option(name: .long, help: "READY and RESUMED come no earlier than this after the connection.") var readyAfter: String?
    @Option(name: .long, help: "How long nonces are remembered; default 180s.") var nonceWindow: String?
    @Option(name: .long, help: "How long a lost session can be resumed; default 180s.") var sessionTtl: String?
    @Option(name: .long, help: "The heartbeat interval; default 41.25s.") var heartbeat: String?
    @Option(name: .long, help: "Identifies left until the limit resets.") var identifiesLeft: Int?
    @Option(name: .long, help: "Identifies allowed at once per --identify-window.") var maxConcurrency = 1
    @Option(name: .long, help: "The time in which those are counted; default 5s. Tests that identify often shorten it.")
    var identifyWindow: String?
    @Option(name: .long, help: "A fault, in words: KIND [field=value …]; may be repeated. A wrong one lists those known.")
    var fault: [String] = []
    @Option(name: .long, help: "A script of faults and timed actions, as JSON.") var script: String?
    @Option(name: .long, help: "Where the events go; default standard output.") var log: String?

    func run() async throws {
        do {
            let server = try DiscordLoopbackServer(options: try options())
            let group = ServiceGroup(
                services: [LoopbackService(server: server)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "loopback"))
            async let address = server.address()
            async let running: Void = group.run()
            if let address = try? await address {
                let text = "listening: REST \(address.rest), gateway \(address.gateway)\n"
                _ = StandardStream.write(text, to: STDERR_FILENO)
            }
            try await running
        } catch let error as LoopbackError {
            throw Complaint(.usage, error.message, hint: error.hint)
        }
    }

    private func options() throws -> LoopbackOptions {
        var options = LoopbackOptions()
        options.port = port
        options.adminPort = adminPort
        if !token.isEmpty { options.tokens = token }
        if let channels { options.guilds = [.numbered(channels)] }
        if let readyAfter { options.readyAfter = try DurationArgument.parse(readyAfter, flag: "--ready-after") }
        if let nonceWindow { options.nonceWindow = try DurationArgument.parse(nonceWindow, flag: "--nonce-window") }
        if let sessionTtl { options.sessionTTL = try DurationArgument.parse(sessionTtl, flag: "--session-ttl") }
        if let heartbeat { options.heartbeatInterval = try DurationArgument.parse(heartbeat, flag: "--heartbeat") }
        options.sessionStartRemaining = identifiesLeft
        options.maxConcurrency = maxConcurrency
        if let identifyWindow { options.identifyWindow = try DurationArgument.parse(identifyWindow, flag: "--identify-window") }
        options.faults = try fault.map { try LoopbackFault($0) }
        options.scriptPath = script
        options.log = log.map { .file($0) } ?? .standardOutput
        return options
    }
}

/// The loopback as a service: ends when its group does.
struct LoopbackService: Service {
    let server: DiscordLoopbackServer

    func run() async throws { try await cancelWhenGracefulShutdown { try await server.run() } }
}
