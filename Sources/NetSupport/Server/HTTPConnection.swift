import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: requests are answered one after another until someone ends it.
struct HTTPConnection<Handler: WebServerHandler> {
    let id: UInt64
    let maxBodyBytes: Int
    let handler: Handler

    private enum Read {
        case request(HTTPRequestHead, ByteBuffer)
        case tooLarge
        case end
    }

    func run(_ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>) async throws {
        try await channel.executeThenClose { inbound, outbound in
            var parts = inbound.makeAsyncIterator()
            while true {
                switch try await nextRequest(&parts) {
                case .end:
                    return
                case .tooLarge:
                    try await write(WebServerResponse(status: .payloadTooLarge), keepAlive: false, to: outbound)
                    return
                case .request(let head, let body):
                    let request = WebServerRequest(
                        connection: id, method: head.method, uri: head.uri, headers: head.headers, body: body)
                    guard try await answer(request, head, channel.channel, outbound) else { return }
                }
            }
        }
    }

    private func nextRequest(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator
    ) async throws -> Read {
        var head: HTTPRequestHead?
        var body = ByteBuffer()
        while let part = try await parts.next() {
            switch part {
            case .head(let received): head = received
            case .body(var bytes):
                guard body.readableBytes + bytes.readableBytes <= maxBodyBytes else { return .tooLarge }
                body.writeBuffer(&bytes)
            case .end:
                if let head { return .request(head, body) }
            }
        }
        return .end
    }

    /// Answers one request and says whether the connection lives on.
    private func answer(
        _ request: WebServerRequest, _ head: HTTPRequestHead, _ channel: any Channel,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        switch await handler.reply(to: request) {
        case .response(let response):
            try await write(response, keepAlive: head.isKeepAlive, to: outbound)
            return head.isKeepAlive
        case .close:
            return false
        case .reset:
            channel.end(reset: true)
            try? await channel.closeFuture.get()
            return false
        case .hang:
            try? await channel.closeFuture.get()
            return false
        }
    }

    private func write(
        _ response: WebServerResponse, keepAlive: Bool, to outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        var headers = response.headers
        if response.status != .noContent {
            headers.replaceOrAdd(name: "Content-Length", value: String(response.body.readableBytes))
        }
        headers.replaceOrAdd(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        var parts: [HTTPServerResponsePart] = [.head(head)]
        if response.body.readableBytes > 0 { parts.append(.body(.byteBuffer(response.body))) }
        parts.append(.end(nil))
        try await outbound.write(contentsOf: parts)
    }
}
