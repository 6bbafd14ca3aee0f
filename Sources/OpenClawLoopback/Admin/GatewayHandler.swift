import NIOCore
import NIOHTTP1
import NetSupport

/// Joins the web server and the gateway; answers what comes over plain HTTP.
struct GatewayHandler: WebServerHandler {
    let gateway: Gateway

    func accepts(handshake head: HTTPRequestHead) -> Bool { gateway.withState { $0.life.isOn } }

    func serve(_ socket: WebServerSocket, messages: WebServerMessages) async { await gateway.serve(socket, messages) }

    func reply(to request: WebServerRequest) async -> WebServerReply {
        // Between two lives nobody is there to answer.
        guard gateway.withState({ $0.life.isOn }) else { return .close }
        let path = request.uri.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        switch (request.method, path.first) {
        case (.GET, "healthz"): return answer(.ok, ["ok": true, "status": "live"])
        case (.GET, "readyz"):
            let isReady = gateway.withState { $0.life.hasStarted }
            return answer(isReady ? .ok : .serviceUnavailable, ["ready": .bool(isReady)])
        case (.POST, "loopback"): return perform(path.dropFirst().first ?? "", String(buffer: request.body))
        default: return answer(.notFound, ["error": "no such path"])
        }
    }

    private func perform(_ deed: String, _ body: String) -> WebServerReply {
        guard let fields = body.isEmpty ? [:] : JSON(parsing: body), fields.object != nil else {
            return answer(.badRequest, ["error": "the body is no JSON object"])
        }
        switch deed {
        case "restart": gateway.withState { $0.restart(reason: fields["reason"]?.filled ?? "SIGUSR1") }
        case "kill-connections": gateway.withState { $0.dropDead() }
        case "discord-ready": gateway.withState { $0.discordBecomesReady() }
        case "begin-run":
            guard let session = fields["session"]?.filled else {
                return answer(.badRequest, ["error": "the field session is missing: the key of the session"])
            }
            gateway.withState { state in
                let message = fields["message"]?.filled ?? "Work until you are interrupted."
                state.beginTurn(Turn(session: session, message: message, source: "test", isEndless: true))
            }
        case "fault":
            guard let fault = OpenClawFault(rawValue: fields["fault"]?.string ?? "") else {
                let known = OpenClawFault.allCases.map(\.rawValue).joined(separator: ", ")
                return answer(.badRequest, ["error": .string("the field fault must be one of \(known)")])
            }
            gateway.withState { _ = $0.faults.insert(fault) }
        default: return answer(.notFound, ["error": .string("no such deed: \(deed)")])
        }
        return answer(.ok, ["done": true])
    }

    private func answer(_ status: HTTPResponseStatus, _ body: JSON) -> WebServerReply {
        .response(
            WebServerResponse(
                status: status, headers: ["Content-Type": "application/json"], body: ByteBuffer(string: body.text)))
    }
}
