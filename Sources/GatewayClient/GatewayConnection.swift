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
        /// Whether `ws://` to another machine is let pass.
        public var allowsInsecure = false
        /// The most events that wait to be read; beyond, the oldest are dropped.
        public var eventsMaximumCount = 1_024

        /// The defaults.
        public init() {}
    }

    private struct State {
        var calls: [RequestID: Pending<JSONValue?>] = [:]
        var next: Int64 = 0
        var closed: GatewayClose?
        var shutdown: GatewayEvent?
        /// What the gateway had taken when it announced its end, where it said so.
        var lastAccepted: Set<RequestID>?
        var lastHeard: Int64 = 0
        mutating func leave(_ event: GatewayEvent) {
            shutdown = event
            lastAccepted = event.payload?["underWay"]?.array.map { Set($0.compactMap { RequestID($0) }) }
        }

        /// Read only after it has come.
        var hello = Hello(
            version: 0, serverVersion: "", connection: "", methods: [], events: [], snapshot: [:], role: "", scopes: [])
    }

    /// What the gateway said when it let us in.
    public var hello: Hello { state.withLock(\.hello) }
    /// News, as they come; for one reader.
    public let events: AsyncStream<GatewayEvent>
    private let news: AsyncStream<GatewayEvent>.Continuation
    private let socket: WebSocketConnection
    private let moments: any MomentSource
    private let challenge = Pending<GatewayEvent>()
    private let state = Mutex(State())

    private init(_ socket: WebSocketConnection, _ moments: any MomentSource, _ configuration: Configuration) {
        self.socket = socket
        self.moments = moments
        (events, news) = AsyncStream.makeStream(
            of: GatewayEvent.self, bufferingPolicy: .bufferingNewest(configuration.eventsMaximumCount))
    }

    /// How it ended; nil while it is open.
    public var closed: GatewayClose? { state.withLock(\.closed) }

    /// What the gateway said of its end, where it announced it.
    public var shutdown: GatewayEvent? { state.withLock(\.shutdown) }

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
        do {
            return try await WebSocketClient(configuration: bounds).withConnection(to: web, through: path) { socket in
                let connection = GatewayConnection(socket, moments, configuration)
                return try await connection.run(credentials, configuration, body)
            }
        } catch let error as WebSocketError {
            throw GatewayMishap(error)
        }
    }

    private func run<T: Sendable>(
        _ credentials: GatewayCredentials, _ configuration: Configuration,
        _ body: @escaping @Sendable (GatewayConnection) async throws -> T
    ) async throws -> T {
        state.withLock { $0.lastHeard = now }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.read() }
            defer {
                ended(.normal)
                socket.close(code: GatewayClose.normal.code, reason: GatewayClose.normal.reason)
                group.cancelAll()
            }
            try await greet(credentials, configuration)
            group.addTask { await self.watchTicks() }
            return try await body(self)
        }
    }

    private func greet(_ credentials: GatewayCredentials, _ configuration: Configuration) async throws {
        let due = moments.now().advanced(by: configuration.helloTimeout).boottimeMicroseconds
        let hello: Hello? = try await withThrowingTaskGroup(of: Hello?.self) { group in
            group.addTask { try await self.shakeHands(credentials, configuration) }
            group.addTask { [moments] in
                await moments.wait(untilBoottimeMicroseconds: due)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        try Task.checkCancellation()
        guard let hello else { throw GatewayMishap.silent("the gateway did not finish the handshake in time") }
        state.withLock { $0.hello = hello }
    }

    private func shakeHands(_ credentials: GatewayCredentials, _ configuration: Configuration) async throws -> Hello {
        do {
            let challenge = try await challenge.value()
            guard let nonce = challenge.payload?["nonce"]?.string else {
                throw GatewayMishap.impossible(GatewayError(.failed, "the gateway's challenge has no nonce"))
            }
            let connect = try credentials.connect(
                configuration.client, role: configuration.role, scopes: configuration.scopes, nonce: nonce,
                challengedAt: challenge.payload?["ts"]?.integer ?? moments.now().wallMilliseconds)
            guard let hello = Hello(try await call("connect", connect.json)) else {
                throw GatewayMishap.impossible(GatewayError(.failed, "the gateway's answer to connect is no hello"))
            }
            return hello
        } catch let fault as GatewayFault {
            throw GatewayMishap.notLetIn(fault)
        } catch let closed as GatewayClosed {
            throw GatewayMishap.closed(closed.close)
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
        let answer = Pending<JSONValue?>()
        let id: RequestID = try state.withLock { state in
            if let closed = state.closed { throw GatewayClosed(closed, mayBeAccepted: false) }
            state.next += 1
            let id = RequestID.text(String(state.next))
            state.calls[id] = answer
            return id
        }
        send(.request(GatewayRequest(id: id, method: method, params: params)))
        do { return try await answer.value() } catch {
            // Still under way: nobody else has taken it out.
            if state.withLock({ $0.calls.removeValue(forKey: id) }) != nil { send(.cancel(id)) }
            throw error
        }
    }

    private func send(_ frame: GatewayFrame) { socket.send(text: ByteBuffer(bytes: frame.bytes)) }

    // MARK: Reading

    private func read() async {
        var close: GatewayClose
        do {
            let end = try await socket.receive { message in
                switch message {
                case .text(let text): received(text)
                case .binary: socket.close(code: GatewayClose.notText.code, reason: GatewayClose.notText.reason)
                }
            }
            close = end.map { GatewayClose($0.code, $0.reason) } ?? GatewayClose(1006, "")
        } catch {
            close = GatewayClose(1006, "\(error)")
        }
        ended(close)
    }

    private func received(_ text: ByteBuffer) {
        state.withLock { $0.lastHeard = now }
        // What can't be understood is passed over: a newer gateway may say more than we know.
        guard let frame = try? GatewayFrame(text.readableBytesView) else { return }
        switch frame {
        case .response(let response):
            let answer = state.withLock { $0.calls.removeValue(forKey: response.id) }
            answer?.resolve(response.result.mapError { $0 as any Error })
        case .event(let event) where event.name == "connect.challenge":
            challenge.resolve(.success(event))
        case .event(let event):
            if event.name == "shutdown" { state.withLock { $0.leave(event) } }
            news.yield(event)
        case .request, .cancel: break
        }
    }

    /// Ends it for everybody who waits. The first reason counts.
    private func ended(_ close: GatewayClose) {
        let (calls, accepted) = state.withLock { state in
            if state.closed == nil { state.closed = close }
            defer { state.calls = [:] }
            return (state.calls, state.lastAccepted)
        }
        challenge.resolve(.failure(GatewayClosed(close, mayBeAccepted: false)))
        for (id, call) in calls {
            call.resolve(.failure(GatewayClosed(close, mayBeAccepted: accepted?.contains(id) ?? true)))
        }
        news.finish()
    }

    private var now: Int64 { moments.now().boottimeMicroseconds / 1_000 }

    /// A gateway that has been silent for twice the interval of its ticks is gone, whatever TCP says.
    private func watchTicks() async {
        let patience = 2 * min(hello.tickIntervalMilliseconds, 3_600_000)
        while !Task.isCancelled, closed == nil {
            let due = state.withLock(\.lastHeard) + patience
            guard due > now else {
                socket.close(code: GatewayClose.tickTimeout.code, reason: GatewayClose.tickTimeout.reason)
                return ended(.tickTimeout)
            }
            await moments.wait(untilBoottimeMicroseconds: due * 1_000)
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
