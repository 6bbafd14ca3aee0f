import GatewayProtocol
import NIOCore
import NIOHTTP1
import NetSupport
import WakeCore

/// HTTP beside the protocol: how the daemon is, its counters, its news; and who may become a WebSocket.
struct ControlHandler: WebServerHandler {
    let server: ControlServer

    private static let paths: Set<Substring> = ["/", "/gateway"]

    func accepts(handshake: HTTPRequestHead) -> Bool {
        Self.paths.contains(Self.path(handshake.uri)) && !server.isStopping && objection(handshake.headers) == nil
    }

    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async { await server.serve(socket, messages) }

    func reply(to request: WebServerRequest) async -> WebServerReply {
        let path = Self.path(request.uri)
        if let objection = objection(request.headers) { return answer(.forbidden, objection) }
        let isWebSocket = !request.headers[canonicalForm: "Upgrade"].isEmpty
        if isWebSocket, Self.paths.contains(path) {
            guard server.isStopping else {
                return answer(.badRequest, ["error": "this is no handshake of WebSocket 13 (RFC 6455, section 4.2.1)"])
            }
            return answer(.serviceUnavailable, ["error": "the daemon restarts; come again"])
        }
        guard ["/healthz", "/readyz", "/metrics", "/events"].contains(path) else {
            return answer(
                .notFound,
                ["error": "nothing is here; WebSocket is spoken on / and /gateway, HTTP on /healthz, /readyz, /metrics, /events"])
        }
        guard request.method == .GET || request.method == .HEAD else {
            return answer(.methodNotAllowed, ["error": "only GET is answered here"])
        }
        switch path {
        case "/healthz": return answer(.ok, ["live": true, "status": .string(server.parts.health().status)])
        case "/readyz": return readiness()
        case "/metrics":
            return .response(
                WebServerResponse(
                    status: .ok,
                    headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"],
                    body: ByteBuffer(string: server.parts.metrics())))
        default: return events(request)
        }
    }

    private func events(_ request: WebServerRequest) -> WebServerReply {
        var pairing = server.doorman.pairing(of: request.peer)
        let words = request.headers[canonicalForm: "Authorization"].first?.split(separator: " ") ?? []
        if words.count == 2, words[0].lowercased() == "bearer", server.doorman.isToken(String(words[1])) {
            pairing = Pairing(scopes: Set(Scope.allCases))
        }
        guard let pairing, Scope.read.isGranted(by: pairing.scopes) else {
            var reply = WebServerResponse(
                status: .unauthorized, headers: Self.headers,
                body: ByteBuffer(string: #"{"error":"send Authorization: Bearer TOKEN, or come over the Unix socket"}"# + "\n"))
            reply.headers.add(name: "WWW-Authenticate", value: "Bearer")
            return .response(reply)
        }
        let caller = ControlCaller(
            proof: .token, scopes: pairing.scopes, sessions: pairing.sessions,
            client: ConnectParameters.Client(id: "http", version: "", platform: "", mode: "probe"), address: request.peer.address,
            connection: "h\(request.connection)")
        return .stream(["Content-Type": "text/event-stream", "Cache-Control": "no-store"], server.news(for: caller))
    }

    private func readiness() -> WebServerReply {
        let health = server.parts.health()
        return answer(
            health.isReady ? .ok : .serviceUnavailable,
            [
                "ready": .bool(health.isReady), "ledger": .bool(health.isRecovered),
                "channels": .object(JSONObject(health.channels.map { .init(key: $0.name, value: .bool($0.isReady)) })),
                "status": .string(health.status), "live": true, "control": .bool(health.isRecovered),
            ])
    }

    /// Why this is not answered at all: it comes from a web page that nobody allowed, or under a name that is not this machine's
    /// (a page that had its own name resolved to us).
    private func objection(_ headers: HTTPHeaders) -> JSONObject? {
        let origin = headers[canonicalForm: "Origin"].first.map(String.init)
        guard server.parts.access.allows(origin: origin) else {
            return ["error": "web pages are not served", "hint": "name the origin in control.allowedOrigins"]
        }
        guard origin == nil, let host = headers[canonicalForm: "Host"].first else { return nil }
        return Self.isLocal(host) ? nil : ["error": "this name is not served; use 127.0.0.1 or localhost"]
    }

    private static func isLocal(_ host: Substring) -> Bool {
        var name = host.lowercased()[...]
        if name.hasPrefix("[") {
            name = name.dropFirst().prefix { $0 != "]" }
        } else if let colon = name.lastIndex(of: ":") {
            name = name[..<colon]
        }
        // Digits and dots alone: anybody can have a name that begins with 127.
        let isLoopback = name.hasPrefix("127.") && name.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
        return name == "localhost" || name == "::1" || isLoopback || name.isEmpty || name.hasSuffix(".localhost")
    }

    private static func path(_ uri: String) -> Substring {
        uri.split(separator: "?", omittingEmptySubsequences: false).first ?? ""
    }

    private static let headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-store"]

    private func answer(_ status: HTTPResponseStatus, _ body: JSONObject) -> WebServerReply {
        var headers = Self.headers
        if status == .serviceUnavailable { headers.add(name: "Retry-After", value: "1") }
        return .response(
            WebServerResponse(status: status, headers: headers, body: ByteBuffer(string: JSONValue.object(body).text + "\n")))
    }
}
