import DequeModule

// `/_loopback/…`: the loopback's own endpoint. No token, no limits; it listens on the loopback address only.
extension LoopbackWorld {
    /// Answers an admin request; `path` begins after `_loopback`.
    func administer(_ request: APIRequest, _ path: ArraySlice<String>) -> APIResponse {
        do throws(LoopbackError) {
            switch (request.method, path.first ?? "") {
            case ("GET", "state"): return .ok(withState { $0.stateJSON })
            case ("GET", "log"): return .ok(logPage(after: request.query["after"].flatMap { UInt64($0) } ?? 0))
            case ("GET", "messages"): return .ok(messagesJSON(in: path.dropFirst().first.flatMap { Snowflake($0) }))
            case ("DELETE", "messages"):
                let ids = path.dropFirst().compactMap { Snowflake($0) }
                guard ids.count == 2 else { return .notFound }
                try perform(.deleteMessage(channel: ids[0], id: ids[1]))
                return .noContent
            case ("GET", "faults"): return .ok(withState { $0.faults.json })
            case ("POST", "faults"): return .ok(try addFaults(request.body))
            case ("DELETE", "faults"):
                try perform(.clearFaults)
                return .noContent
            case ("POST", "actions"):
                try perform(try LoopbackAction(json: try parse(request.body)))
                return .ok(["done": true])
            case ("POST", let name):
                // The same by path: POST /_loopback/close {"code":4000}
                var json = request.body.isEmpty ? [:] : try parse(request.body)
                json[key: "action"] = .string(name)
                try perform(try LoopbackAction(json: json))
                return .ok(["done": true])
            default: return .notFound
            }
        } catch {
            return APIResponse(
                status: error.code == .unknownObject ? 404 : 400,
                body: .json(["error": .string(error.code.name), "message": .string(error.message), "hint": .string(error.hint)]))
        }
    }

    private func parse(_ body: [UInt8]) throws(LoopbackError) -> JSON {
        try LoopbackScript.parse(String(decoding: body, as: UTF8.self), what: "body")
    }

    /// One fault, a list of them, or an object with `faults`.
    private func addFaults(_ body: [UInt8]) throws(LoopbackError) -> JSON {
        let json = try parse(body)
        var faults: [LoopbackFault] = []
        for entry in json.array ?? json[key: "faults"]?.array ?? [json] { faults.append(try LoopbackFault(json: entry)) }
        let added = faults
        return withState { state in
            let ids = added.map { state.faults.add($0) }
            return ["added": .array(ids.map { JSON($0) }), "faults": state.faults.json]
        }
    }

    private func logPage(after number: UInt64) -> JSON {
        .array(log.events.drop { $0.number <= number }.prefix(1_000).map(\.fields))
    }

    private func messagesJSON(in channel: Snowflake?) -> JSON {
        withState { state in
            let chosen = channel.map { [$0] } ?? state.messages.keys.sorted()
            return .array(chosen.flatMap { (state.messages[$0] ?? []).map { state.messageJSON($0) } })
        }
    }
}

extension LoopbackState {
    var stateJSON: JSON {
        var budget = identifies
        let standing = budget.standing(total: options.sessionStartTotal, reset: options.sessionStartReset, now: now)
        return [
            "address": .string(address), "unavailable": .bool(unavailable),
            "bots": .array(
                bots.values.sorted { $0.user.id < $1.user.id }.map {
                    ["id": JSON(id: $0.user.id), "name": .string($0.user.name), "revoked": .bool($0.revoked)]
                }),
            "guilds": .array(
                guilds.values.sorted { $0.id < $1.id }.map {
                    ["id": JSON(id: $0.id), "name": .string($0.name), "unavailable": .bool($0.unavailable)]
                }),
            "channels": .array(
                channels.values.sorted { $0.id < $1.id }.map { channel in
                    var json = channelJSON(channel)
                    json[key: "messages"] = JSON(messages[channel.id]?.count ?? 0)
                    return json
                }),
            "sessions": .array(
                sessions.values.sorted { $0.id < $1.id }.map {
                    [
                        "session": .string($0.id), "bot": JSON(id: $0.bot), "seq": JSON($0.seq), "intents": JSON($0.intents),
                        "conn": $0.connection.map { JSON($0) } ?? .null,
                    ]
                }),
            "connections": JSON(connections.count), "requests": JSON(requests),
            "invalid_requests": JSON(limiter.invalidRequests), "nonces": JSON(nonces.count),
            "identifies_left": JSON(standing.remaining), "faults": faults.json,
        ]
    }
}
