import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// A message to a session, as a command line sends it: durable when ``run(in:)`` returns, sent once for its key.
struct MessageOrder {
    var wish: RequestWish
    /// Whether people see it in the channel too.
    var hasNotice = false
    /// What makes two calls one; nil makes each call a message of its own.
    var key: String?
    /// How long to follow it to its receipt; nil: not at all.
    var follow: Duration?
    var json = false
    var sources = ConfigurationSources()

    /// What is known of a message with the same key.
    private enum Earlier {
        case none
        /// It is in the inbox, or was taken out of it; with its text.
        case sent(text: String, state: String)
    }

    /// Makes the message durable, says so, and follows it where that is asked for.
    func run(in surroundings: Surroundings = .ofThisProcess()) async throws {
        let configuration = try sources.load(in: surroundings)
        let request = try request(configuration, try SystemMoments(environment: surroundings.variables))
        let client = try LedgerClient(at: configuration.ledger.directory, createIfMissing: true)
        defer { client.close() }
        switch try earlier(request, client) {
        case .none:
            _ = try client.append(.request(request))
            try tell(request, state: nil, client)
        case .sent(let text, let state):
            guard text == request.note else { throw Self.mismatch(key ?? "", request) }
            try tell(request, state: state, client)
        }
        guard let follow, let route = request.route ?? request.session.route else { return }
        try await WakeFollower(client: client, request: request, route: route, limit: follow, json: json).run()
    }

    private func request(_ configuration: Configuration, _ moments: any MomentSource) throws -> RestartRequest {
        if let key, !(1...256).contains(key.utf8.count) {
            throw Complaint(.usage, "the key is \(key.utf8.count) bytes long", hint: "Give one of 1 to 256 bytes.")
        }
        guard wish.note == "-" || wish.note.utf8.count <= Limits.noteBytes else {
            throw Complaint(
                .usage,
                "the message is \(wish.note.utf8.count) bytes long, at most \(Limits.noteBytes) are allowed; nothing was sent",
                hint: "Put it into a file that the agent can read, and send its path.")
        }
        var request = try wish.request(
            target: .nothing, delay: .zero, performedByUs: false, configuration: configuration, moments: moments)
        request.origin = .sent
        if let key { request.id = Self.identifier(of: key, for: request.session) }
        request.owes = Self.owed(request, hasNotice: hasNotice, configuration)
        return request
    }

    /// The message's name, which follows from key and session.
    static func identifier(of key: String, for session: SessionKey) -> SentinelID {
        Identifier(digestOf: "send", session.description, key)
    }

    /// A turn where the agent can take one; a notice where it can't, or is asked for.
    static func owed(_ request: RestartRequest, hasNotice: Bool, _ configuration: Configuration) -> Set<DeliveryKind> {
        guard let route = request.route ?? request.session.route, configuration.takesTurns(request.session, over: route) else {
            return [.notice]
        }
        return hasNotice ? [.notice, .turn] : [.turn]
    }

    /// The inbox first: what leaves it meanwhile is a sentinel by then.
    private func earlier(_ request: RestartRequest, _ client: LedgerClient) throws -> Earlier {
        guard key != nil else { return .none }
        if let pending = try client.reader.pendingRequest(request.id) {
            return .sent(text: pending.note, state: "durable, waits for the daemon")
        }
        do throws(WakeError) {
            let sentinel = try client.reader.sentinel(request.id.description)
            return .sent(text: sentinel.note, state: try Self.state(of: sentinel, client))
        } catch {
            guard error.code == .notFound else { throw error }
            return .none
        }
    }

    private static func state(of sentinel: Sentinel, _ client: LedgerClient) throws(WakeError) -> String {
        guard let id = sentinel.wake else { return sentinel.stateName }
        let deliveries = try client.reader.wake(id.description).deliveries
        return deliveries.map { "\($0.id.kind.rawValue) \($0.words(waitsFor: nil))" }.joined(separator: "; ")
    }

    private static func mismatch(_ key: String, _ request: RestartRequest) -> Complaint {
        Complaint(
            .usage, "the key '\(key)' was used for another message to \(request.session); nothing was sent",
            hint: "Use another key for another message; the earlier one is shown by: reveille sentinel show \(request.id)")
    }

    private func tell(_ request: RestartRequest, state: String?, _ client: LedgerClient) throws {
        let daemon = try client.daemon()
        let place = (request.route ?? request.session.route)?.description ?? "-"
        if json {
            var reply: JSONObject = [
                "sentinel": .string(request.id.description), "durable": true, "session": .string(request.session.description),
                "route": .string(place), "owes": .array(request.owes.sorted().map { .string($0.rawValue) }),
                "alreadySent": .bool(state != nil),
            ]
            reply["state"] = state.map { .string($0) }
            reply["daemonPid"] = daemon.map { .integer(Int64($0.pid)) }
            return Printing.json(.object(reply))
        }
        if let state { return Printing.line("already sent as \(request.id): \(Printing.oneLine(state, maximumCharacters: 300))") }
        let parts = request.owes.sorted().map { "a \($0.rawValue)" }.joined(separator: " and ")
        Printing.line("message \(request.id) is durable")
        Printing.line(
            "\(request.session) gets it over \(place), as \(parts)"
                + (daemon == nil ? "; no daemon runs: it waits for one, at most a day" : ""))
    }
}
