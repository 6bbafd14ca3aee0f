import Crypto
import Foundation
import NIOCore
import NIOPosix
import NetSupport
import Synchronization
import Testing

@Suite("WebSocket client: what comes with the answer to the handshake", .timeLimit(.minutes(1)))
struct FirstSegmentTests {
    /// A server that answers the handshake and says all it has to say in one write, and so in one segment.
    private final class HastyServer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var request = ByteBuffer()
        private let frames: [UInt8]

        init(_ frames: [UInt8]) { self.frames = frames }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !String(buffer: request).contains("\r\n\r\n") else { return }
            request.writeImmutableBuffer(unwrapInboundIn(data))
            let lines = String(buffer: request).components(separatedBy: "\r\n")
            guard lines.contains(""), let line = lines.first(where: { $0.lowercased().hasPrefix("sec-websocket-key:") }) else {
                return
            }
            let key = line.dropFirst("sec-websocket-key:".count).trimmingCharacters(in: .whitespaces)
            let accept = Data(Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
            var answer = ByteBuffer(
                string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: \(accept.base64EncodedString())\r\n\r\n")
            answer.writeBytes(frames)
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }
    }

    @Test("frames in the same segment as the 101 are received, in order, a close frame included")
    func sameSegment() async throws {
        func text(_ words: String) -> [UInt8] { [0x81, UInt8(words.utf8.count)] + Array(words.utf8) }
        let frames = text("hello") + text("and more") + [0x88, 0x02, 0x0F, 0xA9]
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(HastyServer(frames)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try WebSocketAddress("ws://127.0.0.1:\(server.localAddress?.port ?? 0)/")
        let (texts, code) = try await WebSocketClient().withConnection(to: address) { connection in
            let texts = Mutex<[String]>([])
            let close = try await connection.receive { message in
                if case .text(let text) = message { texts.withLock { $0.append(String(buffer: text)) } }
            }
            return (texts.withLock { $0 }, close?.code)
        }
        #expect(texts == ["hello", "and more"])
        #expect(code == 4009)
        try await server.close()
    }
}
