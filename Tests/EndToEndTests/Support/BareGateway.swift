import GatewayProtocol
import Logging
import NIOHTTP1
import NetSupport
import Synchronization
import WakeCore

/// A gateway whose next connections end as they are told; after that it lets in, and answers every request.
final class BareGateway: WebServerHandler {
    enum Act: Sendable {
        /// Challenges, then closes.
        case close(UInt16?, String = "")
        /// Answers `connect` with this, then closes.
        case refuse(GatewayFault, UInt16, String)
        /// Lets in, takes the request, and closes instead of an answer.
        case cutOff(UInt16, String)
        /// Lets in, promises an answer to the request, and gives it.
        case promise
        /// Lets in, and answers.
        case answer
        /// Lets in, and does this with each request.
        case serve(@Sendable (GatewayRequest) -> Deed)
    }

    /// What becomes of one request.
    enum Deed: Sendable {
        case answer(JSONValue)
        case refuse(GatewayFault)
        case cutOff(UInt16?)
    }

    private struct Book {
        var acts: [Act]
        var requests: [GatewayRequest] = []
        var connections = 0
    }

    static let answer: JSONValue = ["jobs": []]
    private let book: Mutex<Book>

    private init(_ acts: [Act]) { book = Mutex(Book(acts: acts)) }

    /// The requests that came, `connect` apart.
    var requests: [GatewayRequest] { book.withLock(\.requests) }
    var connections: Int { book.withLock(\.connections) }

    /// Runs it while the body runs, which gets its address.
    static func play(
        _ acts: [Act], _ body: @escaping @Sendable (BareGateway, String) async throws -> Void
    ) async throws {
        let gateway = BareGateway(acts)
        let server = WebServer(configuration: .init(), logger: Logger(label: "bare-gateway"))
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run(gateway) { announce.yield($0) } }
            defer { group.cancelAll() }
            var port = ports.makeAsyncIterator()
            try await body(gateway, "ws://127.0.0.1:\(await port.next() ?? 0)")
        }
    }

    func accepts(handshake: HTTPRequestHead) -> Bool { true }

    func reply(to request: WebServerRequest) async -> WebServerReply { .close }

    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {
        let act: Act = book.withLock { book in
            book.connections += 1
            return book.acts.isEmpty ? .answer : book.acts.removeFirst()
        }
        var rest = messages.makeAsyncIterator()
        do {
            try await play(act, socket, &rest)
            // Whoever closes waits for the answer: otherwise the close frame itself may be lost in a reset.
            while try await rest.next() != nil {}
        } catch {}
    }

    private func play(_ act: Act, _ socket: WebServerSocket, _ messages: inout WebServerMessages.Iterator) async throws {
        try await send(.event(GatewayEvent("connect.challenge", payload: ["nonce": "n", "ts": 17])), socket)
        if case .close(let code, let reason) = act { return try await socket.sendClose(code: code, reason: reason) }
        while case .text(let text)? = try await messages.next() {
            guard case .request(let request) = try GatewayFrame(text.utf8) else { return }
            guard request.method != "connect" else {
                if case .refuse(let fault, let code, let reason) = act {
                    try await send(.response(GatewayResponse(id: request.id, result: .failure(fault))), socket)
                    return try await socket.sendClose(code: code, reason: reason)
                }
                try await send(.response(GatewayResponse(id: request.id, result: .success(Self.hello.json))), socket)
                continue
            }
            book.withLock { $0.requests.append(request) }
            if case .serve(let serve) = act {
                switch serve(request) {
                case .answer(let answer):
                    try await send(.response(GatewayResponse(id: request.id, result: .success(answer))), socket)
                case .refuse(let fault):
                    try await send(.response(GatewayResponse(id: request.id, result: .failure(fault))), socket)
                case .cutOff(let code): return try await socket.sendClose(code: code, reason: "")
                }
                continue
            }
            if case .cutOff(let code, let reason) = act { return try await socket.sendClose(code: code, reason: reason) }
            if case .promise = act {
                let promise: JSONValue = ["status": "accepted"]
                try await send(.response(GatewayResponse(id: request.id, result: .success(promise))), socket)
            }
            try await send(.response(GatewayResponse(id: request.id, result: .success(Self.answer))), socket)
        }
    }

    private static let hello = Hello(
        version: 4, serverVersion: "bare", connection: "c", methods: ["cron.list", "config.schema.lookup"], events: ["tick"],
        snapshot: [:],
        role: "operator", scopes: ["operator.admin"])

    private func send(_ frame: GatewayFrame, _ socket: WebServerSocket) async throws {
        try await socket.send(text: String(decoding: frame.bytes, as: UTF8.self))
    }
}
