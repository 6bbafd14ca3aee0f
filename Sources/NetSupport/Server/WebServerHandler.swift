public import NIOCore
public import NIOHTTP1

/// One HTTP request, its body read whole and bounded.
public struct WebServerRequest: Sendable {
    /// The connection it came over: a number that this server gives once.
    public let connection: UInt64
    /// Who is at the other end.
    public let peer: WebServerPeer
    /// The method.
    public let method: HTTPMethod
    /// Path and query, as sent.
    public let uri: String
    /// The headers, as sent.
    public let headers: HTTPHeaders
    /// The body; empty if there was none.
    public let body: ByteBuffer
}

/// One HTTP response, held whole.
public struct WebServerResponse: Sendable {
    /// The status.
    public var status: HTTPResponseStatus
    /// The headers; `Content-Length` is added by the server.
    public var headers: HTTPHeaders
    /// The body; empty for none.
    public var body: ByteBuffer

    /// Makes a response.
    public init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// What a handler wants done with a request.
public enum WebServerReply: Sendable {
    /// Send this.
    case response(WebServerResponse)
    /// Send these headers with status 200, then the parts as they come; the connection ends with them.
    case stream(HTTPHeaders, AsyncStream<String>)
    /// Close the connection in order, with nothing sent.
    case close
    /// Close the connection with a TCP reset.
    case reset
    /// Send nothing and keep the connection until the peer or the server ends it.
    case hang
}

/// What a ``WebServer`` serves.
public protocol WebServerHandler: Sendable {
    /// Whether this WebSocket handshake is accepted; a refused one arrives at ``reply(to:)`` as a plain request.
    ///
    /// Runs on an event loop: decide from the head alone and return at once.
    func accepts(handshake: HTTPRequestHead) -> Bool

    /// Answers one request.
    func reply(to request: WebServerRequest) async -> WebServerReply

    /// Serves one WebSocket until it returns; the connection is closed afterwards.
    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async
}
