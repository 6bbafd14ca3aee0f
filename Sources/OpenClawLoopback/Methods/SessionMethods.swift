// Sessions, their transcripts, and what reaches them without a turn of their own.
extension Method {
    private static let listing: Set<String> = [
        "limit", "offset", "activeMinutes", "includeGlobal", "includeUnknown", "includeDerivedTitles", "includeLastMessage",
        "label",
        "spawnedBy", "agentId", "search", "sortBy", "requireLastInteraction", "configuredAgentsOnly", "archived", "boardFace",
        "creatorId", "ownerId", "involvingMe", "activeOnly", "ownerFirst",
    ]

    static let sessionMethods: [String: Method] = [
        "sessions.list": Method(scope: .read, params: listing) { state, call throws(Refusal) in state.sessions(call) },
        "sessions.subscribe": Method(scope: .read, isNewest: true, params: listing) { state, call throws(Refusal) in
            state.subscribe(call)
        },
        "chat.history": Method(scope: .read, params: nil) { state, call throws(Refusal) in
            state.history(try call.required("sessionKey"), limit: call.params["limit"]?.int ?? 200)
        },
        "wake": Method(scope: .write, params: nil) { state, call throws(Refusal) in try state.wake(call) },
        "system-event": Method(scope: .write, params: nil) { state, call throws(Refusal) in try state.systemEvent(call) },
    ]
}

extension GatewayState {
    fileprivate func sessions(_ call: Call) -> JSON {
        let all = book.sessions.filter { key, session in
            call.params["search"]?.filled.map { key.contains($0) } ?? true
                && call.params["label"]?.filled.map { session.label == $0 } ?? true
        }.sorted { ($1.value.updatedAt, $0.key) < ($0.value.updatedAt, $1.key) }
        let offset = max(0, call.params["offset"]?.int ?? 0)
        let rows = all.dropFirst(offset).prefix(max(0, call.params["limit"]?.int ?? .max)).map { row(key: $0, of: $1) }
        return [
            "ts": JSON(unixMilliseconds()), "path": .string(Book.path(in: options.stateDirectory)), "count": JSON(rows.count),
            "totalCount": JSON(all.count), "offset": JSON(offset), "sessions": .array(rows),
        ]
    }

    private func row(key: String, of session: Book.Session) -> JSON {
        let runs = life.runs.filter { $0.value == key }.keys.sorted()
        return .members([
            "key": .string(key), "sessionId": .string(session.id), "updatedAt": JSON(session.updatedAt),
            "hasActiveRun": .bool(!runs.isEmpty), "activeRunIds": JSON(runs), "deliveryContext": session.route?.json,
            "label": session.label.map(JSON.string),
        ])
    }

    /// The caller is told of every line of every transcript from now on.
    fileprivate mutating func subscribe(_ call: Call) -> JSON {
        life.connections[call.connection]?.hearsSessions = true
        return call.params.object?.isEmpty ?? true ? ["subscribed": true] : ["subscribed": true, "list": sessions(call)]
    }

    fileprivate func history(_ key: String, limit: Int) -> JSON {
        let session = book.sessions[key]
        let messages = (session?.transcript ?? []).suffix(min(max(1, limit), 1_000)).map { entry -> JSON in
            [
                "role": .string(entry.role), "content": [["type": "text", "text": .string(entry.text)]],
                "timestamp": JSON(entry.timestamp),
            ]
        }
        return .members([
            "sessionKey": .string(key), "sessionId": session.map { .string($0.id) }, "messages": .array(messages),
        ])
    }

    /// The session that a call names; March heard nothing but the main one.
    private func target(_ call: Call) throws(Refusal) -> String {
        guard options.generation == .newest, let key = call.params["sessionKey"]?.filled else { return Self.mainSession }
        return try Self.checkedKey(key)
    }

    fileprivate mutating func wake(_ call: Call) throws(Refusal) -> JSON {
        let text = try call.required("text")
        guard let mode = call.params["mode"]?.string, ["now", "next-heartbeat"].contains(mode) else {
            throw .invalid("invalid wake params: mode must be now or next-heartbeat")
        }
        let session = try target(call)
        let isNamed = options.generation == .newest && call.params["sessionKey"]?.filled != nil
        if mode == "now" || isNamed {
            beginTurn(Turn(session: session, message: "System: \(text)", source: "wake"))
        } else {
            addSystemEvent(text, to: session)
        }
        return ["ok": true]
    }

    fileprivate mutating func systemEvent(_ call: Call) throws(Refusal) -> JSON {
        let text = try call.required("text")
        guard !text.hasPrefix("Node:") else { return ["ok": true] }
        let session = try target(call)
        if options.generation == .newest, call.params["wake"] == true {
            beginTurn(Turn(session: session, message: "System: \(text)", source: "wake"))
        } else {
            addSystemEvent(text, to: session)
        }
        return ["ok": true]
    }

    /// Refuses keys that name no session: `agent:ops` has too few parts.
    static func checkedKey(_ key: String) throws(Refusal) -> String {
        let parts = key.split(separator: ":")
        guard parts.first != "agent" || parts.count >= 3 else { throw .invalid("malformed session key \"\(key)\"") }
        return key
    }
}
