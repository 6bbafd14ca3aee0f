public import NIOCore
import NIOHTTP1
import NIOPosix
public import NIOSSL
import NIOWebSocket
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Opens WebSocket connections (RFC 6455), one for each call of ``withConnection(to:_:)``, and leaves nothing behind when it
/// returns.
public struct WebSocketClient: Sendable {
    /// Bounds of a connection.
    public struct Configuration: Sendable {
        /// The largest frame that is taken; a larger one ends the connection with 1009 before it is read. Default 4 MiB.
        public var maximumFrameBytes = 4 << 20
        /// The largest message, all its frames together. Default 4 MiB.
        public var maximumMessageBytes = 4 << 20
        /// How long TCP may take. Default 10 s.
        public var connectTimeout = Duration.seconds(10)
        /// How long TLS and the upgrade may take together. Default 10 s.
        public var handshakeTimeout = Duration.seconds(10)
        /// How long the server may take to answer our close frame. Default 1 s.
        public var closeTimeout = Duration.seconds(1)
        /// Headers of the request, such as User-Agent.
        public var headers: [(name: String, value: String)] = []
        /// Whose certificates are believed. Default those whom this machine trusts.
        public var trustRoots = NIOSSLTrustRoots.default

        /// Believes the certificates in this PEM file, and no others.
        public mutating func trust(certificateFile: String) { trustRoots = .file(certificateFile) }

        /// The defaults.
        public init() {}
    }

    private let group: any EventLoopGroup
    private let configuration: Configuration

    /// A client that runs on these threads; by default on those that the process shares.
    public init(group: (any EventLoopGroup)? = nil, configuration: Configuration = .init()) {
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
        self.configuration = configuration
    }

    /// Connects, hands the connection to the body, and closes it when the body returns or throws, or its task is cancelled.
    ///
    /// - Parameters:
    ///   - address: where to; over a Unix socket, what the handshake calls the server.
    ///   - socketPath: the path of a Unix socket to go through; nil for TCP.
    ///   - body: what to do with the connection.
    /// - Returns: what the body returns.
    /// - Throws: ``WebSocketError`` if the connection can't be made; what the body throws.
    public func withConnection<Result: Sendable>(
        to address: WebSocketAddress, through socketPath: String? = nil,
        _ body: @escaping @Sendable (WebSocketConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await open(address, socketPath)
        return try await WebSocketConnection.run(over: channel, configuration: configuration, body)
    }

    private enum Upgrade: Sendable {
        case done(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
        case refused
    }

    private func open(
        _ address: WebSocketAddress, _ socketPath: String?
    ) async throws -> NIOAsyncChannel<WebSocketFrame, WebSocketFrame> {
        let tls = address.isSecure ? try tlsContext() : nil
        let watch = HandshakeWatch(place: socketPath ?? "\(address.host):\(address.port)")
        let upgrading: EventLoopFuture<Upgrade>
        let prepare: @Sendable (any Channel) -> EventLoopFuture<EventLoopFuture<Upgrade>> = { [configuration] channel in
            channel.eventLoop.makeCompletedFuture { try Self.prepare(channel, for: address, tls, watch, configuration) }
        }
        do {
            upgrading = try await Self.unlessCancelled(watch) { [group, configuration] in
                let bootstrap = ClientBootstrap(group: group).connectTimeout(TimeAmount(configuration.connectTimeout))
                return if let socketPath {
                    try await bootstrap.connect(unixDomainSocketPath: socketPath, channelInitializer: prepare)
                } else {
                    try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                        .connect(host: address.host, port: address.port, channelInitializer: prepare)
                }
            }
        } catch {
            throw watch.connectError(error)
        }
        let deadline = upgrading.eventLoop.scheduleTask(in: TimeAmount(configuration.handshakeTimeout)) { watch.timeOut() }
        defer { deadline.cancel() }
        do {
            // Cancelling must not wait for the server: closing the channel ends the future.
            let upgrade = try await withTaskCancellationHandler {
                try await upgrading.get()
            } onCancel: {
                watch.close()
            }
            if case .done(let channel) = upgrade { return channel }
        } catch {
            throw watch.error(beneath: error)
        }
        throw watch.error(beneath: nil)
    }

    /// Waits for a connection, or until the task is cancelled: a name that is being resolved can't be called off, so what comes of it then
    /// is closed.
    private static func unlessCancelled<Connection: Sendable>(
        _ watch: HandshakeWatch, _ connect: @escaping @Sendable () async throws -> Connection
    ) async throws -> Connection {
        let (results, result) = AsyncThrowingStream.makeStream(of: Connection.self)
        Task {
            do {
                let connection = try await connect()
                result.yield(connection)
            } catch {
                result.finish(throwing: error)
            }
        }
        for try await connection in results { return connection }
        watch.close()
        throw CancellationError()
    }

    private func tlsContext() throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = configuration.trustRoots
        do { return try NIOSSLContext(configuration: tls) } catch {
            throw WebSocketError(
                .unreachable, "the certificates to believe can't be read", cause: "\(error)",
                hint: "Name a file that you may read, with certificates in PEM.")
        }
    }

    private static func prepare(
        _ channel: any Channel, for address: WebSocketAddress, _ tls: NIOSSLContext?, _ watch: HandshakeWatch,
        _ configuration: Configuration
    ) throws -> EventLoopFuture<Upgrade> {
        watch.watch(channel)
        let pipeline = channel.pipeline.syncOperations
        if let tls {
            let isAddress = (try? SocketAddress(ipAddress: address.host, port: 0)) != nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : address.host))
        }
        // Errors are answered by the connection itself: the automatic handler closes before it tells why.
        let webSocket = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: configuration.maximumFrameBytes, enableAutomaticErrorHandling: false
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                .done(try NIOAsyncChannel<WebSocketFrame, WebSocketFrame>(wrappingChannelSynchronously: channel))
            }
        }
        var headers = HTTPHeaders([("Host", address.hostHeader)])
        for (name, value) in configuration.headers { headers.add(name: name, value: value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target, headers: headers)
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<Upgrade>(upgradeRequestHead: head, upgraders: [webSocket]) {
            channel in
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(.refused)
        }
        var http = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        // A server may send its first frame in the same segment as its 101; by default what follows the head is dropped.
        http.leftOverBytesStrategy = .forwardBytes
        let upgrading = try pipeline.configureUpgradableHTTPClientPipeline(configuration: http)
        let upgrader = try pipeline.handler(type: NIOTypedHTTPClientUpgradeHandler<Upgrade>.self)
        try pipeline.addHandler(AnswerWatch(watch), position: .before(upgrader))
        return upgrading
    }
}

