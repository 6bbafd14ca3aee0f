import GatewayClient
import GatewayProtocol
import LedgerSQLite
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// A change of a configuration as a command line asks for it.
struct ChangeOrder {
    let method: GatewayChange.Method
    let text: ChangeText
    let replacePaths: [String]
    /// Whom to wake; nil: nobody.
    let session: String?
    let note: String?
    let route: String?
    let noticeOnly: Bool
    let delay: Duration?
    /// How long to stay and tell; nil: not at all.
    let follow: Duration?
    let tries: GatewayCaller.Options
    let json: Bool
    let configuration: Configuration
    let surroundings: Surroundings

    // MARK: A gateway beside us

    func run(at options: GatewayOptions) async throws {
        let door = try GatewayDoor.find(options, configuration, in: surroundings)
        let wait = delay ?? configuration.restarts.defaultDelay
        guard wait <= GatewayChange.longestDelay, wait >= .zero else {
            throw Complaint(.usage, "--delay must be from 0s to 1min: no gateway waits longer", hint: "Write it like 8s.")
        }
        let moments = try SystemMoments(environment: surroundings.variables)
        let caller = try await door.caller(moments: moments)
        let request = try await request(at: door, caller, delay: wait, moments)
        let client = try LedgerClient(at: configuration.ledger.directory, createIfMissing: true)
        defer { client.close() }
        let change = GatewayChange(
            door: door, method: method, raw: text.raw, document: text.document, replacePaths: replacePaths, delay: wait,
            request: request, ledger: client, moments: moments)
        try await conclude(try await change.run(over: caller, options: tries), door, client)
    }

    /// What is to be made durable; checked whole before the gateway is asked for anything.
    private func request(
        at door: GatewayDoor, _ caller: GatewayCaller, delay: Duration, _ moments: any MomentSource
    ) async throws -> RestartRequest? {
        guard let session else { return nil }
        guard let name = door.name else {
            throw Complaint(
                .usage, "nobody watches \(door.words), so nobody could be woken when it has restarted",
                hint: "Configure it under gateways, or say --nobody.")
        }
        var wish = RequestWish(session: session, note: note ?? "", route: route)
        if route == nil, let key = try? SessionKey(session), configuration.place(of: key, at: name) == nil {
            wish.route = try await lastPlace(of: key, at: name, door, caller)?.description
        }
        var request = try wish.request(
            target: .gateway(name), delay: delay, performedByUs: false, configuration: configuration, moments: moments)
        if noticeOnly { request.owes = [.notice] }
        return request
    }

    /// Where a session whose key names no place was talked to last, as the gateway tells.
    private func lastPlace(
        of key: SessionKey, at name: String, _ door: GatewayDoor, _ caller: GatewayCaller
    ) async throws -> Route? {
        do {
            let rows = SessionRow.rows(of: try await caller.call("sessions.list", [:], options: tries))
            return rows.first { $0.key == key }?.route(gateway: name)
        } catch { throw door.complaint(any: error) }
    }

    private func conclude(_ ending: GatewayChange.Ending, _ door: GatewayDoor, _ client: LedgerClient) async throws {
        switch ending {
        case .applied(let changed): tellApplied(changed, door)
        case .restarts(let wait, let request):
            try tellRestart(wait, request, door, client)
            if let request { try await follow(request, client) }
        case .unclear(let reason, let request):
            let promise =
                request.map {
                    "sentinel \($0.id) stays: \($0.session) is woken if \(door.words) restarts, and told if it does not"
                } ?? "nobody is woken"
            let words = "it is not known whether \(door.words) took the change (\(reason)); \(promise)"
            guard let request, follow != nil else {
                throw Complaint(.tryLater, words, hint: "Look whether it did before you ask again: reveille config get")
            }
            if json { Printing.json(["taken": .null, "sentinel": .string("\(request.id)")]) } else { Printing.line(words) }
            try await follow(request, client)
        }
    }

    private func follow(_ request: RestartRequest, _ client: LedgerClient) async throws {
        guard let follow, let route = request.route ?? request.session.route else { return }
        try await WakeFollower(client: client, request: request, route: route, limit: follow, json: json).run()
    }

    // MARK: What is told

    private func tellApplied(_ changed: [String]?, _ door: GatewayDoor) {
        if json {
            var reply: JSONObject = ["taken": true, "restart": false]
            reply["changedPaths"] = changed.map { .array($0.map { .string($0) }) }
            return Printing.json(.object(reply))
        }
        if changed?.isEmpty == true {
            return Printing.line("nothing changes: the configuration of \(door.words) says so already; nobody is woken")
        }
        Printing.line("applied without a restart; nobody is woken" + (changed.map { ": \($0.joined(separator: ", "))" } ?? ""))
    }

