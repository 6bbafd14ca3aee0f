import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// A request as a command line asks for it: what `reveille sentinel write` and `reveille restart` do, whoever read the line.
struct RequestOrder: Hashable {
    /// Whose restart it is.
    enum Deed: Hashable {
        /// Somebody else restarts something.
        case observed
        /// Somebody else restarts that target, which was seen in that epoch.
        case awaited(RestartTarget, Epoch?)
        /// Nothing restarts: the session is woken as such.
        case wake(delay: String?)
        /// The daemon has that target restarted, which was seen in that epoch.
        case restart(RestartTarget, Epoch?, delay: String?)
        /// The daemon restarts itself, or runs the command where there is one.
        case ours(delay: String?, command: [String])
    }

    var deed: Deed
    var wish: RequestWish
    var json = false
    var sources = ConfigurationSources()

    /// Makes the request durable and says so. Nothing here waits for a thread or starts one.
    func run(in surroundings: Surroundings = .ofThisProcess()) throws {
        let configuration = try sources.load(in: surroundings)
        try write(try request(configuration, surroundings), configuration)
    }

    /// Makes the request durable, and says nothing.
    func record(in surroundings: Surroundings = .ofThisProcess()) throws -> SentinelID {
        let configuration = try sources.load(in: surroundings)
        let request = try request(configuration, surroundings)
        let client = try LedgerClient(at: configuration.ledger.directory, createIfMissing: true)
        defer { client.close() }
        _ = try client.append(.request(request))
        return request.id
    }

    private func request(_ configuration: Configuration, _ surroundings: Surroundings) throws -> RestartRequest {
        let moments = try SystemMoments(environment: surroundings.variables)
        switch deed {
        case .observed:
            return try wish.request(
                target: .daemon, delay: .zero, performedByUs: false, configuration: configuration, moments: moments)
        case .awaited(let target, let epoch):
            return try wish.request(
                target: target, epoch: epoch, delay: .zero, performedByUs: false, configuration: configuration, moments: moments)
        case .wake(let delay):
            return try wish.request(
                target: .nothing, delay: try delay.map { try DurationArgument.parse($0, flag: "--delay") } ?? .zero,
                performedByUs: false, configuration: configuration, moments: moments)
        case .restart(let target, let epoch, let delay):
            return try wish.request(
                target: target, epoch: epoch, delay: try wait(delay, configuration), performedByUs: true,
                configuration: configuration, moments: moments)
        case .ours(let delay, let command):
            let wait = try wait(delay, configuration)
            return try wish.request(
                target: command.isEmpty ? .daemon : .exec,
                command: command.isEmpty
                    ? nil : RestartRequest.Command(arguments: command, directory: surroundings.workingDirectory),
                delay: wait, performedByUs: true, configuration: configuration, moments: moments)
        }
    }

    private func wait(_ delay: String?, _ configuration: Configuration) throws -> Duration {
        try delay.map { try DurationArgument.parse($0, flag: "--delay") } ?? configuration.restarts.defaultDelay
    }

    private func write(_ request: RestartRequest, _ configuration: Configuration) throws {
        let client = try LedgerClient(at: configuration.ledger.directory, createIfMissing: true)
        defer { client.close() }
        // The process ends next, and taking the connection's objects apart takes longer than opening it did.
        _ = Unmanaged.passRetained(client)
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
            case (_, .nothing, true): "nothing restarts; the wake is due in \(DurationText.format(request.delay))"
            case (_, .nothing, false): "nothing restarts, and no daemon runs: the wake waits for it, at most a day"
            case (true, .exec, true): "the command runs in \(DurationText.format(request.delay))"
            case (true, _, true): "\(request.target.words) restarts in \(DurationText.format(request.delay))"
            case (true, .exec, false):
                "no daemon runs: the command runs when it starts, unless that is too late (restart.maxLate)"
            case (true, .unit, false), (true, .host, false):
                "no daemon runs: \(request.target.words) restarts when it starts, unless that is too late (restart.maxLate)"
            case (false, .unit, false), (false, .host, false):
                "no daemon runs: whether \(request.target.words) has restarted is seen when it starts"
            case (_, _, false): "no daemon runs: its next start counts as the restart"
            case (false, _, true): "the next restart of \(request.target.words) counts, whoever performs it"
            }
        return "\(deed); then \(request.session) is woken over \(place)"
    }
}
