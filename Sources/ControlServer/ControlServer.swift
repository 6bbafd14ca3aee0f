import CoreMetrics
public import GatewayProtocol
public import Logging
import NetSupport
import Synchronization
import WakeCore
public import WakeService

/// The control plane: the gateway protocol over WebSocket on every given socket, and HTTP beside it.
///
/// A stop refuses nobody: who has asked is answered, who is connected is told and closed with a reason, who comes later waits in the socket
/// for the next life of the daemon.
public final class ControlServer: Sendable {
    /// A socket to serve.
    public enum Listener: Sendable {
        /// One that listens already, ours from now on.
        case descriptor(Int32)
        /// A port to bind, 0 for any.
        case address(host: String, port: Int)
    }

    /// How the daemon is, for those who ask.
    public struct Health: Sendable {
        /// Whether the ledger is open, and what an earlier life left is taken up.
        public var isRecovered: Bool
        /// Whether each channel is ready, by name.
        public var channels: [(name: String, isReady: Bool)]
        /// In words.
        public var status: String

        /// Makes one.
        public init(isRecovered: Bool, channels: [(name: String, isReady: Bool)], status: String) {
            self.isRecovered = isRecovered
            self.channels = channels
            self.status = status
        }

        /// Whether wakes can be delivered through all channels.
        public var isReady: Bool { isRecovered && channels.allSatisfy(\.isReady) }
    }

    /// What it works with.
    public struct Parts: Sendable {
        /// Who is let in.
        public var access: ControlAccess
        /// What answers the methods.
        public var desk: any ControlDesk
        /// Who is paired.
        public var pairings: any PairingBook
        /// How the daemon is; must not block.
        public var health: @Sendable () -> Health
        /// What `/metrics` says.
        public var metrics: @Sendable () -> String
        /// The clock.
        public var moments: any MomentSource
        /// The randomness of nonces.
        public var dice: any DiceSource
        /// The program's version.
        public var version: String
        /// Where it says what matters.
        public var logger: Logger
        /// The most clients at once, those in the handshake included; more are told 1013.
        public var maximumClients = 4_096

        /// Joins them.
        public init(
            access: ControlAccess, desk: any ControlDesk, pairings: any PairingBook, health: @escaping @Sendable () -> Health,
            metrics: @escaping @Sendable () -> String, moments: any MomentSource, dice: any DiceSource, version: String,
            logger: Logger
        ) {
            self.access = access
            self.desk = desk
            self.pairings = pairings
            self.health = health
            self.metrics = metrics
            self.moments = moments
            self.dice = dice
            self.version = version
            self.logger = logger
        }
    }

    /// How long a stop waits for requests under way, and for those who have connected and not asked yet.
    public static let patience: Duration = .seconds(5)

    private struct State {
        var connections: [UInt64: ControlConnection] = [:]
        var streams: [UInt64: (caller: ControlCaller, news: AsyncStream<String>.Continuation)] = [:]
        var next: UInt64 = 0
        var limiter = WriteLimiter()
        var brake = AttemptBrake()
        var isStopping = false
        var ports: [Int: Int] = [:]
    }

    let parts: Parts
    let doorman: Doorman
    private let servers: [WebServer]
    private let state = Mutex(State())

    /// Makes a server; nothing is bound or read before ``run(onListening:)``.
    public init(listeners: [Listener], _ parts: Parts) {
        self.parts = parts
        doorman = Doorman(access: parts.access, pairings: parts.pairings)
        servers = listeners.map { listener in
            var configuration = WebServer.Configuration(
                maxBodyBytes: 64 << 10, maxMessageBytes: GatewayLimits.frameBytes,
                // A WebSocket's frames, their heads, and a ping or two.
                // Some more than clients: who is one too many is told so, and questions by HTTP are answered.
                maxConnections: parts.maximumClients + 256, firstBytes: GatewayLimits.unauthenticatedFrameBytes + 1_024,
                requestTimeout: .milliseconds(GatewayLimits.handshakeMilliseconds))
            switch listener {
            case .descriptor(let descriptor): configuration.descriptor = descriptor
            case .address(let host, let port): (configuration.host, configuration.port) = (host, port)
            }
            return WebServer(configuration: configuration, logger: parts.logger)
        }
    }

