import GatewayProtocol
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import WakeCore

/// A WebSocket server that does nothing but answer: it lets everybody in, and sends the same bytes back to each request. What it costs is
/// WebSocket, the socket and the client.
struct BareServer {
    let channels: [any Channel]
    let port: Int

    /// Listens on a free port and at a path.
    static func start(path: String, payload: JSONValue?) async throws -> BareServer {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try upgrade(channel, payload) }
        }
        let local = try await bootstrap.bind(unixDomainSocketPath: path).get()
        let web = try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1).bind(host: "127.0.0.1", port: 0)
            .get()
        return BareServer(channels: [web, local], port: web.localAddress?.port ?? 0)
    }

    private static func upgrade(_ channel: any Channel, _ payload: JSONValue?) throws {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(BareHandler(payload: payload))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
    }

    func close() async {
        for channel in channels { try? await channel.close() }
    }
}

private final class BareHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private static let hello = Hello(
        version: 4, serverVersion: "0", connection: "0", methods: [], events: [], snapshot: [:], role: "operator", scopes: [])
    private let tail: [UInt8]
    private var count = 0

    init(payload: JSONValue?) { tail = Array(",\"ok\":true,\"payload\":\(payload?.text ?? "null")}".utf8) }

    func handlerAdded(context: ChannelHandlerContext) {
        send(GatewayFrame.event(GatewayEvent("connect.challenge", payload: .object(["nonce": "n", "ts": 0]))).bytes, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard frame.opcode == .text else { return context.close(promise: nil) }
        count += 1
        if count == 1 {
            return send(GatewayFrame.response(GatewayResponse(id: .text("1"), result: .success(Self.hello.json))).bytes, context)
        }
        // The client numbers its requests from 1.
        send(Array("{\"type\":\"res\",\"id\":\"\(count)\"".utf8) + tail, context)
    }

    private func send(_ bytes: some Sequence<UInt8>, _ context: ChannelHandlerContext) {
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(bytes: bytes))), promise: nil)
    }
}
