import DiscordProtocol
import GatewayProtocol
import OpenClawFacts
import Synchronization
public import WakeCore
public import WakeService

/// The way to it for notices and turns. Every request bears the delivery's own idempotency key, which we keep: a gateway forgets it at its
/// restart, so that what was sent to one life is never sent to the next without a look.
extension GatewayLink: NoticeTransport, TurnSink, RouteCheck, ReceiptLookup {
    /// Whether the channel is this gateway's: it has agents of its own.
    public func serves(_ session: SessionKey, over channel: ChannelName) -> Bool { serves(channel) }

    /// Whether the channel is this gateway's.
    public func serves(_ channel: ChannelName) -> Bool { channel.gateway == settings.name }

    /// A gateway keeps the far side's limits itself: nothing is waited for but a connection.
    public func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool { takePermit(delivery, over: route) }

    /// True while there is a connection.
    public func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool { state.withLock { $0.connection != nil } }

    /// Does nothing: no permit is counted.
    public func releasePermit(_ delivery: DeliveryID) {}

    /// Whether the place can be written to, by the second witness; without one the gateway's word for the channel is all there is.
    public func check(_ route: Route) async -> RouteState {
        guard let reader = parts.reader, reader.reads(route.channel) else { return .ready(RouteCapabilities()) }
        let state = await reader.check(route)
        // That REST can't be asked is no reason to hold what the gateway says it can send.
        return state == .unknown ? .ready(RouteCapabilities()) : state
    }

    // MARK: Sending

    /// Sends a notice by `send`.
    public func send(_ order: SendOrder) async -> Outcome {
        let hint = "`reveille wake show \(order.delivery.wake)` shows all of it"
        let text = MessageText(order.text, trailer: order.trailer, overflow: .cut(hint: hint)).content
        return await hand(over: order, "send", Self.place(order.route, ["message": .string(text)])) { answer in
            guard let id = answer?["messageId"]?.string ?? answer?["runId"]?.string else {
                return .ambiguous(reason: "the gateway's answer names no message")
            }
            return .accepted(Receipt(id: id, source: .reply))
        }
    }

    /// Starts a turn by `agent`, or by `chat.send` where that is missing.
    public func start(_ order: SendOrder) async -> Outcome {
        let text = order.text + "\n\n" + order.trailer
        var params: JSONObject = ["sessionKey": .string(order.session.description), "message": .string(text), "deliver": true]
        let methods = state.withLock { $0.connection?.hello.methods } ?? []
        let method = methods.isEmpty || methods.contains("agent") || !methods.contains("chat.send") ? "agent" : "chat.send"
        if method == "agent" { params = Self.place(order.route, params) }
        return await hand(over: order, method, params) { answer in
            guard let run = answer?["runId"]?.string else { return .ambiguous(reason: "the gateway's answer names no run") }
            return .accepted(Receipt(kind: .run, id: run, source: .reply))
        }
    }

    /// Where it goes, in the gateway's words.
    private static func place(_ route: Route, _ params: JSONObject) -> JSONObject {
        var params = params
        params["channel"] = .string(route.channel.transport)
        params["accountId"] = .string(route.channel.account)
        params["to"] = .string("\(route.kind.rawValue):\(route.destination)")
        return params
    }

    private func hand(
        over order: SendOrder, _ method: String, _ params: JSONObject, _ accepted: (JSONValue?) -> Outcome
    ) async -> Outcome {
        let (connection, life) = state.withLock { ($0.connection, $0.memory.lives.life?.epoch) }
        guard let connection else { return .transient(reason: "there is no connection to the gateway", retryAfter: nil) }
        if let wanted = order.life, life.map({ $0.differs(from: wanted) }) ?? true {
            return .transient(reason: "the gateway that would know this repeat has restarted", retryAfter: nil)
        }
        var params = params
        params["idempotencyKey"] = .string(order.nonce)
        switch await call(connection, method, .object(params)) {
        case .success(let answer): return accepted(answer)
        case .failure(.noAnswer):
            return .ambiguous(reason: "no answer of the gateway within \(NoticeText.span(settings.attemptTimeout))")
        case .failure(.closed(let closed)):
            let words = closed.description
            return closed.mayBeAccepted ? .ambiguous(reason: words) : .transient(reason: words, retryAfter: nil)
        case .failure(.fault(let fault)): return fault.outcome
        }
    }

    private enum Failure: Error {
        case noAnswer
        case closed(GatewayClosed)
        case fault(GatewayFault)
    }

    private func call(_ connection: GatewayConnection, _ method: String, _ params: JSONValue) async -> Result<JSONValue?, Failure>
    {
        let due = moments.now().advanced(by: settings.attemptTimeout).boottimeMicroseconds
        return await withTaskGroup(of: Result<JSONValue?, Failure>.self) { group in
            group.addTask {
                do { return .success(try await connection.call(method, params)) } catch let fault as GatewayFault {
                    return .failure(.fault(fault))
                } catch let closed as GatewayClosed { return .failure(.closed(closed)) } catch { return .failure(.noAnswer) }
            }
            group.addTask { [moments] in
                await moments.wait(untilBoottimeMicroseconds: due)
                return .failure(.noAnswer)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(.noAnswer)
        }
    }

    // MARK: Looking for what became of it

    /// Looks for a notice over REST where there is a token to read with, and for a turn in the session's transcript.
    public func search(_ order: SearchOrder) async -> ReceiptSearch {
        if order.delivery.kind == .turn { return await searchTranscript(order) }
        guard let reader = parts.reader, reader.reads(order.route.channel) else {
            return .cannotTell(
                reason: "there is no bot token to read the channel with (gateways.\(settings.name).discordTokenFile)")
        }
        return await reader.search(order)
    }

    private func searchTranscript(_ order: SearchOrder) async -> ReceiptSearch {
        let (connection, life) = state.withLock { ($0.connection, $0.memory.lives.life) }
        guard let connection, let life else { return .tryAgain(reason: "there is no connection to the gateway", retryAfter: nil) }
        switch await transcript(of: order.session, connection) {
        case .failure(let reason): return .cannotTell(reason: reason.words)
        case .success(nil): return .tryAgain(reason: "the gateway gave no transcript", retryAfter: nil)
        case .success(let transcript?):
            if transcript.contains(where: { $0.text.contains(order.trailer) }) {
                return .found(Receipt(kind: .run, id: order.nonce, source: .history))
            }
            // The life that it was sent to may still have it in hand; one that has ended had it in its transcript, or never.
            let isOfThisLife =
                order.since.boot == life.boot && order.since.boottimeMicroseconds >= life.beganMicroseconds
            guard !isOfThisLife else { return .cannotTell(reason: "the gateway may have it in hand") }
            let reach = transcript.first?.at ?? .max
            guard transcript.count < Transcript.maximumCount || reach < order.since.wallMilliseconds else {
                return .cannotTell(reason: "the transcript does not reach back to the attempt")
            }
            return .absent
        }
    }
}

extension GatewayFault {
    /// What a refusal means for a delivery.
    fileprivate var outcome: Outcome {
        let wait = retryAfterMilliseconds.map { Duration.milliseconds($0) }
        switch code {
        case .unavailable where isRetryable == true || wait != nil: return .transient(reason: inWords, retryAfter: wait)
        // The transport behind the gateway failed: whether it took the message, the gateway does not say.
        case .unavailable, .agentTimeout: return .ambiguous(reason: inWords)
        case .forbidden, .notPaired: return .unavailable(.channel, reason: inWords)
        case .invalidRequest: return .permanent(reason: inWords)
        default: return .ambiguous(reason: "\(code): \(inWords)")
        }
    }
}
