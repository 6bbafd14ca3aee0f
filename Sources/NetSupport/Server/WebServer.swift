public import Logging
import NIOCore
import NIOPosix
public import NIOSSL
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An HTTP and WebSocket server that knows nothing of what it serves.
///
/// Nothing starts in `init`; ``run(_:onListening:)`` owns every task and returns when it is cancelled.
/// The listener can be taken away and put back while connections live on, so that tests can play an outage.
public final class WebServer: Sendable {
    /// Where to listen and how much to take.
    public struct Configuration: Sendable {
        /// A listening socket that is there already, to be used in place of an address; `nil` for none.
        public var descriptor: Int32?
        /// Address to bind. Default `127.0.0.1`.
        public var host: String
        /// Port to bind; 0 picks a free one, which is then kept for as long as the server lives.
        public var port: Int
        /// Largest body of a request, in bytes; more is answered with 413. Default 26 MiB.
        public var maxBodyBytes: Int
        /// Largest WebSocket message from a client, in bytes; more ends the connection. Default 1 MiB.
        public var maxMessageBytes: Int
        /// The most that a WebSocket peer may send before ``WebServerSocket/allowLargeMessages()``, in bytes; `nil` for no such bound.
        public var firstBytes: Int?
        /// Most connections at once; more are closed at once. Default 4,096.
        public var maxConnections: Int
        /// How long a connection may take to its next whole request; later it is told 408 and ends. `nil` for as long as it likes.
        public var requestTimeout: Duration?
        /// The certificate for TLS; `nil` for plain text.
        public var tls: NIOSSLContext?

        /// Makes a configuration.
        public init(
            host: String = "127.0.0.1", port: Int = 0, maxBodyBytes: Int = 26 << 20, maxMessageBytes: Int = 1 << 20,
            maxConnections: Int = 4_096, tls: NIOSSLContext? = nil, descriptor: Int32? = nil, firstBytes: Int? = nil,
            requestTimeout: Duration? = nil
        ) {
            self.requestTimeout = requestTimeout
            self.firstBytes = firstBytes
            self.descriptor = descriptor
            self.host = host
            self.port = port
            self.maxBodyBytes = maxBodyBytes
            self.maxMessageBytes = maxMessageBytes
            self.maxConnections = maxConnections
            self.tls = tls
        }
    }

    private struct Listening {
        var wanted = true
        /// We have listened on the port before: it is ours.
        var hasListened = false
        var port: Int
        var channel: (any Channel)?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let configuration: Configuration
    private let logger: Logger
    private let connections: OpenConnections
    private let listening: Mutex<Listening>
    private let isDraining = Mutex(false)

    /// Makes a server; nothing is bound before ``run(_:onListening:)``.
    public init(configuration: Configuration, logger: Logger = Logger(label: "web-server")) {
        self.configuration = configuration
        self.logger = logger
        self.connections = OpenConnections(limit: configuration.maxConnections)
        self.listening = Mutex(Listening(port: configuration.port))
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameters:
    ///   - handler: what answers.
    ///   - onListening: called with the port each time the listener is bound.
    /// - Throws: what binding throws (port taken, no such address).
    public func run(_ handler: some WebServerHandler, onListening: @Sendable (Int) -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            defer { if Task.isCancelled { connections.closeAll(reset: false) } }
            while !Task.isCancelled, !isDraining.withLock({ $0 }) {
                await waitUntilWanted()
                if Task.isCancelled { break }
                let listener = try await bind()
                onListening(listening.withLock(\.port))
                try? await listener.executeThenClose { accepted in
                    for try await connection in accepted {
                        group.addTask { await self.serve(connection, handler) }
                    }
                }
                listening.withLock { $0.channel = nil }
            }
        }
    }

    /// Ends in good order: takes no more connections, answers what was asked, and makes ``run(_:onListening:)`` return when the last
    /// connection has ended, or after that long. Who comes meanwhile waits in the listening socket, if someone else holds it open.
    public func drain(within limit: Duration) {
        isDraining.withLock { $0 = true }
        let listener = listening.withLock { state in
            state.wanted = false
            return state.channel
        }
        listener.map(Self.finishAccepting)
        connections.drain()
        let connections = connections
        MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: TimeAmount(limit)) { connections.sendAway() }
    }

