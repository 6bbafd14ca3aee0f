public import GatewayProtocol
import NIOCore
import NetSupport
import Synchronization
public import WakeCore
public import WakeService

/// A connection that ended, and with it whatever was under way.
public struct GatewayClosed: Error, Hashable, Sendable, CustomStringConvertible {
    /// How; 1006 where no close frame came, 1005 where it had no code.
    public let close: GatewayClose
    /// Whether the request may have been accepted before: it had left, and the gateway did not say that it takes nothing more.
    public let mayBeAccepted: Bool

    /// Makes one.
    public init(_ close: GatewayClose, mayBeAccepted: Bool) {
        self.close = close
        self.mayBeAccepted = mayBeAccepted
    }

    /// How it ended.
    public var description: String { "the gateway's connection ended: \(close)" }
}

/// One connection to a gateway that has let us in. It ends with ``with(_:_:_:moments:_:)``.
public final class GatewayConnection: Sendable {
    /// Who calls, and the bounds.
    public struct Configuration: Sendable {
        /// What the program says of itself. Default the one that a gateway lets keep its scopes without a device, on this machine.
        public var client = ConnectParameters.Client(
            id: "gateway-client", version: "0.1.0", platform: "linux", mode: "backend")
        /// What it wants to be.
        public var role = "operator"
        /// What it wants to be allowed.
        public var scopes = [Scope.read.rawValue, Scope.write.rawValue, Scope.admin.rawValue]
        /// How long a connection may take. Default 5 s.
        public var connectTimeout = Duration.seconds(5)
        /// How long the challenge, and then the answer to `connect`, may take together. Default what a server gives.
        public var helloTimeout = Duration.milliseconds(GatewayLimits.handshakeMilliseconds)
        /// A PEM file with the certificates that are believed; nil: those that this machine trusts.
        public var certificateFile: String?
        /// Whether `ws://` to another machine is let pass.
        public var allowsInsecure = false
        /// The most events that wait to be read; beyond, the oldest are dropped.
        public var eventsMaximumCount = 1_024

        /// The defaults.
        public init() {}
    }

    /// What waits for one answer.
    private struct Waiter {
        let answer: Pending<JSONValue?>
        let accepted: @Sendable (JSONValue?) -> Void
    }

    private struct State {
        var machine: ClientConnection
        var waiters: [RequestID: Waiter] = [:]
    }

    /// What the gateway said when it let us in.
    public var hello: Hello {
        guard let hello = state.withLock(\.machine.hello) else {
            preconditionFailure("a connection is handed over before its hello")
        }
        return hello
    }
    /// News, as they come; for one reader.
    public let events: AsyncStream<GatewayEvent>
    private let news: AsyncStream<GatewayEvent>.Continuation
    private let socket: WebSocketConnection
    private let moments: any MomentSource
    private let credentials: GatewayCredentials
    private let configuration: Configuration
    private let greeting = Pending<Hello>()
    private let state: Mutex<State>

    private init(
        _ socket: WebSocketConnection, _ moments: any MomentSource, _ credentials: GatewayCredentials,
        _ configuration: Configuration
    ) {
        self.socket = socket
        self.moments = moments
        self.credentials = credentials
        self.configuration = configuration
        state = Mutex(State(machine: ClientConnection(at: moments.now().boottimeMicroseconds / 1_000)))
        (events, news) = AsyncStream.makeStream(
            of: GatewayEvent.self, bufferingPolicy: .bufferingNewest(configuration.eventsMaximumCount))
    }

    /// How it ended; nil while it is open.
    public var closed: GatewayClose? { state.withLock(\.machine.closed) }

    /// What the gateway said of its end, where it announced it.
    public var shutdown: GatewayEvent? { state.withLock(\.machine.shutdown) }

    // MARK: Opening

