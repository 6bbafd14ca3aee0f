import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import NetSupport
import Synchronization
import Testing

@Suite("WebSocket client", .timeLimit(.minutes(1)))
struct WebSocketClientTests {
    typealias Socket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    /// Serves one connection with a script and hands the client's side to the body.
    static func with<Result: Sendable>(
        _ configuration: WebSocketClient.Configuration = .init(),
        server script:
            @escaping @Sendable (NIOAsyncChannelInboundStream<WebSocketFrame>, NIOAsyncChannelOutboundWriter<WebSocketFrame>)
            async throws -> Void,
        client body: @escaping @Sendable (WebSocketConnection) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketServerUpgrader<Socket?>(
                        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
                        })
                    let upgrade = NIOTypedHTTPServerUpgradeConfiguration<Socket?>(upgraders: [upgrader]) {
                        $0.eventLoop.makeSucceededFuture(nil)
                    }
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: .init(upgradeConfiguration: upgrade))
                }
            }
        let address = try WebSocketAddress("ws://127.0.0.1:\(listener.channel.localAddress?.port ?? 0)/")
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    for try await upgrade in connections {
                        guard let socket = try await upgrade.get() else { return }
                        try await socket.executeThenClose { try await script($0, $1) }
                        return
                    }
                }
            }
            let result = try await WebSocketClient(configuration: configuration).withConnection(to: address, body)
            // Its script ends when the client is gone; what it has still to read counts.
            try await group.waitForAll()
            return result
        }
    }

    static func text(_ text: String, fin: Bool = true, opcode: WebSocketOpcode = .text) -> WebSocketFrame {
        WebSocketFrame(fin: fin, opcode: opcode, data: ByteBuffer(string: text))
    }

    static func errorCode(_ body: () async throws -> Void) async -> WebSocketError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? WebSocketError)?.code
        }
    }

    @Test("messages arrive whole and in order, also in pieces with a ping between; pings are answered; close codes go both ways")
    func conversation() async throws {
        let closedWith = Mutex<UInt16?>(nil)
        let (texts, code) = try await Self.with { inbound, outbound in
            try await outbound.write(Self.text("one"))
            try await outbound.write(Self.text("tw", fin: false))
            try await outbound.write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer(string: "p")))
            try await outbound.write(Self.text("o", opcode: .continuation))
            var frames = inbound.makeAsyncIterator()
            guard let pong = try await frames.next(), pong.opcode == .pong, String(buffer: pong.unmaskedData) == "p" else {
                return
            }
            try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: ByteBuffer(integer: UInt16(4009))))
            guard var answer = try await frames.next()?.unmaskedData else { return }
            closedWith.withLock { $0 = answer.readInteger() }
        } client: { connection in
            let texts = Mutex<[String]>([])
            let close = try await connection.receive { message in
                if case .text(let text) = message { texts.withLock { $0.append(String(buffer: text)) } }
            }
            return (texts.withLock { $0 }, close?.code)
        }
        #expect(texts == ["one", "two"])
        #expect(code == 4009)
        #expect(closedWith.withLock { $0 } == 4009)
    }

    @Test("a frame over the limit, and pieces that add up to more, end with 1009 and a clear error", arguments: [true, false])
    func tooLarge(inPieces: Bool) async throws {
        var configuration = WebSocketClient.Configuration()
        configuration.maximumFrameBytes = 1000
        configuration.maximumMessageBytes = 1000
        let closedWith = Mutex<UInt16?>(nil)
        let code = try await Self.with(configuration) { inbound, outbound in
            if inPieces {
                try await outbound.write(Self.text(String(repeating: "x", count: 900), fin: false))
                try await outbound.write(Self.text(String(repeating: "x", count: 900), fin: false, opcode: .continuation))
            } else {
                try await outbound.write(Self.text(String(repeating: "x", count: 1001)))
            }
            for try await frame in inbound where frame.opcode == .connectionClose {
                var data = frame.unmaskedData
                closedWith.withLock { $0 = data.readInteger() }
                return
            }
        } client: { connection in
            await Self.errorCode { _ = try await connection.receive { _ in } }
        }
        #expect(code == .tooLarge)
        #expect(closedWith.withLock { $0 } == 1009)
    }

    @Test(
        "a broken protocol ends with an error",
        arguments: [WebSocketOpcode.continuation, WebSocketOpcode(encodedWebSocketOpcode: 3)!])
    func violation(opcode: WebSocketOpcode) async throws {
        let code = try await Self.with { inbound, outbound in
            try await outbound.write(Self.text("x", opcode: opcode))
            for try await _ in inbound {}
        } client: { connection in
            await Self.errorCode { _ = try await connection.receive { _ in } }
        }
        #expect(code == .protocolViolation)
    }

    @Test("a server that never answers our close is left after the close timeout")
    func deafServer() async throws {
        var configuration = WebSocketClient.Configuration()
        configuration.closeTimeout = .milliseconds(50)
        let code = try await Self.with(configuration) { inbound, _ in
            for try await _ in inbound {}
        } client: { connection in
            connection.close(code: 4000)
            return try await connection.receive { _ in }
        }
        #expect(code == nil)
    }

    @Test("a port where nobody listens is told as such, a server that says nothing times out, and both leave nothing behind")
    func noConnection() async throws {
        #expect(
            await Self.errorCode {
                try await WebSocketClient().withConnection(to: WebSocketAddress("ws://127.0.0.1:1/")) { _ in }
            } == .notListening)
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
            .get()
        var configuration = WebSocketClient.Configuration()
        configuration.handshakeTimeout = .milliseconds(50)
        let address = try WebSocketAddress("ws://127.0.0.1:\(silent.localAddress?.port ?? 0)")
        let client = WebSocketClient(configuration: configuration)
        #expect(await Self.errorCode { try await client.withConnection(to: address) { _ in } } == .timedOut)
        try await silent.close()
    }

    @Test("plain ws is for this machine only, and odd addresses are none")
    func addresses() {
        for good in ["ws://127.0.0.1:1", "ws://localhost/x?y", "ws://[::1]:8080/", "wss://gateway.discord.gg/?v=10"] {
            #expect(throws: Never.self, "\(good)") { try WebSocketAddress(good) }
        }
        for bad in [
            "ws://example.com", "ws://127.0.0.1.evil.example", "ws://10.0.0.1", "http://x", "wss://", "wss://a@b", "wss://a b",
        ] {
            #expect(throws: WebSocketError.self, "\(bad)") { try WebSocketAddress(bad) }
        }
    }
}
