import GatewayClient
import GatewayProtocol
import Logging
import NIOCore
import NIOHTTP1
import NetSupport
import Synchronization
import WakeCore
import WakeService

/// A gateway that misbehaves as it is told, one act for each connection; the last act repeats.
final class ScriptedGateway: WebServerHandler {
    indirect enum Act: Sendable {
        /// Challenges, then closes with an empty close frame, or one with this code.
        case close(UInt16?, String = "")
        /// A TCP reset after the challenge.
        case reset
        /// No WebSocket at all: HTTP with this status.
        case http(UInt)
        /// Not even a challenge.
        case silence
        /// Answers `connect` with this, then closes.
        case refuse(GatewayFault, UInt16, String)
        /// Lets in, takes the request, and closes instead of an answer.
        case cutOff(UInt16?, String = "")
        /// Lets in, takes the request, and resets the connection.
        case drop
        /// Lets in, announces its end, and refuses the request.
        case leave(instance: String)
        /// Lets in, and says nothing more: no answer, no ticks.
        case hang(tickMilliseconds: Int64)
        /// Lets in, and answers each request with its own params.
        case echo
        /// Lets in as a process that has been up so long, and answers each request as told; nil: not at all.
        case talk(uptimeMilliseconds: Int64, version: String, @Sendable (GatewayRequest) -> Result<JSONValue?, GatewayFault>?)
        /// Does as the other act, and tells these after each answer to that method.
        case telling([GatewayEvent], after: String, Act)
        /// Lets in, and answers each request with these, one after another.
        case answer([Result<JSONValue?, GatewayFault>], instance: String = "life-2")
    }

    private struct State {
        var acts: [Act]
        var requests: [GatewayRequest] = []
        var connects: [ConnectParameters] = []
        var cancelled: [RequestID] = []
        var closes: [UInt16] = []
        var connections = 0
    }

    let server: WebServer
    private let state: Mutex<State>
    private let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Waits until that is so. One may wait at a time.
    func next(until isSo: (ScriptedGateway) -> Bool) async {
        var changes = changes.stream.makeAsyncIterator()
        while !isSo(self) { _ = await changes.next() }
    }

    private func note<T>(_ change: (inout State) -> T) -> T {
        defer { changes.continuation.yield() }
        return state.withLock { change(&$0) }
    }

    init(_ acts: [Act]) {
        state = Mutex(State(acts: acts))
        server = WebServer(configuration: .init(), logger: Logger(label: "scripted-gateway"))
    }

    /// The requests that came, `connect` apart.
    var requests: [GatewayRequest] { state.withLock(\.requests) }
    var connects: [ConnectParameters] { state.withLock(\.connects) }
    var cancelled: [RequestID] { state.withLock(\.cancelled) }
    var closes: [UInt16] { state.withLock(\.closes) }
    var connections: Int { state.withLock(\.connections) }

    func accepts(handshake: HTTPRequestHead) -> Bool {
        if case .http? = state.withLock({ $0.acts.first }) { false } else { true }
    }

    func reply(to request: WebServerRequest) async -> WebServerReply {
        guard case .http(let status) = next() else { return .close }
        return .response(WebServerResponse(status: HTTPResponseStatus(statusCode: Int(status)), headers: ["Retry-After": "1"]))
    }

    private func next() -> Act {
        state.withLock { state in
            state.connections += 1
            return state.acts.count > 1 ? state.acts.removeFirst() : state.acts[0]
        }
    }

    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {
        let act = next()
        var rest = messages.makeAsyncIterator()
        do {
            try await play(act, socket, &rest)
            // Whoever closes waits for the answer: otherwise the close frame itself may be lost in a reset.
            while try await rest.next() != nil {}
        } catch {}
    }

