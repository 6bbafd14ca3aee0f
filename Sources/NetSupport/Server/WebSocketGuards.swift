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
        context.channel.closeWebSocket(1009, "a frame is over the limit of \(limit) bytes")
    }
}

/// Ends a connection whose frames break the protocol, with a reason.
final class FrameFaults: ChannelInboundHandler {
    typealias InboundIn = Any

    private let maximumBytes: Int
    private var isEnding = false

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let fault = error as? NIOWebSocketError else {
            if let aggregation = error as? NIOWebSocketFrameAggregator.Error, !isEnding {
                isEnding = true
                let isTooLarge = "\(aggregation)".contains("TooLarge") || "\(aggregation)".contains("TooMany")
                return context.channel.closeWebSocket(
                    isTooLarge ? 1009 : 1002,
                    isTooLarge ? "a message is over the limit of \(maximumBytes) bytes" : "a frame breaks the protocol")
            }
            return context.fireErrorCaught(error)
        }
        guard !isEnding else { return }
        isEnding = true
        if fault == .invalidFrameLength {
            context.channel.closeWebSocket(1009, "a frame is over the limit of \(maximumBytes) bytes")
        } else {
            context.channel.closeWebSocket(1002, "a frame breaks the protocol")
        }
    }
}

extension Channel {
    /// Sends a close frame and ends the connection soon after.
    func closeWebSocket(_ code: UInt16, _ reason: String) {
        writeAndFlush(WebSocketFrame(closing: code, reason, on: self)).whenComplete { _ in
            self.eventLoop.scheduleTask(in: .milliseconds(500)) { self.close(promise: nil) }
        }
    }
}
