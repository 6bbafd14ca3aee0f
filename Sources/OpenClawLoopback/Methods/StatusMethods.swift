// What the gateway says of itself and its channels.
extension Method {
    static let statusMethods: [String: Method] = [
        "health": Method(scope: .read, params: ["probe"]) { state, _ throws(Refusal) in state.health },
        "status": Method(scope: .read, params: []) { state, _ throws(Refusal) in state.status },
        "channels.status": Method(scope: .read, params: ["probe", "timeoutMs", "channel"]) { state, _ throws(Refusal) in
            state.channelsStatus()
        },
        "logs.tail": Method(scope: .read, params: ["cursor", "limit", "maxBytes"]) { state, call throws(Refusal) in
            state.tail(call)
        },
        "update.status": Method(scope: .admin, isNewest: true, params: ["refreshCheckout"]) { state, _ throws(Refusal) in
            ["sentinel": state.book.sentinel?.payload ?? .null, "updateAvailable": nil, "effectiveChannel": "stable"]
        },
        "gateway.restart.request": Method(
            scope: .admin, isNewest: true, params: ["reason", "safe", "skipDeferral", "target", "restartIntent"]
        ) { state, call throws(Refusal) in try state.requestRestart(call) },
    ]
}

extension GatewayState {
    fileprivate var health: JSON {
        [
            "ok": true, "ts": JSON(unixMilliseconds()), "durationMs": 1, "channels": ["discord": ["configured": true]],
            "channelOrder": ["discord"], "channelLabels": ["discord": "Discord"], "heartbeatSeconds": 1_800,
            "defaultAgentId": "main", "agents": [["agentId": "main", "isDefault": true]],
            "sessions": [
                "path": .string(Book.path(in: options.stateDirectory)), "count": JSON(book.sessions.count), "recent": [],
            ],
        ]
    }

    fileprivate var status: JSON {
        [
            "version": .string(options.generation.version), "uptimeMs": JSON(life.uptimeMilliseconds),
            "sessions": ["count": JSON(book.sessions.count)], "activeRuns": JSON(life.runs.count),
        ]
    }

    fileprivate func channelsStatus() -> JSON {
        let isConnected =
            !faults.contains(.connectedAlwaysFalse) && (life.isDiscordReady || faults.contains(.connectedAlwaysTrue))
        let account = JSON.members([
            "accountId": .string(options.account), "enabled": true, "configured": true, "running": .bool(isConnected),
            "connected": .bool(isConnected), "reconnectAttempts": 0, "lastError": nil,
            "lastConnectedAt": life.discordReadyAt.map { JSON($0) }, "activeRuns": JSON(life.runs.count),
            "busy": .bool(!life.runs.isEmpty),
        ])
        return [
            "ts": JSON(unixMilliseconds()), "channelOrder": ["discord"], "channelLabels": ["discord": "Discord"],
            "channels": ["discord": ["configured": true, "running": .bool(isConnected)]],
            "channelAccounts": ["discord": [account]], "channelDefaultAccountId": ["discord": .string(options.account)],
        ]
    }

    /// The stand-in's own events are its log.
    fileprivate func tail(_ call: Call) -> JSON {
        let events = log.events
        let limit = min(max(1, call.params["limit"]?.int ?? 500), 5_000)
        let cursor = call.params["cursor"]?.int ?? max(0, events.count - limit)
        let lines = events.dropFirst(max(0, cursor)).prefix(limit).map(\.line)
        return [
            "file": "events", "cursor": JSON(min(max(0, cursor), events.count) + lines.count), "size": JSON(events.count),
            "lines": JSON(lines), "truncated": false, "reset": .bool(cursor > events.count),
        ]
    }

    fileprivate mutating func requestRestart(_ call: Call) throws(Refusal) -> JSON {
        let reason = call.params["reason"]?.filled ?? "gateway.restart.request"
        guard reason.unicodeScalars.count <= 200 else {
            throw .invalid("invalid gateway.restart.request params: reason must not have more than 200 characters")
        }
        // Turns are not waited for here: each counts, and each is cut off.
        let runs = JSON(life.runs.count)
        let restart = scheduleRestart(reason: reason, delay: nil)
        return [
            "ok": true, "status": restart["coalesced"] == true ? "coalesced" : "scheduled", "restart": restart,
            "preflight": [
                "safe": .bool(life.runs.isEmpty), "counts": ["embeddedRuns": runs, "totalActive": runs], "blockers": [],
                "summary": .string("\(life.runs.count) active runs"),
            ],
        ]
    }
}