/// Watches a connection that is being made: can end it from outside, and knows why it ended.
private final class HandshakeWatch: Sendable {
    private struct State {
        var channel: (any Channel)?
        /// Nobody waits for it any more.
        var isOver = false
        var hasTimedOut = false
        var status: UInt?
    }

    private let place: String
    private let state = Mutex(State())

    init(place: String) { self.place = place }

    func watch(_ channel: any Channel) {
        let isOver = state.withLock { state in
            state.channel = channel
            return state.isOver
        }
        if isOver { channel.close(promise: nil) }
    }

    func answered(_ status: UInt) { state.withLock { $0.status = status } }

    func timeOut() {
        state.withLock { $0.hasTimedOut = true }
        close()
    }

    func close() {
        let channel = state.withLock { state in
            state.isOver = true
            return state.channel
        }
        channel?.close(promise: nil)
    }

    /// Why no connection came to be.
    func connectError(_ error: any Error) -> any Error {
        if Task.isCancelled { return CancellationError() }
        var errors: [any Error] = [error]
        if let many = error as? NIOConnectionError { errors = many.connectionErrors.map(\.error) }
        if errors.contains(where: { if case .connectTimeout? = $0 as? ChannelError { true } else { false } }) {
            return WebSocketError(.timedOut, "\(place) did not answer in time")
        }
        let numbers = errors.compactMap { ($0 as? IOError)?.errnoCode }
        // Whoever waited in the queue of a listener that closes is reset, and may learn of it as early as here.
        let resets = [ECONNRESET, EPIPE, ECONNABORTED]
        if !numbers.isEmpty, numbers.count == errors.count, numbers.allSatisfy(resets.contains) {
            return WebSocketError(.ended, "the connection to \(place) ended before it was a WebSocket", cause: "\(error)")
        }
        // A Unix socket whose server is away is refused, or gone altogether, or held by somebody else until its queue is full.
        guard !numbers.isEmpty, numbers.count == errors.count,
            numbers.allSatisfy({ [ECONNREFUSED, ENOENT, EAGAIN].contains($0) })
        else {
            let hint = numbers.contains(EACCES) ? "Call as a user who may write to this socket." : nil
            return WebSocketError(.unreachable, "\(place) can't be reached", cause: "\(error)", hint: hint)
        }
        if numbers.contains(EAGAIN) { return WebSocketError(.notListening, "too many wait already on \(place)") }
        return WebSocketError(.notListening, "nobody listens on \(place)", cause: String(cString: strerror(numbers[0])))
    }

    /// Why a connection did not become a WebSocket.
    func error(beneath error: (any Error)?) -> any Error {
        if Task.isCancelled { return CancellationError() }
        let state = state.withLock { $0 }
        if state.hasTimedOut {
            return WebSocketError(.timedOut, "\(place) did not upgrade to WebSocket in time")
        }
        if let words = error.flatMap(TLSFailure.words) {
            return WebSocketError(.unreachable, "\(place) can't be reached over TLS", cause: words)
        }
        // After a 101 the server meant it, and went away.
        guard let status = state.status, status != 101 || error == nil else {
            return WebSocketError(
                .ended, "the connection to \(place) ended before it was a WebSocket", cause: error.map { "\($0)" })
        }
        return WebSocketError(
            .upgradeRefused, "\(place) did not upgrade to WebSocket, it answered HTTP \(status)", cause: error.map { "\($0)" },
            status: status)
    }
}

/// Notes the status of the answer to the upgrade; whatever comes passes through.
private final class AnswerWatch: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private var watch: HandshakeWatch?

    init(_ watch: HandshakeWatch) { self.watch = watch }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What follows the first answer may be of any kind.
        if let watch, case .head(let head) = unwrapInboundIn(data) { watch.answered(head.status.code) }
        watch = nil
        context.fireChannelRead(data)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