    /// Serves until ``stop(reason:restartExpectedMilliseconds:)``, or until cancelled.
    ///
    /// - Parameter onListening: called with the number of a listener, in the order given, and its port, each time one is bound.
    /// - Throws: what binding throws.
    public func run(onListening: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, server) in servers.enumerated() {
                group.addTask { try await server.run(ControlHandler(server: self)) { onListening(index, $0) } }
            }
            let ticks = Task { await tick() }
            defer { ticks.cancel() }
            // The first that fails ends them all.
            for try await _ in group {}
        }
    }

    private func tick() async {
        while !Task.isCancelled {
            let due = parts.moments.now().boottimeMicroseconds + GatewayLimits.tickMilliseconds * 1_000
            await parts.moments.wait(untilBoottimeMicroseconds: due)
            guard !Task.isCancelled else { return }
            let event = GatewayEvent("tick", payload: ["ts": .integer(parts.moments.now().wallMilliseconds)])
            for connection in state.withLock({ Array($0.connections.values) }) { connection.tick(event) }
            for stream in state.withLock({ Array($0.streams.values) }) { stream.news.yield(": tick\n\n") }
        }
    }

    /// Tells news to everybody who may hear it.
    public func publish(_ event: GatewayEvent) {
        let scope = parts.desk.events[event.name] ?? .read
        let (connections, streams) = state.withLock { (Array($0.connections.values), Array($0.streams.values)) }
        func hears(_ caller: ControlCaller) -> Bool { scope.isGranted(by: caller.scopes) && parts.desk.hears(caller, event) }
        for connection in connections where connection.caller.map(hears) ?? false {
            _ = connection.feed { $0.published(event) }
        }
        guard !streams.isEmpty else { return }
        let text = Self.serverSent(event)
        for stream in streams where hears(stream.caller) {
            // It does not read: the stream ends, and its client may ask anew.
            if case .dropped = stream.news.yield(text) { stream.news.finish() }
        }
    }

    /// Ends in good order: tells everybody, answers what is under way, closes every socket with 1012, and makes
    /// ``run(onListening:)`` return.
    ///
    /// - Parameters:
    ///   - reason: why, in words.
    ///   - restartExpectedMilliseconds: how long a restart will take; nil where it is none.
    public func stop(reason: String, restartExpectedMilliseconds: Int64? = nil) {
        var payload: JSONObject = ["reason": .string(reason)]
        payload["restartExpectedMs"] = restartExpectedMilliseconds.map { .integer($0) }
        let event = GatewayEvent("shutdown", payload: .object(payload))
        let (connections, streams) = state.withLock { state in
            state.isStopping = true
            return (Array(state.connections.values), Array(state.streams.values))
        }
        for server in servers { server.drain(within: Self.patience + ControlConnection.grace) }
        for connection in connections { _ = connection.feed { $0.stopping(event) } }
        for stream in streams {
            stream.news.yield(Self.serverSent(event))
            stream.news.finish()
        }
        // Not a child of anything: it outlives nothing that it touches.
        let due = parts.moments.now().advanced(by: Self.patience).boottimeMicroseconds
        Task { [self] in
            await parts.moments.wait(untilBoottimeMicroseconds: due)
            for connection in state.withLock({ Array($0.connections.values) }) {
                _ = connection.feed { $0.close(.serviceRestart) }
            }
        }
    }

    var isStopping: Bool { state.withLock(\.isStopping) }

    private static func serverSent(_ event: GatewayEvent) -> String {
        "event: \(event.name)\ndata: \((event.payload ?? .object([:])).text)\n\n"
    }

    // MARK: One client

    func serve(_ socket: WebServerSocket, _ messages: WebServerMessages) async {
        var roll = parts.dice.roll()
        let connection = ControlConnection(
            socket, nonce: roll.identifier().description, at: parts.moments.now().wallMilliseconds
        ) { close in
            Counter(label: "reveille_control_closes_total", dimensions: [("code", "\(close.code)")]).increment()
        }
        let (number, isOneTooMany) = state.withLock { state in
            state.next += 1
            state.connections[state.next] = connection
            return (state.next, state.connections.count > parts.maximumClients)
        }
        defer { state.withLock { _ = $0.connections.removeValue(forKey: number) } }
        await withDiscardingTaskGroup { group in
            connection.begin()
            if isOneTooMany { _ = connection.feed { $0.close(.tooManyConnections) } }
            if isStopping { _ = connection.feed { $0.close(.serviceRestart) } }
            group.addTask { [moments = parts.moments] in
                let due = moments.now().boottimeMicroseconds + GatewayLimits.handshakeMilliseconds * 1_000
                await moments.wait(untilBoottimeMicroseconds: due)
                if !Task.isCancelled { _ = connection.feed { $0.handshakeTimedOut() } }
            }
            do {
                for try await message in messages {
                    for errand in take(message, connection) { group.addTask { await self.run(errand, connection) } }
                }
            } catch {
                parts.logger.debug("a control connection ended", metadata: [LogKey.error: "\(error)"])
            }
            _ = connection.feed { $0.peerLeft() }
            group.cancelAll()
        }
    }

    private func take(_ message: WebServerMessage, _ connection: ControlConnection) -> [ControlConnection.Errand] {
        switch message {
        case .text(let text): connection.feed { $0.received(text.utf8) }
        case .binary: connection.feed { $0.receivedUnreadable(isBinary: true) }
        case .malformed: connection.feed { $0.receivedUnreadable(isBinary: false) }
        case .close: connection.feed { $0.peerLeft() }
        }
    }

    private func run(_ errand: ControlConnection.Errand, _ connection: ControlConnection) async {
        switch errand {
        case .verify(let connect): await verify(connect, connection)
        case .perform(let request):
            await connection.work(on: request.id) { await self.perform(request, connection) }
        }
    }

    private var milliseconds: Int64 { parts.moments.now().boottimeMicroseconds / 1_000 }

    private func verify(_ connect: ConnectParameters, _ connection: ControlConnection) async {
        let peer = connection.socket.peer
        // Even the right token waits: otherwise a guess would show by its speed.
        let wait = state.withLock { $0.brake.wait(peer.address, at: milliseconds) }
        if wait > 0 {
            await parts.moments.wait(
                untilBoottimeMicroseconds: parts.moments.now().boottimeMicroseconds + wait * 1_000)
        }
        let id = "c\(connection.socket.id)-\(connection.nonce.prefix(6))"
        do throws(Doorman.Refusal) {
            let caller = try await doorman.admit(
                connect, peer, connection: id, nonce: connection.nonce, challengedAt: connection.challengedAt)
            state.withLock { $0.brake.succeeded(peer.address) }
            count(handshake: "let-in")
            connection.admit(caller, await hello(caller, id))
        } catch {
            if error.isGuess { state.withLock { $0.brake.failed(peer.address, at: milliseconds) } }
            count(handshake: error.fault.details?["code"]?.string ?? "refused")
            parts.logger.info(
                "a client was not let in",
                metadata: [
                    LogKey.event: "clientRefused", LogKey.place: "\(peer.address)", LogKey.reason: "\(error.fault.message)",
                ])
            _ = connection.feed { $0.refused(error.fault, close: error.close) }
        }
    }

    private func hello(_ caller: ControlCaller, _ id: String) async -> Hello {
        Hello(
            version: 0, serverVersion: parts.version, connection: id, methods: parts.desk.methods.keys.sorted(),
            events: parts.desk.events.keys.sorted(), snapshot: await parts.desk.snapshot(), role: "operator",
            scopes: caller.scopes.map(\.rawValue).sorted())
    }

    private func perform(
        _ request: GatewayRequest, _ connection: ControlConnection
    ) async -> Result<JSONValue?, GatewayFault> {
        guard let caller = connection.caller else { return .failure(.restarting()) }
        let result: Result<JSONValue?, GatewayFault>
        if let fault = obstacle(request.method, caller) {
            result = .failure(fault)
        } else {
            result = await parts.desk.answer(ControlCall(method: request.method, params: request.params, caller: caller))
        }
        let isKnown = parts.desk.methods[request.method] != nil
        let code = if case .failure(let fault) = result { fault.code.description } else { "OK" }
        Counter(
            label: "reveille_control_requests_total",
            dimensions: [("method", isKnown ? request.method : "unknown"), ("code", code)]
        ).increment()
        return result
    }

    /// Why a call is not made; nil where it is.
    private func obstacle(_ name: String, _ caller: ControlCaller) -> GatewayFault? {
        guard let method = parts.desk.methods[name] else {
            return GatewayFault(
                .invalidRequest, "unknown method: \(name)", details: ["code": "UNKNOWN_METHOD", "method": .string(name)])
        }
        guard method.scope.isGranted(by: caller.scopes) else {
            return GatewayFault(
                .forbidden, "missing scope: \(method.scope.rawValue)",
                details: [
                    "code": "MISSING_SCOPE", "missingScope": .string(method.scope.rawValue),
                    "requiredScopes": [.string(method.scope.rawValue)],
                ])
        }
        guard method.isLimited else { return nil }
        return state.withLock { $0.limiter.take(name, by: caller.key, at: milliseconds) }.map { wait in
            GatewayFault(
                .unavailable, "rate limit: \(GatewayLimits.writes) calls of \(name) in 60 s", details: ["reason": "rate-limited"],
                isRetryable: true, retryAfterMilliseconds: wait)
        }
    }

    private func count(handshake result: String) {
        Counter(label: "reveille_control_handshakes_total", dimensions: [("result", result)]).increment()
    }

    // MARK: Server-sent events

    /// A stream of all news for a caller; ends when it is not read, or with the server.
    func news(for caller: ControlCaller) -> AsyncStream<String> {
        let (stream, news) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1_024))
        let number: UInt64? = state.withLock { state in
            guard !state.isStopping else { return nil }
            state.next += 1
            state.streams[state.next] = (caller, news)
            return state.next
        }
        guard let number else {
            news.finish()
            return stream
        }
        news.onTermination = { [weak self] _ in self?.state.withLock { _ = $0.streams.removeValue(forKey: number) } }
        news.yield(": reveille\n\n")
        return stream
    }
}
