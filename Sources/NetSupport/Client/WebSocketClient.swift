public import NIOCore
import NIOHTTP1
import NIOPosix
public import NIOSSL
import NIOWebSocket
import Synchronization

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
    /// - Returns: what the body returns.
    /// - Throws: ``WebSocketError`` if the connection can't be made; what the body throws.
    public func withConnection<Result: Sendable>(
        to address: WebSocketAddress, _ body: @escaping @Sendable (WebSocketConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await open(address)
        return try await WebSocketConnection.run(over: channel, configuration: configuration, body)
    }

    private enum Upgrade: Sendable {
        case done(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
        case refused
    }

    private func open(_ address: WebSocketAddress) async throws -> NIOAsyncChannel<WebSocketFrame, WebSocketFrame> {
        let tls = address.isSecure ? try tlsContext() : nil
        let watch = HandshakeWatch()
        let upgrading: EventLoopFuture<Upgrade>
        do {
            upgrading = try await ClientBootstrap(group: group)
                .connectTimeout(TimeAmount(configuration.connectTimeout))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Self.prepare(channel, for: address, tls, watch, configuration)
                    }
                }
        } catch {
            throw WebSocketError(.unreachable, "\(address.host):\(address.port) can't be reached", cause: "\(error)")
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
            throw watch.error(address, beneath: error)
        }
        throw watch.error(address, beneath: nil)
    }

    private func tlsContext() throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = configuration.trustRoots
        return try NIOSSLContext(configuration: tls)
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
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: configuration.maximumFrameBytes, enableAutomaticErrorHandling: false
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                .done(try NIOAsyncChannel<WebSocketFrame, WebSocketFrame>(wrappingChannelSynchronously: channel))
            }
        }
        var headers = HTTPHeaders([("Host", address.hostHeader)])
        for (name, value) in configuration.headers { headers.add(name: name, value: value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target, headers: headers)
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<Upgrade>(upgradeRequestHead: head, upgraders: [upgrader]) {
            channel in
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(.refused)
        }
        var http = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        // A server may send its first frame in the same segment as its 101; by default what follows the head is dropped.
        http.leftOverBytesStrategy = .forwardBytes
        return try pipeline.configureUpgradableHTTPClientPipeline(configuration: http)
    }
}

/// Watches a connection that is being made: can end it from outside, and knows why it ended.
private final class HandshakeWatch: Sendable {
    private struct State {
        var channel: (any Channel)?
        var hasTimedOut = false
    }

    private let state = Mutex(State())

    func watch(_ channel: any Channel) { state.withLock { $0.channel = channel } }

    func timeOut() {
        state.withLock { $0.hasTimedOut = true }
        close()
    }

    func close() { state.withLock { $0.channel }?.close(promise: nil) }

    func error(_ address: WebSocketAddress, beneath error: (any Error)?) -> any Error {
        let place = "\(address.host):\(address.port)"
        if Task.isCancelled { return CancellationError() }
        if state.withLock({ $0.hasTimedOut }) {
            return WebSocketError(.timedOut, "\(place) did not upgrade to WebSocket in time")
        }
        if let words = error.flatMap(TLSFailure.words) {
            return WebSocketError(.unreachable, "\(place) can't be reached over TLS", cause: words)
        }
        return WebSocketError(.upgradeRefused, "\(place) did not upgrade to WebSocket", cause: error.map { "\($0)" })
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