    private func play(
        _ act: Act, _ socket: WebServerSocket, _ messages: inout WebServerMessages.Iterator
    ) async throws {
        if case .silence = act {
            while let message = try await messages.next() {
                if case .close(let code?, _) = message { note { $0.closes.append(code) } }
            }
            return
        }
        try await socket.send(frame: .event(GatewayEvent("connect.challenge", payload: ["nonce": "n-1", "ts": 1_000])))
        switch act {
        case .close(let code, let reason): return try await socket.sendClose(code: code, reason: reason)
        case .reset: return socket.drop(reset: true)
        default: break
        }
        while let message = try await messages.next() {
            if case .close(let code?, _) = message { note { $0.closes.append(code) } }
            guard case .text(let text) = message else { return }
            switch try GatewayFrame(text.utf8) {
            case .request(let request) where request.method == "connect":
                let connect = try ConnectParameters(request.params)
                note { $0.connects.append(connect) }
                if case .refuse(let fault, let code, let reason) = act {
                    try await socket.send(frame: .response(GatewayResponse(id: request.id, result: .failure(fault))))
                    return try await socket.sendClose(code: code, reason: reason)
                }
                let hello = Self.hello(act)
                try await socket.send(frame: .response(GatewayResponse(id: request.id, result: .success(hello.json))))
            case .request(let request):
                note { $0.requests.append(request) }
                guard try await answer(request, act, socket) else { return }
            case .cancel(let id): note { $0.cancelled.append(id) }
            case .response, .event: return
            }
        }
    }

    /// Whether it goes on.
    private func answer(_ request: GatewayRequest, _ act: Act, _ socket: WebServerSocket) async throws -> Bool {
        switch act {
        case .cutOff(let code, let reason):
            try await socket.sendClose(code: code, reason: reason)
            return false
        case .drop:
            socket.drop(reset: true)
            return false
        case .leave:
            try await socket.send(frame: .event(GatewayEvent("shutdown", payload: ["reason": "restart"], seq: 1)))
            try await socket.send(frame: .response(GatewayResponse(id: request.id, result: .failure(.restarting()))))
            return true
        case .answer(let results, _):
            for result in results { try await socket.send(frame: .response(GatewayResponse(id: request.id, result: result))) }
            return true
        case .talk(_, _, let answer):
            guard let result = answer(request) else { return true }
            try await socket.send(frame: .response(GatewayResponse(id: request.id, result: result)))
            return true
        case .telling(let events, let method, let inner):
            guard try await answer(request, inner, socket) else { return false }
            for event in events where request.method == method { try await socket.send(frame: .event(event)) }
            return true
        case .echo:
            try await socket.send(
                frame: .response(GatewayResponse(id: request.id, result: .success(request.params))))
            return true
        default: return true
        }
    }

    private static func hello(_ act: Act) -> Hello {
        var hello = Hello(
            version: 4, serverVersion: "scripted", connection: "c1", methods: ["health"], events: ["tick"], snapshot: [:],
            role: "operator", scopes: ["operator.admin"])
        switch act {
        case .leave(let instance), .answer(_, let instance): hello.snapshot["instance"] = .string(instance)
        case .talk(let uptime, let version, _):
            (hello.snapshot["uptimeMs"], hello.methods, hello.serverVersion) = (.integer(uptime), [], version)
        case .telling(_, _, let inner): return Self.hello(inner)
        case .hang(let tick): hello.tickIntervalMilliseconds = tick
        default: break
        }
        return hello
    }

    /// Runs it while the body runs.
    static func play<T: Sendable>(
        _ acts: [Act], _ body: @escaping @Sendable (ScriptedGateway, GatewayAddress) async throws -> T
    ) async throws -> T {
        let gateway = ScriptedGateway(acts)
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gateway.server.run(gateway) { announce.yield($0) } }
            defer { group.cancelAll() }
            var port = ports.makeAsyncIterator()
            return try await body(gateway, .web("ws://127.0.0.1:\(await port.next() ?? 0)"))
        }
    }
}

extension WebServerSocket {
    func send(frame: GatewayFrame) async throws { try await send(text: String(decoding: frame.bytes, as: UTF8.self)) }
}

/// The machine's clock, and time that passes faster: a test of seconds need not take them.
struct HurriedMoments: MomentSource {
    private static let factor: Int64 = 5
    private let clock: SystemMoments
    private let start: Int64

    init() throws {
        clock = try SystemMoments(environment: [:])
        start = clock.now().boottimeMicroseconds
    }

    func now() -> Moment {
        let real = clock.now()
        return Moment(
            wallMilliseconds: real.wallMilliseconds, boot: real.boot,
            boottimeMicroseconds: start + (real.boottimeMicroseconds - start) * Self.factor,
            clockSynchronised: real.clockSynchronised)
    }

    func wait(untilBoottimeMicroseconds deadline: Int64) async {
        await clock.wait(untilBoottimeMicroseconds: start + (deadline - start) / Self.factor + 1)
    }
}
