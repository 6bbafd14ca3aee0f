import NIOCore
import NIOHTTP1
import NIOWebSocket

/// One connection: requests are answered one after another until someone ends it or it becomes a WebSocket.
///
/// NIO's own upgrade handler takes only the first request of a connection; clients with a pool ask for a WebSocket
/// on one that has served requests before, so the upgrade is done here.
struct HTTPConnection: Sendable {
    private let id: UInt64
    private let channel: any Channel
    private let connections: OpenConnections
    private let maxMessageBytes: Int
    private let firstBytes: Int?
    private let requestTimeout: Duration?
    private let requests: AsyncStream<HTTPRequestCollector.Arrival>
    private let pipeline: NIOLoopBound<HTTPPipeline>

    /// Sets the channel's pipeline up; on its event loop.
    init(id: UInt64, channel: any Channel, connections: OpenConnections, configuration: WebServer.Configuration) throws {
        self.id = id
        self.connections = connections
        self.channel = channel
        maxMessageBytes = configuration.maxMessageBytes
        firstBytes = configuration.firstBytes
        requestTimeout = configuration.requestTimeout
        let (requests, continuation) = AsyncStream.makeStream(of: HTTPRequestCollector.Arrival.self)
        self.requests = requests
        _ = HTTPPipeline.types
        let pipeline = HTTPPipeline(
            collector: HTTPRequestCollector(maxBodyBytes: configuration.maxBodyBytes, arrivals: continuation))
        try pipeline.install(in: channel)
        self.pipeline = NIOLoopBound(pipeline, eventLoop: channel.eventLoop)
    }

    func run(_ handler: some WebServerHandler) async throws {
        defer { channel.close(promise: nil) }
        var deadline = awaitRequest()
        defer { deadline?.cancel() }
        for await arrival in requests {
            deadline?.cancel()
            switch arrival {
            case .tooLarge:
                try await write(WebServerResponse(status: .payloadTooLarge), keepAlive: false)
                return
            case .request(let head, let body):
                if wantsWebSocket(head), handler.accepts(handshake: head) {
                    return try await serve(head, handler)
                }
                let request = WebServerRequest(
                    connection: id, peer: try await WebServerPeer.of(channel).get(), method: head.method, uri: head.uri,
                    headers: head.headers, body: body)
                _ = connections.setIdle(nil, id)
                guard try await answer(request, head, handler), !connections.setIdle(channel, id) else { return }
                deadline = awaitRequest()
            }
        }
    }

    /// Sends the peer away unless a whole request comes in time.
    private func awaitRequest() -> Scheduled<Void>? {
        requestTimeout.map { [channel] timeout in
            channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.sendAway("408 Request Timeout") }
        }
    }

    private func wantsWebSocket(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
            && head.headers[canonicalForm: "Sec-WebSocket-Version"].first == "13"
            && head.headers[canonicalForm: "Sec-WebSocket-Key"].count == 1
    }

    /// Answers one request and says whether the connection lives on.
    private func answer(
        _ request: WebServerRequest, _ head: HTTPRequestHead, _ handler: some WebServerHandler
    ) async throws -> Bool {
        switch await handler.reply(to: request) {
        case .response(let response):
            // The decoder reads nothing after a request to change protocols, not even where that is refused.
            let keepAlive = head.isKeepAlive && !connections.isDraining && head.headers[canonicalForm: "Upgrade"].isEmpty
            try await write(response, keepAlive: keepAlive)
            return keepAlive
        case .stream(let headers, let parts):
            try await stream(parts, headers)
            return false
        case .close:
            return false
        case .reset:
            channel.end(reset: true)
            try? await channel.closeFuture.get()
            return false
        case .hang:
            try? await channel.closeFuture.get()
            return false
        }
    }

    private func write(_ response: WebServerResponse, keepAlive: Bool) async throws {
        var headers = response.headers
        if response.status != .noContent {
            headers.replaceOrAdd(name: "Content-Length", value: String(response.body.readableBytes))
        }
        headers.replaceOrAdd(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        let channel = channel
        try await channel.eventLoop.flatSubmit {
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            if response.body.readableBytes > 0 {
                channel.write(HTTPServerResponsePart.body(.byteBuffer(response.body)), promise: nil)
            }
            return channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        }.get()
    }

    /// Sends parts as they come, until there are no more or the peer is gone.
    private func stream(_ parts: AsyncStream<String>, _ headers: HTTPHeaders) async throws {
        var headers = headers
        headers.replaceOrAdd(name: "Connection", value: "close")
        try await channel.writeAndFlush(
            HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))
        ).get()
        for await part in parts {
            try await channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: part)))).get()
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
    }

    private func serve(_ head: HTTPRequestHead, _ handler: some WebServerHandler) async throws {
        let (id, channel, pipeline, maxMessageBytes, firstBytes) = (id, channel, pipeline, maxMessageBytes, firstBytes)
        let peer = try await WebServerPeer.of(channel).get()
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        let frames: NIOAsyncChannel<WebSocketFrame, WebSocketFrame> = try await channel.eventLoop.flatSubmit {
            upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: HTTPHeaders())
                .flatMap { headers in
                    var headers = headers
                    headers.replaceOrAdd(name: "Connection", value: "upgrade")
                    let response = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
                    channel.write(HTTPServerResponsePart.head(response), promise: nil)
                    return channel.writeAndFlush(HTTPServerResponsePart.end(nil))
                }
                .flatMap { pipeline.value.becomeWebSocket(channel, maxMessageBytes: maxMessageBytes, firstBytes: firstBytes) }
        }.get()
        try await frames.executeThenClose { inbound, outbound in
            let socket = WebServerSocket(id: id, head: head, peer: peer, channel: channel, outbound: outbound)
            await handler.serve(socket, messages: WebServerMessages(inbound: inbound, socket: socket))
        }
    }
}

