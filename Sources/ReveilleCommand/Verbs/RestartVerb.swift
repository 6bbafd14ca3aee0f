import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille restart`: the sentinel first, then the restart.
struct RestartVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Write a sentinel, restart after a delay, and wake the session when its channel can hear it.",
        discussion: """
            Without a command the daemon itself restarts: it stops cleanly and its
            supervisor starts it again. With a command after -- the daemon runs that
            once the sentinel is durable; if it fails, the session is told so.

              reveille restart --session agent:infra:discord:channel:1234 --note "config is in; go on with step 3" --delay 2s
              reveille restart --session agent:infra:discord:channel:1234 --note "check the site" -- systemctl restart nginx

            Returns as soon as the sentinel is on disk. Works while the daemon is down: its
            next start then counts as the restart, and a command runs when it starts.
            """)

    @OptionGroup var request: RequestOptions
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "How long to wait before the restart, 0s to 10min; default is restart.defaultDelay, 2s.", valueName: "duration"))
    var delay: String?
    @Argument(parsing: .postTerminator, help: "After --: the command that restarts something, and its arguments.")
    var command: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let loaded = try configuration.load()
        let wait = try delay.map { try DurationArgument.parse($0, flag: "--delay") } ?? loaded.restarts.defaultDelay
        let wish = try request.request(
            target: command.isEmpty ? .daemon : .exec,
            command: command.isEmpty
                ? nil : RestartRequest.Command(arguments: command, directory: FileManager.default.currentDirectoryPath),
            delay: wait, performedByUs: true, configuration: loaded,
            moments: try SystemMoments(environment: ProcessInfo.processInfo.environment))
        try await SentinelWriting.write(wish, loaded, json: output.json)
    }
}

/// Makes a request durable and says so.
enum SentinelWriting {
    static func write(_ request: RestartRequest, _ configuration: Configuration, json: Bool) async throws {
        let client = try LedgerClient(at: configuration.ledger.directory, createIfMissing: true)
        defer { client.close() }
        _ = try client.append(.request(request))
        let daemon = try client.daemon()
        if json {
            var reply: JSONObject = [
                "sentinel": .string(request.id.description), "durable": true, "target": .string(request.target.description),
                "delayMilliseconds": .integer(request.delay.wholeMilliseconds),
            ]
            reply["route"] = (request.route ?? request.session.route).map { .string($0.description) }
            reply["daemonPid"] = daemon.map { .integer(Int64($0.pid)) }
            return Printing.json(.object(reply))
        }
        Printing.line("sentinel \(request.id) is durable")
        Printing.line(Self.outlook(request, isDaemonUp: daemon != nil))
    }

    private static func outlook(_ request: RestartRequest, isDaemonUp: Bool) -> String {
        let place = (request.route ?? request.session.route)?.description ?? "-"
        let deed: String =
            switch (request.performedByUs, request.target, isDaemonUp) {
            case (true, .exec, true): "the command runs in \(DurationText.format(request.delay))"
            case (true, _, true): "\(request.target.words) restarts in \(DurationText.format(request.delay))"
            case (true, .exec, false):
                "no daemon runs: the command runs when it starts, unless that is too late (restart.maxLate)"
            case (_, _, false): "no daemon runs: its next start counts as the restart"
            case (false, _, true): "the next restart of \(request.target.words) counts, whoever performs it"
            }
        return "\(deed); then \(request.session) is woken over \(place)"
    }
}
