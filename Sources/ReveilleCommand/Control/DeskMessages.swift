import ControlServer
import GatewayProtocol
import ReveilleConfiguration
import WakeCore
import WakeService

/// `sessions.send`, `chat.send` and `agent`: a message for a session's agent, once for its idempotency key and in order.
///
/// The answer says that it is on disk; what came of it tell `sentinel.show` and the event `wake.delivery`.
extension Desk {
    /// `sessions.send {key, message, notice?, idempotencyKey}`.
    func sessionsSend(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let name = fields.has("key") ? "key" : "sessionKey"
        let hasNotice = fields.optionalBool("notice") ?? false
        return try await sendMessage(call, name, hasNotice: hasNotice, status: "accepted", &fields)
    }

    /// `chat.send {sessionKey, message, deliver?, idempotencyKey}`: what is delivered, people see in the channel too.
    func chatSend(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let hasNotice = fields.optionalBool("deliver") ?? false
        return try await sendMessage(call, "sessionKey", hasNotice: hasNotice, status: "started", &fields)
    }

    /// `agent {message, sessionKey?, agentId?, deliver?, idempotencyKey}`: a turn of the agent. One answer only, as soon as it is on disk.
    func agent(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let hasNotice = fields.optionalBool("deliver") ?? false
        let agent = fields.optionalText("agentId", 1...64)
        let session = fields.has("sessionKey") ? sessionKey(&fields, "sessionKey", isNeeded: true) : nil
        if session == nil, agent == nil { fields.complain("sessionKey", "is missing, and so is agentId") }
        let known = session ?? agent.flatMap { try? SessionKey("agent:\($0):main") }
        if let known, let route = try? route(known, nil), !parts.live.configuration.takesTurns(known, over: route) {
            fields.complain("sessionKey", "is of an agent that takes no turns here; use sessions.send to tell people something")
        }
        return try await sendMessage(call, known, hasNotice: hasNotice, status: "accepted", &fields)
    }

    private func sendMessage(
        _ call: ControlCall, _ sessionField: String, hasNotice: Bool, status: String, _ fields: inout FieldReader
    ) async throws(GatewayFault) -> JSONValue? {
        let session = sessionKey(&fields, sessionField, isNeeded: true)
        return try await sendMessage(call, session, hasNotice: hasNotice, status: status, &fields)
    }

    private func sendMessage(
        _ call: ControlCall, _ session: SessionKey?, hasNotice: Bool, status: String, _ fields: inout FieldReader
    ) async throws(GatewayFault) -> JSONValue? {
        let message = fields.text("message", 1...Limits.noteBytes)
        if let attachments = fields.value("attachments"), attachments.array?.isEmpty != true {
            fields.complain("attachments", "can't be sent by this version: only text; put them into files and name those")
        }
        let context = deliveryContext(&fields)
        let key = idempotencyKey(&fields, isNeeded: true)
        try fields.finish()
        guard let session, let message, let key else { return nil }
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            var request = try self.request(
                call, session, message, context, target: .nothing, delay: .zero, isOurs: false, key: key)
            request.origin = .sent
            request.owes = MessageOrder.owed(request, hasNotice: hasNotice, self.parts.live.configuration)
            try await self.write(request)
            return [
                "runId": .string(key), "status": .string(status), "sessionKey": .string(session.description),
                "sentinel": .string(request.id.description), "durable": true,
            ]
        }
    }
}
