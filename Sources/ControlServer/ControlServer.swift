import Logging
import NIOCore
import NIOHTTP1
import NetSupport

/// The daemon's own sockets: what a service manager handed in under the name `control`. Answers how the daemon is; everything else
/// is told that it is not served.
///
/// A stop refuses nobody: who has asked is answered, who comes later waits in the socket for the next life of the daemon.
public struct ControlServer: Sendable {
    /// How the daemon is, for those who ask.
    public struct Health: Sendable {
        /// Whether the ledger is open, and what an earlier life left is taken up.
        public var isRecovered: Bool
        /// Whether each channel is ready, by name.
        public var channels: [(name: String, isReady: Bool)]
        /// In words.
        public var status: String

        /// Makes one.
        public init(isRecovered: Bool, channels: [(name: String, isReady: Bool)], status: String) {
            self.isRecovered = isRecovered
            self.channels = channels
            self.status = status
        }

        /// Whether wakes can be delivered through all channels.
        public var isReady: Bool { isRecovered && channels.allSatisfy(\.isReady) }
    }

    /// How long a stop waits for those who have connected and not asked yet.
    public static let patience: Duration = .seconds(5)

    private let server: WebServer
    private let handler: Handler

    /// Takes over a listening socket.
    ///
    /// - Parameters:
    ///   - descriptor: the socket, ours from now on.
    ///   - health: how the daemon is; must not block.
    public init(descriptor: Int32, health: @escaping @Sendable () -> Health) {
        server = WebServer(configuration: .init(maxBodyBytes: 64 << 10, maxMessageBytes: 64 << 10, descriptor: descriptor))
        handler = Handler(health: health)
    }

    /// Serves until ``stop()``, or until cancelled.
    public func run() async throws { try await server.run(handler) { _ in } }

    /// Ends in good order.
    public func stop() { server.drain(within: Self.patience) }

    private struct Handler: WebServerHandler {
        let health: @Sendable () -> Health

        // The protocol of gateways is not spoken here; saying so in HTTP is clearer than a handshake that leads nowhere.
        func accepts(handshake: HTTPRequestHead) -> Bool { false }

        func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {}

        func reply(to request: WebServerRequest) async -> WebServerReply {
            let path = request.uri.split(separator: "?", omittingEmptySubsequences: false).first ?? ""
            switch (request.method, path) {
            case (.GET, "/healthz"), (.HEAD, "/healthz"):
                return answer(.ok, "{\"live\":true,\"status\":\(quoted(health().status))}")
            case (.GET, "/readyz"), (.HEAD, "/readyz"): return readiness()
            case (_, "/healthz"), (_, "/readyz"): return answer(.methodNotAllowed, "{\"error\":\"only GET is answered here\"}")
            default:
                guard request.headers[canonicalForm: "Upgrade"].isEmpty else {
                    return answer(
                        .notImplemented, "{\"error\":\"this daemon speaks no WebSocket protocol; ask /healthz or /readyz\"}")
                }
                return answer(.notFound, "{\"error\":\"nothing is here; ask /healthz or /readyz\"}")
            }
        }

        private func readiness() -> WebServerReply {
            let health = health()
            let channels = health.channels.map { "\(quoted($0.name)):\($0.isReady)" }.joined(separator: ",")
            let body =
                "{\"ready\":\(health.isReady),\"ledger\":\(health.isRecovered),\"channels\":{\(channels)},"
                + "\"status\":\(quoted(health.status))}"
            return answer(health.isReady ? .ok : .serviceUnavailable, body)
        }

        private func answer(_ status: HTTPResponseStatus, _ body: String) -> WebServerReply {
            var headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-store"]
            if status == .serviceUnavailable { headers.add(name: "Retry-After", value: "1") }
            return .response(WebServerResponse(status: status, headers: headers, body: ByteBuffer(string: body + "\n")))
        }

        /// A text as JSON writes it.
        private func quoted(_ text: String) -> String {
            var result = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"", "\\": result += "\\\(scalar)"
                case "\u{0}"..."\u{1F}": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result + "\""
        }
    }
}