    /// Connects, answers the challenge, and hands the connection over when the gateway has let us in. It is closed when the body returns or
    /// throws, or its task is cancelled.
    ///
    /// - Parameters:
    ///   - address: where the gateway is.
    ///   - credentials: who calls.
    ///   - configuration: the bounds.
    ///   - moments: the clock.
    ///   - body: what to do with the connection.
    /// - Returns: what the body returns.
    /// - Throws: ``GatewayMishap`` if it does not come to a hello; what the body throws.
    public static func with<T: Sendable>(
        _ address: GatewayAddress, _ credentials: GatewayCredentials, _ configuration: Configuration = .init(),
        moments: any MomentSource, _ body: @escaping @Sendable (GatewayConnection) async throws -> T
    ) async throws -> T {
        let (web, path) = try address.resolved(allowsInsecure: configuration.allowsInsecure)
        var bounds = WebSocketClient.Configuration()
        bounds.maximumFrameBytes = GatewayLimits.frameBytes
        bounds.maximumMessageBytes = GatewayLimits.frameBytes
        bounds.connectTimeout = configuration.connectTimeout
        bounds.handshakeTimeout = configuration.connectTimeout
        if let file = configuration.certificateFile { bounds.trust(certificateFile: file) }
        do {
            return try await WebSocketClient(configuration: bounds).withConnection(to: web, through: path) { socket in
                try await GatewayConnection(socket, moments, credentials, configuration).run(body)
            }
        } catch let error as WebSocketError {
            throw GatewayMishap(error)
        }
    }

    private func run<T: Sendable>(_ body: @escaping @Sendable (GatewayConnection) async throws -> T) async throws -> T {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.read() }
            group.addTask { await self.watchHandshake() }
            defer {
                feed { $0.leave() }
                group.cancelAll()
            }
            _ = try await greeting.value()
            group.addTask { await self.watchTicks() }
            return try await body(self)
        }
    }

    private func prove(_ nonce: String, _ challengedAt: Int64?) {
        do {
            let connect = try credentials.connect(
                configuration.client, role: configuration.role, scopes: configuration.scopes, nonce: nonce,
                challengedAt: challengedAt ?? moments.now().wallMilliseconds)
            feed { $0.proven(connect) }
        } catch {
            greeting.resolve(.failure(error))
            feed { $0.leave() }
        }
    }

    // MARK: Calling

    /// Asks the gateway. Many may ask at once. Where the task is cancelled, the gateway is told that nobody waits any longer.
    ///
    /// - Parameters:
    ///   - method: what for.
    ///   - params: with what.
    /// - Returns: the answer; where a method answers twice, the first one.
    /// - Throws: ``GatewayFault`` as the gateway sent it; ``GatewayClosed`` where the connection ended before.
    public func call(_ method: String, _ params: JSONValue? = nil) async throws -> JSONValue? {
        try await ask(method, params, expectsFinal: false) { _ in }
    }

    /// Asks for what takes its time: the gateway may answer twice, first that it has taken the request (`status: accepted`), then what
    /// came of it.
    ///
    /// - Parameters:
    ///   - method: what for.
    ///   - params: with what.
    ///   - accepted: told the first answer, where there are two.
    /// - Returns: the last answer.
    /// - Throws: ``GatewayFault`` as the gateway sent it; ``GatewayClosed`` where the connection ended before.
    public func callForFinal(
        _ method: String, _ params: JSONValue? = nil, accepted: @escaping @Sendable (JSONValue?) -> Void = { _ in }
    ) async throws -> JSONValue? {
        try await ask(method, params, expectsFinal: true, accepted)
    }

    private func ask(
        _ method: String, _ params: JSONValue?, expectsFinal: Bool, _ accepted: @escaping @Sendable (JSONValue?) -> Void
    ) async throws -> JSONValue? {
        let waiter = Waiter(answer: Pending(), accepted: accepted)
        let (id, directives) = try state.withLock { state in
            guard let asked = state.machine.asked(method, params, expectsFinal: expectsFinal) else {
                throw GatewayClosed(state.machine.closed ?? .normal, mayBeAccepted: false)
            }
            state.waiters[asked.id] = waiter
            return asked
        }
        perform(directives)
        do { return try await waiter.answer.value() } catch {
            // Does nothing where the answer came.
            feed { $0.cancelled(id) }
            state.withLock { $0.waiters[id] = nil }
            throw error
        }
    }

    // MARK: Driving the machine

    private func feed(_ input: (inout ClientConnection) -> [ClientConnection.Directive]) {
        perform(state.withLock { input(&$0.machine) })
    }

    private func perform(_ directives: [ClientConnection.Directive]) {
        for directive in directives {
            switch directive {
            case .prove(let nonce, let challengedAt): prove(nonce, challengedAt)
            case .send(let frame): socket.send(text: ByteBuffer(bytes: frame.bytes))
            case .greet(let hello): greeting.resolve(.success(hello))
            case .giveUp(let mishap): greeting.resolve(.failure(mishap))
            case .accept(let id, let payload): state.withLock { $0.waiters[id] }?.accepted(payload)
            case .answer(let id, let result): resolve(id, result.mapError { $0 as any Error })
            case .cutOff(let id, let mayBeAccepted):
                resolve(id, .failure(GatewayClosed(closed ?? .normal, mayBeAccepted: mayBeAccepted)))
            case .news(let event): news.yield(event)
            case .close(let close): socket.close(code: close.code, reason: close.reason)
            case .end: news.finish()
            }
        }
    }

    private func resolve(_ id: RequestID, _ result: Result<JSONValue?, any Error>) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.answer.resolve(result)
    }

    private func read() async {
        var close: GatewayClose
        do {
            let end = try await socket.receive { message in
                switch message {
                case .text(let text):
                    let frame = try? GatewayFrame(text.readableBytesView)
                    feed { $0.received(frame, at: now) }
                case .binary: feed { $0.receivedBinary() }
                }
            }
            close = end.map { GatewayClose($0.code, $0.reason) } ?? GatewayClose(1006, "")
        } catch {
            close = GatewayClose(1006, "\(error)")
        }
        feed { $0.gatewayLeft(close) }
    }

    private var now: Int64 { moments.now().boottimeMicroseconds / 1_000 }

    private func watchHandshake() async {
        await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: configuration.helloTimeout).boottimeMicroseconds)
        if !Task.isCancelled { feed { $0.handshakeTimedOut() } }
    }

    private func watchTicks() async {
        while !Task.isCancelled, let due = state.withLock(\.machine.tickDue) {
            await moments.wait(untilBoottimeMicroseconds: due * 1_000)
            feed { $0.ticksAwaited(at: now) }
        }
    }
}

