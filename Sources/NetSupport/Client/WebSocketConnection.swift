public import NIOCore
import NIOWebSocket

/// One open WebSocket, usable only within ``WebSocketClient/withConnection(to:_:)``.
///
/// Sending never waits: frames are queued in order and written by a task of the connection. Pings are answered by themselves.
public final class WebSocketConnection: Sendable {
    /// A whole message.
    public enum Message: Hashable, Sendable {
        /// Text, as the bytes came: that they are UTF-8 is not checked here.
        case text(ByteBuffer)
        /// Anything else.
        case binary(ByteBuffer)
    }

    private enum Outgoing: Sendable {
        case frame(WebSocketOpcode, ByteBuffer)
        case close(Close)
    }

    /// A close frame (RFC 6455, section 5.5.1).
    public struct Close: Hashable, Sendable {
        /// The code; 1005 where the frame had none.
        public let code: UInt16
        /// The reason, in the words of whoever closed; often empty.
        public let reason: String

        /// Makes a close.
        ///
        /// - Parameters:
        ///   - code: the code.
        ///   - reason: why, in at most 123 bytes.
        public init(code: UInt16, reason: String = "") {
            self.code = code
            self.reason = reason
        }
    }

    private let inbound: NIOAsyncChannelInboundStream<WebSocketFrame>
    private let queue: AsyncStream<Outgoing>.Continuation
    private let maximumMessageBytes: Int

    private init(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ queue: AsyncStream<Outgoing>.Continuation,
        maximumMessageBytes: Int
    ) {
        self.inbound = inbound
        self.queue = queue
        self.maximumMessageBytes = maximumMessageBytes
    }

    /// Queues a text message; `text` must be UTF-8.
    public func send(text: ByteBuffer) { queue.yield(.frame(.text, text)) }

    /// Queues a ping; the pong is not reported.
    public func ping() { queue.yield(.frame(.ping, ByteBuffer())) }

    /// Queues a close frame and lets go of the connection when the server has answered, at the latest after the close timeout.
    ///
    /// ``receive(_:)`` ends then. Nothing that is queued later is sent.
    ///
    /// - Parameters:
    ///   - code: the code.
    ///   - reason: why, in at most 123 bytes.
    public func close(code: UInt16, reason: String = "") {
        queue.yield(.close(Close(code: code, reason: reason)))
        queue.finish()
    }

    /// Hands over messages one by one, waiting for the handler, until the connection has ended. May be called once.
    ///
    /// - Returns: the server's close frame; `nil` if the connection ended without one.
    /// - Throws: ``WebSocketError`` if a frame or message is too large or breaks the protocol, or the connection breaks; what the
    ///   handler throws.
    public func receive(_ handle: (Message) async throws -> Void) async throws -> Close? {
        var partial: (isText: Bool, data: ByteBuffer)?
        do {
            for try await frame in inbound {
                var data = frame.unmaskedData
                switch frame.opcode {
                case .ping:
                    queue.yield(.frame(.pong, data))
                case .pong:
                    break
                case .connectionClose:
                    let code = data.readInteger(as: UInt16.self)
                    close(code: code ?? 1000)
                    return Close(code: code ?? 1005, reason: String(buffer: data))
                case .text, .binary:
                    guard partial == nil else { throw violation("a new message began within another") }
                    partial = (frame.opcode == .text, data)
                case .continuation:
                    guard partial != nil else { throw violation("a continuation of nothing") }
                    partial?.data.writeBuffer(&data)
                default:
                    throw violation("an unknown opcode")
                }
                guard let message = partial, frame.opcode == .text || frame.opcode == .binary || frame.opcode == .continuation
                else {
                    continue
                }
                guard message.data.readableBytes <= maximumMessageBytes else {
                    close(code: 1009)
                    throw Self.tooLarge(maximumMessageBytes)
                }
                guard frame.fin else { continue }
                partial = nil
                try await handle(message.isText ? .text(message.data) : .binary(message.data))
            }
            return nil
        } catch let error as NIOWebSocketError {
            guard error == .invalidFrameLength else { throw violation("\(error)") }
            close(code: 1009)
            throw Self.tooLarge(maximumMessageBytes)
        } catch let error as IOError {
            throw WebSocketError(.broken, "the connection broke", cause: "\(error)")
        }
    }

    private func violation(_ what: String) -> WebSocketError {
        close(code: 1002)
        return WebSocketError(.protocolViolation, "the server broke the WebSocket protocol", cause: what)
    }

    private static func tooLarge(_ limit: Int) -> WebSocketError {
        WebSocketError(.tooLarge, "a message over the limit of \(limit) bytes")
    }

    static func run<Result: Sendable>(
        over channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>, configuration: WebSocketClient.Configuration,
        _ body: @escaping @Sendable (WebSocketConnection) async throws -> Result
    ) async throws -> Result {
        let (stream, queue) = AsyncStream.makeStream(of: Outgoing.self)
        let transport = channel.channel
        return try await channel.executeThenClose { inbound, outbound in
            let connection = WebSocketConnection(inbound, queue, maximumMessageBytes: configuration.maximumMessageBytes)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await write(stream, to: outbound, over: transport, closeTimeout: configuration.closeTimeout)
                }
                let result: Swift.Result<Result, any Error>
                do { result = .success(try await body(connection)) } catch { result = .failure(error) }
                // What is queued goes out before the channel closes; a peer that reads nothing can't hold us.
                queue.finish()
                let deadline = transport.eventLoop.scheduleTask(in: TimeAmount(configuration.closeTimeout)) {
                    transport.close(promise: nil)
                }
                defer { deadline.cancel() }
                try await group.waitForAll()
                return try result.get()
            }
        }
    }

    private static func write(
        _ stream: AsyncStream<Outgoing>, to outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, over channel: any Channel,
        closeTimeout: Duration
    ) async {
        // A write fails only when the connection is gone, which the reader reports.
        for await item in stream {
            switch item {
            case .frame(let opcode, let data):
                try? await outbound.write(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data))
            case .close(let close):
                var data = ByteBuffer()
                data.writeInteger(close.code)
                data.writeString(close.reason)
                try? await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: data))
                channel.eventLoop.scheduleTask(in: TimeAmount(closeTimeout)) { channel.close(promise: nil) }
            }
        }
    }
}
