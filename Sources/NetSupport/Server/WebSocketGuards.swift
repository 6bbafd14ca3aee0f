import NIOCore
import NIOWebSocket

/// Bounds what a WebSocket peer may send before it is known, all frames together: a frame's head alone could promise megabytes.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let limit: Int
    private var count = 0

    init(limit: Int) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += unwrapInboundIn(data).readableBytes
        guard count > limit else { return context.fireChannelRead(data) }
        // The rest is read and thrown away: closing over unread bytes would reset the connection, and the reason with it.
        guard count - unwrapInboundIn(data).readableBytes <= limit else { return }
        context.channel.closeWebSocket(1009, "a frame is over the limit of \(limit) bytes", grace: .milliseconds(500))
    }
}

/// Finds frames that no client may send: unmasked ones (RFC 6455, section 5.1), and those of an extension that nobody agreed on (5.2).
final class FrameRules: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    struct Broken: Error {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let isPlain = !frame.rsv1 && !frame.rsv2 && !frame.rsv3
        switch frame.opcode {
        case .continuation, .text, .binary, .connectionClose, .ping, .pong:
            guard frame.maskKey != nil, isPlain else { fallthrough }
            context.fireChannelRead(data)
        default: context.fireErrorCaught(Broken())
        }
    }
}

/// Ends a connection whose frames break the protocol, with a reason. Nothing is sent after a close frame, whoever sent it, and nothing
/// but the peer's own close frame is heard after a fault.
final class FrameFaults: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = WebSocketFrame

    /// The most fragments of one message.
    static let maximumFragments = 1_024

    private let maximumBytes: Int
    private var hasClosed = false
    private var isEnding = false

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !hasClosed else {
            promise?.succeed()
            return
        }
        hasClosed = unwrapOutboundIn(data).opcode == .connectionClose
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnding || unwrapInboundIn(data).opcode == .connectionClose else { return }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let (code, reason): (UInt16, String)
        switch error {
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge:
            (code, reason) = (1009, "a message is over the limit of \(maximumBytes) bytes")
        case NIOWebSocketFrameAggregator.Error.tooManyFragments:
            (code, reason) = (1009, "a message is in more than \(Self.maximumFragments) fragments")
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error, is FrameRules.Broken:
            (code, reason) = (1002, "a frame breaks the protocol")
        default: return context.fireErrorCaught(error)
        }
        // The error goes no further: it would end the messages, and with them the channel, before the reason is sent.
        guard !isEnding else { return }
        isEnding = true
        context.channel.closeWebSocket(code, reason, grace: .milliseconds(500))
    }
}

extension Channel {
    /// Sends a close frame; the connection ends when the peer has answered it, at the latest after the grace period. On the event loop.
    func closeWebSocket(_ code: UInt16?, _ reason: String, grace: TimeAmount) {
        var data = allocator.buffer(capacity: 2 + reason.utf8.count)
        if let code {
            data.writeInteger(code)
            data.writeString(reason)
        }
        writeAndFlush(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)).whenComplete { _ in
            self.eventLoop.scheduleTask(in: grace) { self.close(promise: nil) }
        }
        // A peer that does not read keeps the frame from being written at all.
        eventLoop.scheduleTask(in: grace + grace) { self.close(promise: nil) }
    }
}
