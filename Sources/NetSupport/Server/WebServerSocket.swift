public import NIOCore
public import NIOHTTP1
import NIOWebSocket

/// The server's side of one WebSocket.
public struct WebServerSocket: Sendable {
    /// A number that the server gives to each connection once.
    public let id: UInt64
    /// The handshake request.
    public let head: HTTPRequestHead
    /// Who is at the other end.
    public let peer: WebServerPeer
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>

    init(
        id: UInt64, head: HTTPRequestHead, peer: WebServerPeer, channel: any Channel,
        outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    ) {
        self.id = id
        self.peer = peer
        self.head = head
        self.channel = channel
        self.outbound = outbound
    }

    /// Sends one text message; waits while the peer does not read.
    public func send(text: String) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text)))
    }

    /// Sends one binary message; waits while the peer does not read.
    public func send(binary: ByteBuffer) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: binary))
    }

    /// Sends a close frame; without a code it is empty. The peer's close then arrives among the messages.
    public func sendClose(code: UInt16?, reason: String) async throws {
        var data = ByteBuffer()
        if let code {
            data.writeInteger(code)
            data.writeString(String(reason.prefix(100)))
        }
        try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
    }

    /// Queues a text message and returns at once.
    ///
    /// - Parameters:
    ///   - bytes: the message, in UTF-8.
    ///   - written: called on the event loop, never before this returns, when the bytes have left for the kernel, or never will.
    public func post(text bytes: [UInt8], written: @escaping @Sendable () -> Void) {
        let frame = WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(bytes: bytes))
        // On the event loop itself a write would be done, and told, within the call: a caller may hold a lock.
        channel.eventLoop.execute { [channel] in channel.writeAndFlush(frame).whenComplete { _ in written() } }
    }

    /// Queues a text message in several frames and returns at once.
    ///
    /// - Parameter fragments: the message's parts in UTF-8, in order; a character may lie in two of them.
    public func post(fragments: [[UInt8]]) {
        channel.eventLoop.execute { [channel] in
            for (index, bytes) in fragments.enumerated() {
                let frame = WebSocketFrame(
                    fin: index == fragments.count - 1, opcode: index == 0 ? .text : .continuation, data: ByteBuffer(bytes: bytes))
                channel.write(frame, promise: nil)
            }
            channel.flush()
        }
    }

    /// Queues a close frame with its reason and returns at once. The connection ends when the peer has answered, at the latest after
    /// the grace period. Without a code the frame is empty.
    public func close(code: UInt16?, reason: String, grace: Duration) {
        channel.eventLoop.execute { [channel] in channel.closeWebSocket(code, reason, grace: TimeAmount(grace)) }
    }

    /// From now on messages may be as large as the server allows; before, all messages together may have
    /// ``WebServer/Configuration/firstBytes``.
    public func allowLargeMessages() {
        channel.eventLoop.execute { [channel] in
            let operations = channel.pipeline.syncOperations
            guard let first = try? operations.context(handlerType: FirstBytes.self) else { return }
            operations.removeHandler(context: first, promise: nil)
        }
    }

    /// Ends the TCP connection without a close frame, in order or with a reset.
    public func drop(reset: Bool) {
        channel.end(reset: reset)
    }

    fileprivate func answer(ping: ByteBuffer) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: ping))
    }
}

/// One message from a WebSocket peer.
public enum WebServerMessage: Sendable {
    /// A text message.
    case text(String)
    /// A binary message.
    case binary(ByteBuffer)
    /// A text message that is not UTF-8.
    case malformed
    /// The peer's close frame; nothing follows.
    case close(code: UInt16?, reason: String)
}

/// The messages of one WebSocket, fragments joined and pings answered. Iterate once.
public struct WebServerMessages: AsyncSequence, Sendable {
    let inbound: NIOAsyncChannelInboundStream<WebSocketFrame>
    let socket: WebServerSocket

    /// Makes the iterator.
    public func makeAsyncIterator() -> Iterator {
        Iterator(frames: inbound.makeAsyncIterator(), socket: socket)
    }

    /// Walks the messages.
    public struct Iterator: AsyncIteratorProtocol {
        var frames: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
        let socket: WebServerSocket
        var ended = false

        /// The next message; `nil` after a close frame or the end of the connection.
        public mutating func next() async throws -> WebServerMessage? {
            while !ended, let frame = try await frames.next() {
                var data = frame.unmaskedData
                switch frame.opcode {
                case .text:
                    guard let text = data.readValidString() else { return .malformed }
                    return .text(text)
                case .binary:
                    return .binary(data)
                case .ping:
                    try await socket.answer(ping: data)
                case .connectionClose:
                    ended = true
                    let code: UInt16? = data.readInteger()
                    return .close(code: code, reason: String(buffer: data))
                default:
                    continue
                }
            }
            return nil
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func readValidString() -> String? {
        try? readUTF8ValidatedString(length: readableBytes)
    }
}
