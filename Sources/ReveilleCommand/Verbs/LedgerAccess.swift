import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// How the verbs reach the ledger.
enum LedgerAccess {
    /// Opens an existing ledger.
    static func open(_ options: ConfigurationOptions) throws -> LedgerClient {
        try LedgerClient(at: try options.load().ledger.directory)
    }

    /// A request that still waits in the inbox.
    static func pendingRequest(_ id: String, _ client: LedgerClient) throws -> SentinelID? {
        for row in try client.reader.inbox() {
            if case .request(let request) = row.item, request.id.description.hasPrefix(id) { return request.id }
        }
        return nil
    }

    static func command(_ command: OperatorCommand, _ client: LedgerClient, _ words: String) throws {
        _ = try client.append(.command(command))
        let isUp = try client.daemon() != nil
        Printing.line(words + (isUp ? "" : ": recorded, and done when the daemon starts"))
    }

    static func commandWake(
        _ id: String, _ options: ConfigurationOptions, _ make: (WakeID) -> OperatorCommand, _ words: String
    ) throws {
        let client = try open(options)
        defer { client.close() }
        let wake = try client.reader.wake(id).wake.id
        try command(make(wake), client, "wake \(wake) \(words)")
    }

    /// What the daemon last said of channels and routes; nothing if none runs.
    static func gates(_ client: LedgerClient) throws -> Gates {
        let turns = try client.reader.turns(running: true)
        guard try client.daemon() != nil else { return Gates(isDaemonUp: false, channels: [:], routes: [:], turns: turns) }
        return Gates(
            isDaemonUp: true,
            channels: Dictionary(try client.reader.channels().map { ($0.channel, $0.state) }, uniquingKeysWith: { $1 }),
            routes: Dictionary(try client.reader.routes().map { ($0.route, $0.state) }, uniquingKeysWith: { $1 }), turns: turns)
    }
}

/// Channel and route states as the daemon last stored them.
struct Gates {
    let isDaemonUp: Bool
    let channels: [ChannelName: ChannelState]
    let routes: [Route: RouteState]
    var turns: [Turn] = []

    /// What a delivery waits for; nil where it waits for nothing that is known.
    func shut(_ delivery: Delivery) -> String? {
        if let gate = shut(delivery.route) { return gate }
        guard delivery.id.kind == .turn, let turn = turns.first(where: { $0.session == delivery.session }) else { return nil }
        return "turn \(turn.id) of the session, which still runs"
    }

    /// What a delivery over the route waits for; nil where its gate is open.
    func shut(_ route: Route) -> String? {
        guard isDaemonUp else { return "the daemon, which is down" }
        let channel = channels[route.channel] ?? .unknown
        guard channel.isReady else { return "\(route.channel): \(channel.words)" }
        guard let state = routes[route], !state.isReady else { return nil }
        return "\(route): \(state.words)"
    }
}

extension WakeRecord {
    func json(_ gates: Gates) -> JSONObject {
        var object = wake.json
        object["deliveries"] = .array(
            deliveries.map { delivery in
                var part = delivery.json(waitsFor: gates.shut(delivery))
                part["attemptResults"] = .array(
                    attempts.filter { $0.delivery == delivery.id }.map {
                        ["number": .integer(Int64($0.number)), "at": .string(WallTime.text($0.at)), "result": .string($0.result)]
                    })
                return .object(part)
            })
        return object
    }
}
