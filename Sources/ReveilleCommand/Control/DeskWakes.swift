import ControlServer
import Crypto
import GatewayProtocol
import LedgerSQLite
import Synchronization
import WakeCore
import WakeService

/// The methods that owe a session something, and those that decide about what is owed.
extension Desk {
    /// Our own form of a request: all that `reveille sentinel write` and `reveille restart` know.
    func sentinelWrite(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let session = sessionKey(&fields, "sessionKey", isNeeded: true)
        let note = fields.text("note", 1...Limits.noteBytes)
        let targetText = fields.optionalText("target", 1...300) ?? "self"
        let target = RestartTarget(targetText)
        if target == nil { fields.complain("target", "must be self, host, nothing, unit:NAME or gateway:NAME") }
        if target == .exec { fields.complain("target", "can't be exec: commands are run for the command line only") }
        let delay = fields.optionalInteger("delayMs", 0...GatewayLimits.restartDelayMilliseconds)
        let isOurs = fields.optionalBool("perform") ?? false
        let context = deliveryContext(&fields)
        let key = idempotencyKey(&fields, isNeeded: false)
        try fields.finish()
        guard let session, let note, let target else { return nil }
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            let request = try self.request(
                call, session, note, context, target: target, delay: .milliseconds(delay ?? 0), isOurs: isOurs, key: key)
            try await self.write(request)
            return ["sentinel": .string(request.id.description), "durable": true, "target": .string(target.description)]
        }
    }

    /// `wake {mode, text, sessionKey}`: owes the session a wake at once, when its channel can hear it.
    func wake(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        _ = fields.optionalWord("mode", ["now", "next-heartbeat"])
        let text = fields.text("text", 1...Limits.noteBytes)
        return try await wake(call, text, &fields)
    }

    /// `system-event {text, sessionKey}`: the same; whoever is to know of it hears it as a wake.
    func systemEvent(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let text = fields.text("text", 1...Limits.noteBytes)
        if text?.hasPrefix("Node:") == true { return ["ok": true] }
        return try await wake(call, text, &fields)
    }

    private func wake(_ call: ControlCall, _ text: String?, _ fields: inout FieldReader) async throws(GatewayFault) -> JSONValue?
    {
        let session = sessionKey(&fields, "sessionKey", isNeeded: true)
        let context = deliveryContext(&fields)
        let key = idempotencyKey(&fields, isNeeded: false)
        try fields.finish()
        guard let session, let text else { return nil }
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            let request = try self.request(call, session, text, context, target: .nothing, delay: .zero, isOurs: false, key: key)
            try await self.write(request)
            return ["ok": true, "sentinel": .string(request.id.description), "durable": true]
        }
    }

    func sentinelCancel(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let sentinel = try await parts.thread.sentinel(try id(call))
        try allow(sentinel.session, call.caller)
        if sentinel.target == .daemon { await parts.restarts.takeBack() }
        return try await command(.cancelSentinel(sentinel.id), sentinel.id)
    }

    func wakesRetry(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        try await decide(call, where: { !$0.isActive && !$0.isDelivered }, "of this wake nothing has ended undelivered") {
            .retryWake($0)
        }
    }

    func wakesCancel(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        try await decide(call, where: { $0.isActive || $0.isUnresolved }, "of this wake nothing is under way") { .cancelWake($0) }
    }

    func wakesMarkDelivered(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        try await decide(call, where: \.isUnresolved, "of this wake nothing is unresolved") { .markDelivered($0) }
    }

    /// What would come to nothing is refused here; the waker has the last word.
    private func decide(
        _ call: ControlCall, where applies: (Delivery) -> Bool, _ otherwise: String, _ make: (WakeID) -> OperatorCommand
    ) async throws(GatewayFault) -> JSONValue? {
        let record = try await parts.thread.wake(try id(call))
        try allow(record.wake.session, call.caller)
        guard record.deliveries.contains(where: applies) else {
            let states = record.deliveries.map { "\($0.id.kind.rawValue) \($0.stateName)" }.joined(separator: ", ")
            throw GatewayFault(.invalidRequest, "\(otherwise): \(states)", details: ["reason": "nothing-to-do"])
        }
        return try await command(make(record.wake.id), record.wake.id)
    }

    private func command(_ command: OperatorCommand, _ id: Identifier) async throws(GatewayFault) -> JSONValue? {
        try await parts.thread.append(.command(command))
        parts.waker.inboxMayHaveChanged()
        return ["ok": true, "id": .string(id.description), "durable": true]
    }

    // MARK: Requests

    func deliveryContext(_ fields: inout FieldReader) -> DeliveryContext? {
        guard var inner = fields.optionalObject("deliveryContext") else { return nil }
        let context = DeliveryContext(&inner)
        fields.join(inner)
        return context
    }

    func idempotencyKey(_ fields: inout FieldReader, isNeeded: Bool) -> String? {
        isNeeded ? fields.text("idempotencyKey", 1...256) : fields.optionalText("idempotencyKey", 1...256)
    }

    /// A request of that caller. Its id follows from the idempotency key, so that the same key never makes two.
    func request(
        _ call: ControlCall, _ session: SessionKey, _ note: String, _ context: DeliveryContext?, target: RestartTarget,
        delay: Duration, isOurs: Bool, key: String?
    ) throws(GatewayFault) -> RestartRequest {
        try allow(session, call.caller)
        var dice = parts.dice.roll()
        var requester = RestartRequest.Requester(uid: UInt32.max, pid: 0)
        if case .peer(let uid, let pid) = call.caller.proof { requester = .init(uid: uid, pid: pid) }
        let request = RestartRequest(
            id: key.map { Self.identifier(call, $0) } ?? dice.identifier(), session: session, route: try route(session, context),
            note: note, target: target, delay: delay, performedByUs: isOurs, requester: requester,
            requestedAt: parts.moments.now())
        guard request.problems.isEmpty else {
            throw GatewayFault(.invalidRequest, request.problems.joined(separator: "; "))
        }
        return request
    }

    /// Makes the request durable, then tells the waker.
    func write(_ request: RestartRequest) async throws(GatewayFault) {
        try await parts.thread.append(.request(request))
        parts.waker.inboxMayHaveChanged()
    }

    /// The same 128 bits for the same caller, method and key.
    static func identifier(_ call: ControlCall, _ key: String) -> Identifier {
        Identifier(digestOf: call.caller.key, call.method, key)
    }

    // MARK: Once

    /// `details.reason` where nobody knows whether it was done.
    static let unclear = "unclear"

    /// Does the work at most once for a caller, a method and a key, restarts included: the answer of the first time is given again.
    func once(
        _ call: ControlCall, _ key: String?, _ work: (_ begun: Moment?) async throws(GatewayFault) -> JSONValue
    ) async throws(GatewayFault) -> JSONValue {
        guard let key else { return try await work(nil) }
        let digest = SHA256.hash(data: (call.params ?? .null).bytes).map { String($0, radix: 16) }.joined(separator: ".")
        let name = "\(call.caller.key) \(call.method) \(key)"
        guard underWay.withLock({ $0.insert(name).inserted }) else {
            throw GatewayFault(
                .unavailable, "the same request is under way", details: ["reason": "under-way"], isRetryable: true,
                retryAfterMilliseconds: 500)
        }
        defer { underWay.withLock { _ = $0.remove(name) } }
        let now = parts.moments.now()
        var begun: Moment?
        switch try await parts.thread.claim(caller: call.caller.key, method: call.method, key: key, digest: digest, at: now) {
        case .settled(reply: let reply): return reply
        case .mismatch:
            throw GatewayFault(
                .invalidRequest, "the idempotency key \"\(key)\" was used for another request",
                details: ["code": "IDEMPOTENCY_MISMATCH"])
        // An earlier try was cut off, or its end is not known: what it would do bears the same id.
        case .begun(atMilliseconds: let milliseconds):
            begun = now.advanced(by: .milliseconds(milliseconds - now.wallMilliseconds))
        case .fresh: break
        }
        do throws(GatewayFault) {
            let reply = try await work(begun)
            try await parts.thread.settle(
                caller: call.caller.key, method: call.method, key: key, reply: reply, at: parts.moments.now())
            return reply
        } catch {
            if error.reason != Self.unclear {
                try? await parts.thread.abandon(caller: call.caller.key, method: call.method, key: key)
            }
            throw error
        }
    }
}

extension Delivery {
    fileprivate var isDelivered: Bool { if case .delivered = state { true } else { false } }
    fileprivate var isUnresolved: Bool { if case .unresolved = state { true } else { false } }
}