    /// Takes nobody more, and closes the listener when all who were taken are known: NIO drops connections whose pipeline is not set up
    /// when their listener closes.
    private static func finishAccepting(_ listener: any Channel) {
        listener.setOption(.autoRead, value: false).flatMap { hop(4, from: listener.eventLoop) }.whenComplete { _ in
            listener.close(promise: nil)
        }
    }

    /// Visits every event loop so many times: what was under way between them has come home then.
    private static func hop(_ rounds: Int, from home: any EventLoop) -> EventLoopFuture<Void> {
        guard rounds > 0 else { return home.makeSucceededVoidFuture() }
        let visits = MultiThreadedEventLoopGroup.singleton.makeIterator().map { $0.submit {} }
        return EventLoopFuture.andAllComplete(visits, on: home).flatMap { hop(rounds - 1, from: home) }
    }

    /// Closes the listener: new connections are refused until ``startListening()``. Open connections stay.
    public func stopListening() {
        let channel = listening.withLock { state in
            state.wanted = false
            return state.channel
        }
        // Who was taken just before must be served or closed: their clients would wait for an answer until they lose patience.
        channel.map(Self.finishAccepting)
    }

    /// Binds the same port again after ``stopListening()``.
    public func startListening() {
        let waiter = listening.withLock { state in
            state.wanted = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Ends every open connection, in order or with a TCP reset.
    public func dropConnections(reset: Bool) {
        connections.closeAll(reset: reset)
    }

    private func waitUntilWanted() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goOn = listening.withLock { state in
                    if state.wanted || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if goOn { continuation.resume() }
            }
        } onCancel: {
            let waiter = listening.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }

    private func bind() async throws -> NIOAsyncChannel<HTTPConnection, Never> {
        let listener = if let descriptor = configuration.descriptor { try await takeOver(descriptor) } else { try await open() }
        let stillWanted = listening.withLock { state in
            state.port = listener.channel.localAddress?.port ?? state.port
            state.channel = listener.channel
            state.hasListened = true
            return state.wanted
        }
        if !stillWanted { Self.finishAccepting(listener.channel) }
        return listener
    }

    /// How long a port of ours may be held by what was forked off at the moment, and how often it is looked at.
    private static let stillHeld = (tries: 500, pause: Duration.milliseconds(10))

    private func open() async throws -> NIOAsyncChannel<HTTPConnection, Never> {
        var tries = listening.withLock(\.hasListened) ? Self.stillHeld.tries : 1
        while true {
            do { return try await bindPort() } catch let error as IOError where error.errnoCode == EADDRINUSE && tries > 1 {
                // A child has a copy of the closed listener from its fork until it is another program.
                logger.debug("the port is still held")
                tries -= 1
                try await Task.sleep(for: Self.stillHeld.pause)
            }
        }
    }

    private func bindPort() async throws -> NIOAsyncChannel<HTTPConnection, Never> {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: configuration.host, port: listening.withLock(\.port)) { [self] channel in
                channel.eventLoop.makeCompletedFuture { try adopt(channel) }
            }
    }

    /// The listener never pauses by itself: a read that was put off would take somebody after the last one.
    private static let patience = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
        lowWatermark: 32_768, highWatermark: 65_536)

    private func takeOver(_ descriptor: Int32) async throws -> NIOAsyncChannel<HTTPConnection, Never> {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            _ = getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        // Without it each answer to what waited in the socket takes 40 ms more.
        if Int32(address.ss_family) != AF_UNIX { _ = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1) }
        // NIO lets 128 wait, whatever was set before: too few for the time of a restart. The system knows its own limit.
        return try await bootstrap.serverChannelInitializer { channel in
            _ = listen(descriptor, .max)
            return channel.eventLoop.makeSucceededVoidFuture()
        }.bind(descriptor, serverBackPressureStrategy: Self.patience) { [self] channel in
            channel.eventLoop.makeCompletedFuture { try adopt(channel) }
        }
    }

    private func adopt(_ channel: any Channel) throws -> HTTPConnection {
        guard let id = connections.add(channel) else { throw ChannelError.ioOnClosedChannel }
        if let tls = configuration.tls {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
        }
        return try HTTPConnection(id: id, channel: channel, connections: connections, configuration: configuration)
    }

    private func serve(_ connection: HTTPConnection, _ handler: some WebServerHandler) async {
        do {
            try await connection.run(handler)
        } catch {
            logger.debug("connection ended", metadata: ["error": "\(error)"])
        }
    }
}
