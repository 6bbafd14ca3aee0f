import ControlServer
import GatewayProtocol
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// The methods that only look.
extension Desk {
    func health(_ call: ControlCall?) async -> JSONValue? {
        let began = parts.moments.now()
        let health = parts.face.health
        let outlook = await parts.waker.outlook()
        let now = parts.moments.now()
        var object: JSONObject = [
            "ok": .bool(health.isRecovered), "ts": .integer(now.wallMilliseconds),
            "durationMs": .integer((now.boottimeMicroseconds - began.boottimeMicroseconds) / 1_000),
            "channelOrder": ["discord"], "channelLabels": ["discord": "Discord"],
            "channels": .object(
                JSONObject(health.channels.map { .init(key: $0.name, value: ["connected": .bool($0.isReady)]) })),
            "readiness": [
                "live": true, "control": .bool(health.isRecovered), "channels": .bool(health.isReady),
            ],
            "status": .string(health.status),
        ]
        if let outlook {
            object["sentinels"] = .integer(Int64(outlook.openSentinels))
            object["wakes"] = .integer(Int64(outlook.openWakes))
            object["unresolved"] = .integer(Int64(outlook.unresolved))
        }
        if !parts.remarks.isEmpty { object["remarks"] = .array(parts.remarks.map { .string($0) }) }
        return .object(object)
    }

    func status(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let counts = try await parts.thread.counts()
        var object: JSONObject = [
            "version": .string(Version.text), "instance": .string(parts.instance), "uptimeMs": .integer(uptimeMilliseconds),
            "startedAt": .string(WallTime.text(parts.startedAt)), "status": .string(parts.face.health.status),
            "ledger": [
                "directory": .string(parts.live.configuration.ledger.directory),
                "openSentinels": .integer(Int64(counts.openSentinels)), "liveWakes": .integer(Int64(counts.liveWakes)),
                "unresolved": .integer(Int64(counts.unresolvedDeliveries)), "inbox": .integer(Int64(counts.inboxRows)),
                "refused": .integer(Int64(counts.refusedRows)),
            ],
        ]
        object["restartPendingInMs"] = await parts.restarts.pending.map { .integer($0.wholeMilliseconds) }
        let waiting = parts.live.waiting
        if !waiting.isEmpty { object["waitsForRestart"] = .array(waiting.map { .string($0) }) }
        if !parts.remarks.isEmpty { object["remarks"] = .array(parts.remarks.map { .string($0) }) }
        return .object(object)
    }

