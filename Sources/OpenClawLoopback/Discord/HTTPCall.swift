import NIOCore
import NIOHTTP1
import NIOPosix

/// One HTTP/1.1 request over a connection of its own, without TLS.
struct HTTPCall: Sendable {
    struct Answer: Sendable {
        let status: UInt
        let body: String
    }

    struct NoAnswer: Error {}

    /// How long the answer may take.
    static let limit = TimeAmount.seconds(30)
    /// The largest answer that is read, in bytes.
    static let maximumBytes = 1 << 20

    let host: String
    let port: Int
    let path: String
    let headers: HTTPHeaders
    let body: String

    /// Posts, and reads the answer whole.
    func post() async throws -> Answer {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(.seconds(10))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        let transport = channel.channel
        let deadline = transport.eventLoop.scheduleTask(in: Self.limit) { transport.close(promise: nil) }
        defer { deadline.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            var headers = headers
            headers.replaceOrAdd(name: "Host", value: "\(host):\(port)")
            headers.replaceOrAdd(name: "Connection", value: "close")
            headers.replaceOrAdd(name: "Content-Length", value: String(body.utf8.count))
            try await outbound.write(.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: headers)))
            try await outbound.write(.body(.byteBuffer(ByteBuffer(string: body))))
            try await outbound.write(.end(nil))
            return try await Self.read(inbound)
        }
    }

    private static func read(_ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Answer {
        var status: UInt?
        var body = ByteBuffer()
        for try await part in inbound {
            switch part {
            case .head(let head): status = head.status.code
            case .body(var bytes):
                guard body.readableBytes + bytes.readableBytes <= maximumBytes else { throw NoAnswer() }
                body.writeBuffer(&bytes)
            case .end:
                guard let status else { throw NoAnswer() }
                return Answer(status: status, body: String(buffer: body))
            }
        }
        throw NoAnswer()
    }
}