    private func tellRestart(_ wait: Duration, _ request: RestartRequest?, _ door: GatewayDoor, _ client: LedgerClient) throws {
        let daemon = try client.daemon()
        if json {
            var reply: JSONObject = ["taken": true, "restart": true, "delayMilliseconds": .integer(wait.wholeMilliseconds)]
            reply["sentinel"] = request.map { .string("\($0.id)") }
            reply["durable"] = request.map { _ in true }
            reply["route"] = (request?.route ?? request?.session.route).map { .string("\($0)") }
            reply["daemonPid"] = daemon.map { .integer(Int64($0.pid)) }
            return Printing.json(.object(reply))
        }
        Printing.line("\(door.words) takes the change, and restarts in \(DurationText.format(wait))")
        guard let request else { return Printing.line("nobody is woken") }
        let place = (request.route ?? request.session.route)?.description ?? "-"
        let parts = request.owes.contains(.turn) ? "a notice and a turn" : "a notice"
        Printing.line("sentinel \(request.id) is durable: then \(request.session) is woken over \(place), by \(parts)")
        if daemon == nil { Printing.line("no daemon runs: nobody is woken until it does (reveille daemon)") }
    }

    // MARK: Our own daemon

    func runAtOwnDaemon() async throws {
        let moments = try SystemMoments(environment: surroundings.variables)
        let shown = try await OwnDaemon.call("config.get", [:], options: tries, surroundings, moments)
        var params: JSONObject = ["raw": .string(text.raw)]
        params["baseHash"] = shown?["hash"]
        params["sessionKey"] = session.map { .string($0) }
        params["note"] = note.map { .string($0) }
        params["deliveryContext"] = route.map { ["to": .string($0)] }
        params["restartDelayMs"] = delay.map { .integer($0.wholeMilliseconds) }
        if !replacePaths.isEmpty { params["replacePaths"] = .array(replacePaths.map { .string($0) }) }
        let reply = try await OwnDaemon.call(method.rawValue, .object(params), options: tries, surroundings, moments)
        if json { Printing.json(reply ?? .null) } else { OwnDaemon.tell(reply) }
        guard let follow, let id = reply?["sentinel"]?["id"]?.string.flatMap({ SentinelID($0) }), let session,
            let key = try? SessionKey(session), let route = route.flatMap({ Route($0) }) ?? configuration.place(of: key)
        else { return }
        let client = try LedgerClient(at: configuration.ledger.directory)
        defer { client.close() }
        let request = RestartRequest(
            id: id, session: key, route: route, note: note ?? "", requestedAt: moments.now())
        try await WakeFollower(client: client, request: request, route: route, limit: follow, json: json).run()
    }
}

/// The daemon of this machine, as its command line calls it.
enum OwnDaemon {
    /// Calls it where 'reveille call' does.
    static func call(
        _ method: String, _ params: JSONValue, options: GatewayCaller.Options, _ surroundings: Surroundings,
        _ moments: any MomentSource
    ) async throws -> JSONValue? {
        let place = try CallPlace.find(nil, in: surroundings) { PlainFile.exists($0) }
        var configuration = GatewayConnection.Configuration()
        configuration.client.version = Version.text
        let caller = GatewayCaller(
            place, try CallPlace.credentials(nil, in: surroundings), configuration, moments: moments, dice: SystemDice())
        do { return try await caller.call(method, params, options: options) } catch var error as GatewayError {
            error.hint = error.hint?.replacing("--wait", with: "--try-for")
            throw Complaint(error)
        }
    }

    /// What it says of a change.
    static func tell(_ reply: JSONValue?) {
        let changed = (reply?["changedPaths"]?.array ?? []).compactMap(\.string)
        Printing.line(changed.isEmpty ? "nothing changes" : "changed: \(changed.joined(separator: ", "))")
        for warning in (reply?["warnings"]?.array ?? []).compactMap(\.string) { Printing.line("warning: \(warning)") }
        switch GatewayPatch.answer(reply) {
        case .staysUp, .restartRefused: Printing.line("nothing restarts; nobody is woken")
        case .restarts(let wait):
            Printing.line("the daemon restarts in \(DurationText.format(wait))")
            if let id = reply?["sentinel"]?["id"]?.string, let key = reply?["wake"]?["sessionKey"]?.string {
                Printing.line("sentinel \(id) is durable: then \(key) is woken")
            }
        }
    }
}
