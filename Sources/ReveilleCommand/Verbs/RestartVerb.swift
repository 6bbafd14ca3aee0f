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
            Names a unit to restart through its service manager; without one, the
            daemon itself restarts: it stops cleanly and its supervisor starts it again.
            With a command after -- the daemon runs that once the sentinel is durable.
            Where the restart fails, the session is told so.

              reveille restart nginx.service --session agent:infra:discord:channel:1234 --note "check the site"
              reveille restart --session agent:infra:discord:channel:1234 --note "config is in; go on with step 3" --delay 2s
              reveille restart --session agent:infra:discord:channel:1234 --note "check the site" -- systemctl restart nginx

            Returns as soon as the sentinel is on disk. Works while the daemon is down: its
            next start then counts as the restart, and a command runs when it starts.
            """)

    @Argument(help: "The unit to restart, e.g. nginx.service; from a user's service, system/NAME is one of the system's.")
    var unit: String?
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
        let moments = try SystemMoments(environment: ProcessInfo.processInfo.environment)
        guard unit == nil || command.isEmpty else {
            throw Complaint(
                .usage, "a unit and a command are given", hint: "Name the unit, or write the command after --; not both.")
        }
        let named = try await unit.asyncMap { try await TargetArgument.unit($0, moments.now().boot) }
        let wish = try request.request(
            target: named?.0 ?? (command.isEmpty ? .daemon : .exec),
            command: command.isEmpty
                ? nil : RestartRequest.Command(arguments: command, directory: FileManager.default.currentDirectoryPath),
            epoch: named?.1, delay: wait, performedByUs: true, configuration: loaded, moments: moments)
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
            case (true, .unit, false), (true, .host, false):
                "no daemon runs: \(request.target.words) restarts when it starts, unless that is too late (restart.maxLate)"
            case (_, _, false): "no daemon runs: its next start counts as the restart"
            case (false, _, true): "the next restart of \(request.target.words) counts, whoever performs it"
            }
        return "\(deed); then \(request.session) is woken over \(place)"
    }
}

extension Optional {
    /// As `map`, for what has to be waited for.
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
