import DequeModule
import NIOCore
import NIOHTTP1
import NetSupport
import OrderedCollections

/// Joins the web server and the world.
struct LoopbackHandler: WebServerHandler {
    let world: LoopbackWorld
    let time: LoopbackTime

    init(_ world: LoopbackWorld, _ time: LoopbackTime) {
        self.world = world
        self.time = time
    }

    func accepts(handshake head: HTTPRequestHead) -> Bool {
        let path = head.uri.prefix { $0 != "?" }
        guard ["", "/", "/gateway", "/gateway/"].contains(path) else { return false }
        return world.withState { state in
            guard !state.unavailable else { return false }
            return !state.refusesHandshake
        }
    }

    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {
        await GatewayConnection(socket: socket, world: world, sleep: time.sleep).run(messages)
    }

    func reply(to incoming: WebServerRequest) async -> WebServerReply {
        let request = world.withState { state in
            state.requests += 1
            return APIRequest(number: state.requests, incoming)
        }
        if request.path.first == "_loopback" {
            return .response(world.administer(request, request.path.dropFirst()).onTheWire())
        }
        logRequest(request)
        if request.headers.contains(name: "Upgrade") {
            guard let status = world.withState({ $0.takeRefusedHandshake() }) else { return .hang }
            return finish(request, .error(status, 0, "\(status): no WebSocket here"))
        }
        if request.path.first == "attachments" { return finish(request, attachment(request)) }
        switch world.withState({ $0.plan(request) }) {
        case .reply(let response, let delay):
            if let delay { try? await time.sleep(delay) }
            return finish(request, response)
        case .lose(let response):
            world.log.record("reply_lost", ["req": JSON(request.number), "status": JSON(response.status)])
            return .close
        case .close: return .close
        case .reset: return .reset
        case .hang: return .hang
        }
    }

    private func finish(_ request: APIRequest, _ response: APIResponse) -> WebServerReply {
        world.log.record(
            "response",
            [
                "req": JSON(request.number), "status": JSON(response.status), "route": .string(request.route),
                "code": response.code.map { JSON($0) } ?? .null,
            ])
        return .response(response.onTheWire())
    }

    private func logRequest(_ request: APIRequest) {
        world.log.record(
            "request",
            [
                "req": JSON(request.number), "conn": JSON(request.connection), "method": .string(request.method),
                "path": .string("/" + request.path.joined(separator: "/")), "route": .string(request.route),
                "query": .object(.init(uniqueKeysWithValues: request.query.sorted { $0.key < $1.key }.map { ($0, .string($1)) })),
                "authorized": .bool(request.headers.contains(name: "Authorization")), "bytes": JSON(request.body.count),
                "user_agent": JSON(request.headers.first(name: "User-Agent")),
            ])
    }

    private func attachment(_ request: APIRequest) -> APIResponse {
        guard request.path.count == 4, let channel = Snowflake(request.path[1]), let id = Snowflake(request.path[2]) else {
            return .notFound
        }
        return world.withState { state in
            for message in state.messages[channel] ?? [] {
                if let found = message.attachments.first(where: { $0.id == id }) {
                    return APIResponse(status: 200, body: .bytes(found.bytes, contentType: found.contentType))
                }
            }
            return .notFound
        }
    }
}

extension LoopbackState {
    /// Whether the next handshake is not to be accepted.
    var refusesHandshake: Bool { faults.entries.contains { Self.strikesHandshake($0.fault) } }

    /// The status for a handshake that was not accepted, nil to leave it without an answer; counts the fault if one was the reason.
    mutating func takeRefusedHandshake() -> Int? {
        if unavailable { return 503 }
        guard let fault = faults.take(where: Self.strikesHandshake) else { return 404 }
        log.record("fault", ["fault": .string(fault.kind.rawValue)])
        return fault.kind == .hangHandshake ? nil : fault.status ?? 503
    }

    private static func strikesHandshake(_ fault: LoopbackFault) -> Bool {
        fault.kind == .refuseHandshake || fault.kind == .hangHandshake
    }
}
