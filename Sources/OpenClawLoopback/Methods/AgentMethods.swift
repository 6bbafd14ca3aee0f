// What makes an agent work, and what is sent in its name. Each has an idempotency key, which is known by heart only.
extension Method {
    private static let chat: Set<String> = [
        "sessionKey", "message", "agentId", "sessionId", "thinking", "deliver", "attachments", "timeoutMs", "originatingChannel",
        "originatingTo", "originatingAccountId", "originatingThreadId", "suppressCommandInterpretation", "idempotencyKey",
    ]

    static let agentMethods: [String: Method] = [
        "send": Method(scope: .write, params: nil) { state, call throws(Refusal) in try state.send(call) },
        "agent": Method(scope: .write, params: nil) { state, call throws(Refusal) in try state.agent(call) },
        "chat.send": Method(scope: .write, params: chat) { state, call throws(Refusal) in try state.chat(call) },
    ]
}

extension GatewayState {
    /// What a call under that key has come to; `nil` for a new one.
    private mutating func recall(_ key: String, joinedBy call: Call) -> Bool {
        switch life.remembered[key] {
        case nil: return false
        case .pending(let others): life.remembered[key] = .pending(others + [call])
        case .answered(.success(let payload)): answer(call, payload)
        case .answered(.failure(let refusal)): answer(call, nil, refusal)
        }
        return true
    }

    // MARK: - send

    fileprivate mutating func send(_ call: Call) throws(Refusal) -> JSON? {
        let key = "send:" + (try call.required("idempotencyKey"))
        let target = try call.required("to")
        let text = try call.required("message")
        let channel = call.params["channel"]?.filled ?? "discord"
        guard channel == "discord" else { throw .invalid("unsupported channel: \(channel)") }
        if let account = call.params["accountId"]?.filled, account != options.account {
            throw .invalid("unknown account: \(account)")
        }
        guard !recall(key, joinedBy: call) else { return nil }
        life.remembered[key] = .pending([])
        life.spawn { gateway in
            let route = Route(channel: channel, to: target, accountId: gateway.options.account)
            let result: Result<JSON, Refusal>
            do throws(DiscordPoster.Failure) {
                let posted = try await gateway.post(text, to: route, source: "send", life: call.life)
                result = .success([
                    "runId": call.params["idempotencyKey"] ?? .null, "messageId": .string(posted.message),
                    "channel": .string(channel), "channelId": .string(posted.channel),
                ])
            } catch {
                result = .failure(error.isBadTarget ? .invalid(error.why) : .unavailable(error.why))
            }
            _ = gateway.inLife(call.life) { $0.sent(key, call, result) }
        }
        return nil
    }

    /// Answers a `send` and who joined it. A failure is forgotten: the same key may try again.
    private mutating func sent(_ key: String, _ call: Call, _ result: Result<JSON, Refusal>) {
        var waiting = [call]
        if case .pending(let others) = life.remembered[key] { waiting += others }
        switch result {
        case .failure(let refusal):
            life.remembered[key] = nil
            for call in waiting { answer(call, nil, refusal) }
        case .success(let payload):
            life.remembered[key] = .answered(result)
            if take(.sendAnswerWithheld) { waiting.removeFirst() }
            if take(.sendAnsweredTwice) { answer(call, payload) }
            let refusal = take(.sendErrorAndPayload) ? Refusal.unavailable("delivery failed") : nil
            for call in waiting { answer(call, payload, refusal) }
        }
    }

    // MARK: - agent

    fileprivate mutating func agent(_ call: Call) throws(Refusal) -> JSON? {
        let run = try call.required("idempotencyKey")
        let message = try call.required("message")
        let session = try agentSession(call)
        let key = "agent:" + run
        guard !recall(key, joinedBy: call) else { return nil }
        let accepted: JSON = ["runId": .string(run), "status": "accepted", "acceptedAt": JSON(unixMilliseconds())]
        life.remembered[key] = .answered(.success(accepted))
        let isBestEffort = call.params["bestEffortDeliver"] == true
        var turn = Turn(session: session, message: message, source: "agent", run: run)
        if call.params["deliver"] == true { turn.route = deliveryRoute(call, session) }
        turn.onEnd = { gateway, outcome in
            _ = gateway.inLife(call.life) { $0.agentEnded(call, key, run, outcome, isBestEffort: isBestEffort) }
        }
        beginTurn(turn)
        return accepted
    }

    /// The second answer.
    private mutating func agentEnded(
        _ call: Call, _ key: String, _ run: String, _ outcome: Result<String, Refusal>, isBestEffort: Bool
    ) {
        var refusal: Refusal?
        var payload: JSON = ["runId": .string(run), "status": "ok", "summary": "completed"]
        switch outcome {
        case .success(let reply): payload["result"] = ["payloads": [["text": .string(reply)]]]
        case .failure(let failure) where !isBestEffort:
            refusal = failure
            payload = ["runId": .string(run), "status": "error", "summary": .string(failure.message)]
        case .failure: break
        }
        life.remembered[key] = .answered(refusal.map { .failure($0) } ?? .success(payload))
        answer(call, payload, refusal)
    }

    private func agentSession(_ call: Call) throws(Refusal) -> String {
        let agent = call.params["agentId"]?.filled
        guard let key = call.params["sessionKey"]?.filled else {
            let id = call.params["sessionId"]?.filled
            return book.sessions.first { $0.value.id == id }?.key ?? "agent:\(agent ?? "main"):main"
        }
        let checked = try Self.checkedKey(key)
        let parts = checked.split(separator: ":")
        if let agent, parts.first == "agent", parts[1] != agent {
            throw .invalid("agent \"\(agent)\" does not match session key agent \"\(parts[1])\"")
        }
        return checked
    }

    private func deliveryRoute(_ call: Call, _ session: String) -> Route? {
        let params = call.params
        guard let to = params["replyTo"]?.filled ?? params["to"]?.filled else { return route(of: session) }
        return Route(
            channel: params["replyChannel"]?.filled ?? params["channel"]?.filled ?? "discord", to: to,
            accountId: params["replyAccountId"]?.filled ?? params["accountId"]?.filled)
    }

    // MARK: - chat.send

    fileprivate mutating func chat(_ call: Call) throws(Refusal) -> JSON? {
        let run = try call.required("idempotencyKey")
        let session = try Self.checkedKey(try call.required("sessionKey"))
        let message = try call.required("message")
        let key = "chat:" + run
        guard !recall(key, joinedBy: call) else { return nil }
        let started: JSON = ["runId": .string(run), "status": "started"]
        life.remembered[key] = .answered(.success(started))
        var turn = Turn(session: session, message: message, source: "chat", run: run)
        if call.params["deliver"] == true { turn.route = route(of: session) }
        turn.onEnd = { gateway, outcome in _ = gateway.inLife(call.life) { $0.chatEnded(run, session, outcome) } }
        beginTurn(turn)
        return started
    }

    private mutating func chatEnded(_ run: String, _ session: String, _ outcome: Result<String, Refusal>) {
        var event: JSON = ["runId": .string(run), "sessionKey": .string(session), "seq": 1]
        switch outcome {
        case .success(let reply):
            event["state"] = "final"
            event["message"] = [
                "role": "assistant", "content": [["type": "text", "text": .string(reply)]],
                "timestamp": JSON(unixMilliseconds()),
            ]
        case .failure(let refusal):
            event["state"] = "error"
            event["errorMessage"] = .string(refusal.message)
        }
        broadcast("chat", event)
    }
}
