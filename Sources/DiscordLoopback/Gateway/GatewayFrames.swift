// What a client sends.
extension LoopbackState {
    /// One message from a client.
    mutating func received(_ text: String?, bytes: Int, on id: UInt64) {
        guard let connection = connections[id], !connection.closing, !connection.halfOpen else { return }
        guard countFrame(on: id) else { return close(id, CloseCode.rateLimited) }
        guard bytes <= LoopbackLimits.gatewayPayloadBytes else { return close(id, CloseCode.decodeError) }
        guard let text, let frame = try? JSON(parsing: text), frame.object != nil, let op = frame[key: "op"]?.int else {
            return close(id, CloseCode.decodeError)
        }
        let body = frame[key: "d"] ?? .null
        switch op {
        case 1: beat(body, on: id)
        case 2: identify(body, on: id)
        case 6: resume(body, on: id)
        case 3, 4, 8, 31, 43:
            guard connection.session != nil else { return close(id, CloseCode.notAuthenticated) }
            if op == 8 { sendMembers(body, on: id) }
        default: close(id, CloseCode.unknownOpcode)
        }
    }

    /// Counts a frame; false when there were more than 120 within 60 s.
    private mutating func countFrame(on id: UInt64) -> Bool {
        let now = now
        guard var times = connections[id]?.frameTimes else { return false }
        let window = UInt64(LoopbackLimits.gatewayFrameWindowSeconds) * 1_000_000_000
        while let first = times.first, now >= first + window { times.removeFirst() }
        times.append(now)
        connections[id]?.frameTimes = times
        return times.count <= LoopbackLimits.gatewayFrames
    }

    private mutating func beat(_ body: JSON, on id: UInt64) {
        let now = now
        connections[id]?.lastBeat = now
        let silent = connections[id]?.silent ?? false
        log.record("heartbeat", ["conn": JSON(id), "seq": body, "acked": .bool(!silent)])
        if !silent { send("{\"t\":null,\"s\":null,\"op\":11,\"d\":null}", on: id) }
        _ = strike(.heartbeat, on: id)
    }

    /// Op 8: the members of a guild, in one chunk.
    private mutating func sendMembers(_ body: JSON, on id: UInt64) {
        guard let name = connections[id]?.session, let guildID = body[key: "guild_id"]?.snowflake,
            let guild = guilds[guildID]
        else { return }
        let asked = body[key: "user_ids"]?.array?.compactMap(\.snowflake)
        let members = guild.memberRoles.keys.filter { asked?.contains($0) ?? true }.sorted()
        var chunk: JSON = [
            "guild_id": JSON(id: guildID), "members": .array(members.map { memberJSON($0, in: guild) }), "chunk_index": 0,
            "chunk_count": 1, "not_found": [],
        ]
        if let nonce = body[key: "nonce"] { chunk[key: "nonce"] = nonce }
        dispatch("GUILD_MEMBERS_CHUNK", chunk.text, to: name)
    }
}