    func channelsStatus(_ call: ControlCall) throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let wanted = fields.optionalText("channel", 1...128)
        _ = fields.optionalBool("probe")
        try fields.finish()
        var accounts: [String: [JSONValue]] = [:]
        for (name, state, since) in parts.face.channels
        where wanted == nil || wanted == name.transport || wanted == name.description {
            let host = parts.hosts.first { $0.channel == name }
            var account = ChannelWords.members(state)
            account["accountId"] = .string(name.account)
            account["name"] = .string(name.description)
            account["enabled"] = true
            account["configured"] = .bool(host != nil)
            account["running"] = .bool(host?.isStarted ?? true)
            account["sinceMs"] = .integer(since.wallMilliseconds)
            if case .ready = state { account["lastConnectedAt"] = .integer(since.wallMilliseconds) }
            accounts[name.transport, default: []].append(.object(account))
        }
        let order = accounts.keys.sorted()
        return [
            "ts": .integer(parts.moments.now().wallMilliseconds), "channelOrder": .array(order.map { .string($0) }),
            "channelLabels": ["discord": "Discord"],
            "channels": .object(JSONObject(order.map { .init(key: $0, value: ["configured": true]) })),
            "channelAccounts": .object(JSONObject(order.map { .init(key: $0, value: .array(accounts[$0] ?? [])) })),
            "channelDefaultAccountId": .object(JSONObject(order.map { .init(key: $0, value: "default") })),
        ]
    }

    func logsTail(_ call: ControlCall) throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let cursor = fields.optionalInteger("cursor", 0...Int64(Int32.max))
        let limit = fields.optionalInteger("limit", 1...5_000) ?? 500
        let bytes = fields.optionalInteger("maxBytes", 1...1_000_000) ?? 250_000
        try fields.finish()
        guard call.caller.sessions == nil else {
            throw GatewayFault(
                .forbidden, "the log tells of every session, and this caller may name some only",
                details: ["code": "SESSION_FORBIDDEN"])
        }
        let tail = parts.ring.tail(from: cursor.map { Int($0) }, limit: Int(limit), maximumBytes: Int(bytes))
        var object: JSONObject = [
            "file": "memory", "cursor": .integer(Int64(tail.cursor)), "size": .integer(Int64(tail.size)),
            "lines": .array(tail.lines.map { .string($0) }),
        ]
        if tail.isTruncated { object["truncated"] = true }
        if tail.isReset { object["reset"] = true }
        return .object(object)
    }

    func sessionsList(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let limit = fields.optionalInteger("limit", 1...10_000) ?? 100
        let search = fields.optionalText("search", 1...256)?.lowercased()
        let agent = fields.optionalText("agentId", 1...64)
        let minutes = fields.optionalInteger("activeMinutes", 1...10_000_000)
        try fields.finish()
        let now = parts.moments.now().wallMilliseconds
        let all = try await parts.thread.sessions(limit: 10_000)
        let rows = all.filter { row in
            (agent == nil || row.session.agent == agent) && (search.map { row.session.description.contains($0) } ?? true)
                && (minutes.map { now - row.lastMilliseconds <= $0 * 60_000 } ?? true)
                && mayName(row.session, call.caller)
        }
        return [
            "ts": .integer(now), "count": .integer(Int64(min(rows.count, Int(limit)))), "total": .integer(Int64(rows.count)),
            "sessions": .array(
                rows.prefix(Int(limit)).map { row in
                    var object: JSONObject = [
                        "key": .string(row.session.description), "updatedAt": .integer(row.lastMilliseconds),
                        "openWakes": .integer(Int64(row.liveWakes)),
                    ]
                    object["agentId"] = row.session.agent.map { .string($0) }
                    object["route"] = row.route.map { .string($0.description) }
                    object["origin"] = row.origin.map { .string($0.rawValue) }
                    return .object(object)
                }),
        ]
    }

    func restartsList(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let limit = try limit(call)
        let (starts, restarts) = try await parts.thread.restarts(limit: limit)
        return [
            "starts": .array(starts.map(\.json)),
            "restarts": .array(restarts.filter { mayName($0.session, call.caller) }.map(\.json)),
        ]
    }

    func wakesList(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let limit = fields.optionalInteger("limit", 1...10_000) ?? 100
        let filter = fields.optionalWord("filter", ["live", "unresolved", "all"]) ?? "live"
        let session = sessionKey(&fields, "sessionKey", isNeeded: false)
        try fields.finish()
        let choice: WakeFilter = session.map { .session($0) } ?? (filter == "all" ? .all : filter == "live" ? .live : .unresolved)
        let records = try await parts.thread.wakes(choice, limit: Int(limit))
        let gates = parts.face.gates
        return ["wakes": .array(records.filter { mayName($0.wake.session, call.caller) }.map { .object($0.json(gates)) })]
    }

    func wakesShow(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let record = try await parts.thread.wake(try id(call))
        try allow(record.wake.session, call.caller)
        return ["wake": .object(record.json(parts.face.gates))]
    }

    func sentinelList(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let limit = fields.optionalInteger("limit", 1...10_000) ?? 100
        let isAll = fields.optionalBool("all") ?? false
        try fields.finish()
        let sentinels = try await parts.thread.sentinels(open: !isAll, limit: Int(limit))
        return ["sentinels": .array(sentinels.filter { mayName($0.session, call.caller) }.map(\.json))]
    }

    func sentinelShow(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let sentinel = try await parts.thread.sentinel(try id(call))
        try allow(sentinel.session, call.caller)
        return ["sentinel": sentinel.json]
    }

    private func limit(_ call: ControlCall) throws(GatewayFault) -> Int {
        var fields = FieldReader(call.params, in: call.method)
        let limit = fields.optionalInteger("limit", 1...10_000) ?? 100
        try fields.finish()
        return Int(limit)
    }

    func id(_ call: ControlCall) throws(GatewayFault) -> String {
        var fields = FieldReader(call.params, in: call.method)
        let id = fields.text("id", 1...64)
        try fields.finish()
        return id ?? ""
    }
}

extension StartRecord {
    /// One life of the daemon, as the control plane shows it.
    var json: JSONValue {
        var object: JSONObject = [
            "instance": .string(instance), "startedAt": .string(WallTime.text(started)),
            "boot": .string(started.boot.description),
        ]
        if let ended {
            object["endedAt"] = .string(WallTime.text(ended.at))
            object["end"] = .string(ended.kind.rawValue)
            object["reason"] = .string(ended.reason)
        } else {
            object["aliveAt"] = .string(WallTime.text(alive))
        }
        return .object(object)
    }
}

extension RestartRecord {
    /// One restart, as the control plane shows it.
    var json: JSONValue {
        var object: JSONObject = [
            "sentinel": .string(sentinel.description), "target": .string(target.description), "origin": .string(origin.rawValue),
            "state": .string(state), "requestedAt": .string(WallTime.text(requested)), "sessionKey": .string(session.description),
            "note": .string(note),
        ]
        object["cause"] = cause.map { .string($0.words) }
        object["endedAt"] = ended.map { .string(WallTime.text($0)) }
        object["wake"] = wake.map { .string($0.description) }
        return .object(object)
    }
}
