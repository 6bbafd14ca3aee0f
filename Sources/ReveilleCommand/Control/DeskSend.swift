import ControlServer
import GatewayProtocol
import WakeCore
import WakeService

/// `send`: a message by hand, through one of our channels, at most once for its idempotency key.
extension Desk {
    func send(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let context = DeliveryContext(&fields)
        if context.to == nil { fields.complain("to", "is missing") }
        let message = fields.text("message", 1...65_536)
        for field in ["mediaUrl", "mediaUrls", "buffer"] where fields.has(field) {
            fields.complain(field, "can't be sent by this version: only text")
        }
        let key = idempotencyKey(&fields, isNeeded: true)
        try fields.finish()
        guard let message, let key, let route = try context.route() else { return nil }
        guard let host = parts.hosts.first(where: { $0.channel == route.channel }) else {
            throw GatewayFault(.invalidRequest, "nothing here serves the channel \(route.channel)")
        }
        if call.caller.sessions != nil {
            throw GatewayFault(
                .forbidden, "a caller that may name some sessions only can't send to any place; use wake",
                details: ["code": "SESSION_FORBIDDEN"])
        }
        return try await once(call, key) { begun async throws(GatewayFault) in
            try await self.send(message, over: route, through: host, as: Self.identifier(call, key), key: key, begun: begun)
        }
    }

    private func send(
        _ message: String, over route: Route, through host: ChannelHost, as id: Identifier, key: String, begun: Moment?
    ) async throws(GatewayFault) -> JSONValue {
        let delivery = DeliveryID(wake: id, kind: .notice)
        guard parts.face.channels.first(where: { $0.name == route.channel })?.state.isReady == true else {
            throw unavailable("the channel \(route.channel) is not ready: \(parts.face.words(route.channel))", "channel-down")
        }
        var capabilities = RouteCapabilities()
        switch await host.check(route) {
        case .ready(let found): capabilities = found
        case .unknown: throw unavailable("\(route) could not be looked at", "route-unknown")
        case let state: throw GatewayFault(.unavailable, "\(route): \(state.words)", details: ["reason": "route-blocked"])
        }
        // The nonce is trusted for two minutes at most; after that the channel's history decides.
        if let begun, let receipt = try await earlier(id, route, host, since: begun) { return reply(receipt, key, route) }
        if await !host.acquirePermit(delivery, over: route) { throw unavailable("the channel was stopped", "channel-down") }
        let outcome = await host.send(
            SendOrder(
                delivery: delivery, session: Self.session, route: route, capabilities: capabilities, text: message,
                trailer: NoticeText.trailer(of: id), nonce: id.description, attempt: 1))
        switch outcome {
        case .accepted(let receipt): return reply(receipt, key, route)
        case .transient(let reason, let wait):
            throw GatewayFault(
                .unavailable, reason, details: ["reason": "channel-busy"], isRetryable: true,
                retryAfterMilliseconds: wait.map(\.wholeMilliseconds) ?? 1_000)
        case .unavailable(_, let reason): throw GatewayFault(.unavailable, reason, details: ["reason": "route-blocked"])
        case .permanent(let reason): throw GatewayFault(.invalidRequest, reason)
        case .ambiguous(let reason):
            throw GatewayFault(
                .unavailable,
                "whether it arrived is not known: \(reason). The same key within two minutes can't make a second one",
                details: ["reason": .string(Self.unclear)], isRetryable: true, retryAfterMilliseconds: 2_000)
        }
    }

    /// Whose message it is: nobody's who is to be woken.
    private static let session: SessionKey = {
        guard let session = try? SessionKey("agent:reveille:send") else { preconditionFailure("a fixed key is good") }
        return session
    }()

    /// The receipt of an earlier try whose end nobody saw; nil where it provably did not arrive.
    private func earlier(
        _ id: Identifier, _ route: Route, _ host: ChannelHost, since begun: Moment
    ) async throws(GatewayFault) -> Receipt? {
        let order = SearchOrder(
            delivery: DeliveryID(wake: id, kind: .notice), session: Self.session, route: route,
            trailer: NoticeText.trailer(of: id),
            nonce: id.description, since: begun)
        switch await host.search(order) {
        case .found(let receipt): return receipt
        case .absent, .prevented: return nil
        case .tryAgain(let reason, _): throw unavailable("an earlier try is being looked for: \(reason)", Self.unclear)
        case .cannotTell(let reason):
            throw GatewayFault(
                .unavailable, "whether an earlier try arrived can't be found out: \(reason); look, and use another key",
                details: ["reason": .string(Self.unclear)], isRetryable: false)
        }
    }

    private func reply(_ receipt: Receipt, _ key: String, _ route: Route) -> JSONValue {
        [
            "runId": .string(key), "messageId": .string(receipt.id), "channel": .string(route.channel.transport),
            "channelId": .string(route.destination),
        ]
    }

    private func unavailable(_ words: String, _ reason: String) -> GatewayFault {
        GatewayFault(
            .unavailable, words, details: ["reason": .string(reason)], isRetryable: true, retryAfterMilliseconds: 2_000)
    }
}