/// The HTTP handlers of one channel, kept so that they can be taken out again.
private struct HTTPPipeline {
    let encoder = HTTPResponseEncoder()
    let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
    let pipelining = HTTPServerPipelineHandler()
    let errors = HTTPServerProtocolErrorHandler()
    let collector: HTTPRequestCollector

    /// Makes the types of the handlers, on one thread. Two event loops that take their first connection in the same moment would make
    /// them together, and the runtime (6.3) then may find a generic class whose superclass is not filled in yet, and crashes.
    static let types: Void = {
        _ = HTTPPipeline(collector: HTTPRequestCollector(maxBodyBytes: 0, arrivals: AsyncStream.makeStream().continuation))
        _ = ByteToMessageHandler(WebSocketFrameDecoder())
        _ = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>.self
    }()

    func install(in channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, pipelining, errors, collector])
    }

    /// Takes HTTP out and puts WebSocket in; the decoder goes last and hands over what it has read too far.
    func becomeWebSocket(
        _ channel: any Channel, maxMessageBytes: Int, firstBytes: Int?
    ) -> EventLoopFuture<NIOAsyncChannel<WebSocketFrame, WebSocketFrame>> {
        let operations = channel.pipeline.syncOperations
        let out: [any RemovableChannelHandler] = [collector, errors, pipelining, encoder]
        let removed = EventLoopFuture.andAllSucceed(
            out.map { operations.removeHandler($0) }, on: channel.eventLoop)
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        return removed.flatMapThrowing {
            // Before the HTTP decoder, which hands over what it has read too far, and so before the one of frames.
            if let firstBytes {
                try channel.pipeline.syncOperations.addHandler(
                    FirstBytes(limit: firstBytes), position: .after(bound.value.decoder))
            }
            try channel.pipeline.syncOperations.addHandlers([
                WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: maxMessageBytes)), FrameRules(),
                NIOWebSocketFrameAggregator(
                    minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: FrameFaults.maximumFragments,
                    maxAccumulatedFrameSize: maxMessageBytes),
                FrameFaults(maximumBytes: maxMessageBytes),
            ])
            return try NIOAsyncChannel<WebSocketFrame, WebSocketFrame>(wrappingChannelSynchronously: channel)
        }.flatMap { frames in
            channel.pipeline.syncOperations.removeHandler(bound.value.decoder).map {
                // Frames that came with the handshake are handed over now; the channel passes them on with the end of a read.
                channel.pipeline.fireChannelReadComplete()
                return frames
            }
        }
    }
}
