import ControlServer
import GatewayProtocol
import ReveilleConfiguration
import WakeCore

/// `gateway.restart.request`: the daemon restarts, and the session that asked is woken.
extension Desk {
    func restartRequest(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let reason = fields.optionalText("reason", 1...200)
        let session = sessionKey(&fields, "sessionKey", isNeeded: false)
        let context = deliveryContext(&fields)
        let note = fields.optionalText("note", 1...Limits.noteBytes)
        let delay = fields.optionalInteger("restartDelayMs", 0...GatewayLimits.restartDelayMilliseconds)
        let key = idempotencyKey(&fields, isNeeded: false)
        try fields.finish()
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            let wait = delay.map { Duration.milliseconds($0) } ?? self.parts.live.configuration.restarts.defaultDelay
            let plan = await self.parts.restarts.plan(after: wait)
            var reply: JSONObject = [
                "ok": true, "status": plan.isCoalesced ? "coalesced" : "scheduled",
                "restart": .object(Self.shown(plan, reason ?? call.method)),
            ]
            if let session {
                let request = try self.request(
                    call, session, note ?? reason ?? "The daemon was restarted. Go on where you were.", context, target: .daemon,
                    delay: plan.delay, isOurs: true, key: key)
                try await self.write(request)
                await self.parts.restarts.announce(plan)
                reply["sentinel"] = ["id": .string(request.id.description), "durable": true]
            } else {
                await self.parts.restarts.carryOut(plan, because: reason ?? call.method)
            }
            return .object(reply)
        }
    }
}
