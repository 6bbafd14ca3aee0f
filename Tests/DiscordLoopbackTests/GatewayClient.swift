import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Testing

@testable import DiscordLoopback

/// A gateway client that does only what a test tells it to.
struct GatewayClient {
    enum Received: Equatable {
        case frame(JSON)
        case close(Int?)
        case end
    }

    private var frames: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    let channel: any NIOCore.Channel

    struct Refused: Error {}

    static func connect(
        _ rig: Rig, path: String = "/?v=10&encoding=json", _ work: (inout GatewayClient) async throws -> Void
    ) async throws {
        let upgraded: EventLoopFuture<NIOAsyncChannel<WebSocketFrame, WebSocketFrame>?> =
            try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: rig.address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketClientUpgrader<NIOAsyncChannel<WebSocketFrame, WebSocketFrame>?>(
                        maxFrameSize: 32 << 20,
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                            }
                        })
                    let head = HTTPRequestHead(
                        version: .http1_1, method: .GET, uri: path, headers: ["Host": "127.0.0.1", "Content-Length": "0"])
                    var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
                        upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                            upgradeRequestHead: head, upgraders: [upgrader],
                            notUpgradingCompletionHandler: { channel in
                                channel.close(promise: nil)
                                return channel.eventLoop.makeSucceededFuture(nil)
                            }))
                    // Hello may come in one piece with the handshake's answer; the default would drop it.
                    configuration.leftOverBytesStrategy = .forwardBytes
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                        configuration: configuration)
                }
            }
        guard let upgraded = try await upgraded.get() else { throw Refused() }
        try await upgraded.executeThenClose { inbound, outbound in
            var client = GatewayClient(
                frames: inbound.makeAsyncIterator(), outbound: outbound, channel: upgraded.channel)
            try await work(&client)
        }
    }

    mutating func next() async -> Received {
        while let frame = try? await frames.next() {
            var data = frame.unmaskedData
            switch frame.opcode {
            case .text: return .frame((try? JSON(parsing: String(buffer: data))) ?? .string(String(buffer: data)))
            case .connectionClose:
                let code: UInt16? = data.readInteger()
                return .close(code.map(Int.init))
            default: continue
            }
        }
        return .end
    }

    /// The next frame with this op (and event), passing over others; anything that ends the connection ends the search.
    mutating func next(op: Int, event: String? = nil) async -> JSON? {
        while true {
            guard case .frame(let frame) = await next() else { return nil }
            if frame[key: "op"]?.int == op, event == nil || frame[key: "t"]?.string == event { return frame }
        }
    }

    /// The close code that the server sends, passing over frames; `nil` if it sends none.
    mutating func closeCode() async -> Int? {
        while true {
            switch await next() {
            case .frame: continue
            case .close(let code): return code
            case .end: return nil
            }
        }
    }

    func send(_ json: JSON) async throws { try await send(text: json.text) }

    func send(text: String) async throws {
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: .random(), data: ByteBuffer(string: text))
        try await outbound.write(frame)
    }

    func close(_ code: UInt16) async throws {
        var data = ByteBuffer()
        data.writeInteger(code)
        try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: data))
    }

    func identify(intents: Int = 513, token: String = LoopbackOptions.defaultToken, shard: JSON? = nil) async throws {
        var body: JSON = [
            "token": .string(token), "intents": JSON(intents),
            "properties": ["os": "linux", "browser": "test", "device": "test"],
        ]
        if let shard { body[key: "shard"] = shard }
        try await send(["op": 2, "d": body])
    }

    func resume(_ session: String, seq: Int, token: String = LoopbackOptions.defaultToken) async throws {
        try await send(["op": 6, "d": ["token": .string(token), "session_id": .string(session), "seq": JSON(seq)]])
    }

    /// Identifies and waits for READY; returns the session id.
    mutating func login(intents: Int = 513) async throws -> String {
        _ = await next(op: 10)
        try await identify(intents: intents)
        return await next(op: 0, event: "READY")?[key: "d"]?[key: "session_id"]?.string ?? ""
    }
}

/// Fails the test: the connection ended where a frame was expected.
func noFrame(_ location: SourceLocation = #_sourceLocation) {
    Issue.record("expected a frame", sourceLocation: location)
}