extension GatewayMishap {
    /// What a WebSocket that did not come to be, or broke, means for a call.
    init(_ error: WebSocketError) {
        switch error.code {
        case .notListening: self = .notListening(error.description)
        case .timedOut: self = .silent(error.description)
        case .ended, .broken: self = .closed(GatewayClose(1006, error.cause ?? ""))
        // What a server says that stops, or has not started: come again.
        case .upgradeRefused where error.status == 503: self = .notListening(error.description)
        case .invalidAddress:
            self = .impossible(GatewayError(.invalidRequest, error.message, hint: "Write ws://HOST:PORT or wss://HOST."))
        case .insecureAddress:
            self = .impossible(GatewayError(.invalidRequest, error.message, hint: "Use wss://, or say --allow-insecure."))
        default:
            self = .impossible(
                GatewayError(
                    .unreachable, error.message, cause: error.cause,
                    hint: error.hint ?? "Check the address: is a gateway there, and does it speak WebSocket?"))
        }
    }
}

extension GatewayAddress {
    /// The WebSocket address, and the socket to go through.
    func resolved(allowsInsecure: Bool) throws -> (WebSocketAddress, String?) {
        do throws(WebSocketError) {
            switch self {
            case .web(let text): return (try WebSocketAddress(text, allowsInsecure: allowsInsecure), nil)
            case .unix(let path): return (try WebSocketAddress("ws://localhost/"), path)
            }
        } catch {
            throw GatewayMishap(error)
        }
    }
}
