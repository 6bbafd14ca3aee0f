import NIOCore
import NIOHTTP1

/// Gathers the parts of each request and hands it on whole.
///
/// At most one request waits at a time: the pipelining handler before it holds back the next until the reply is written.
final class HTTPRequestCollector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    enum Arrival: Sendable {
        case request(HTTPRequestHead, ByteBuffer)
        case tooLarge
    }

    private let maxBodyBytes: Int
    private let arrivals: AsyncStream<Arrival>.Continuation
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(maxBodyBytes: Int, arrivals: AsyncStream<Arrival>.Continuation) {
        self.maxBodyBytes = maxBodyBytes
        self.arrivals = arrivals
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let received):
            head = received
            body = ByteBuffer()
        case .body(var bytes):
            guard head != nil else { return }
            if body.readableBytes + bytes.readableBytes > maxBodyBytes {
                head = nil
                arrivals.yield(.tooLarge)
                return
            }
            body.writeBuffer(&bytes)
        case .end:
            guard let head else { return }
            self.head = nil
            arrivals.yield(.request(head, body))
            body = ByteBuffer()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        arrivals.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        arrivals.finish()
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        arrivals.finish()
    }
}
