import DequeModule

// A connection's life: hello, identify or resume, ready, end.
extension LoopbackState {
    /// Takes a new gateway connection in and greets it.
    mutating func connected(
        _ id: UInt64, query: [String: String], userAgent: String, mailbox: AsyncStream<ConnectionOrder>.Continuation
    ) {
        connections[id] = Connection(id: id, connectedAt: now, mailbox: mailbox, lastBeat: now)
        log.record(
            "connect",
            [
                "conn": JSON(id), "v": JSON(query["v"]), "encoding": JSON(query["encoding"]),
                "compress": JSON(query["compress"]), "user_agent": .string(userAgent),
            ])
        guard LoopbackLimits.apiVersions.contains(query["v"].flatMap(Int.init) ?? 10) else {
            return close(id, CloseCode.invalidVersion)
        }
        guard query["encoding"] ?? "json" == "json", ["zlib-stream", nil].contains(query["compress"]) else {
            return close(id, CloseCode.decodeError)
        }
        if strike(.connect, on: id) { return }
        let interval = options.heartbeatInterval
        send("{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":\(interval.milliseconds),\"_trace\":[]}}", on: id)
        connections[id]?.phase = .greeted
        log.record("hello", ["conn": JSON(id), "interval_ms": JSON(interval.milliseconds)])
        order(.wait(patience, .heartbeat), on: id)
    }

    private var patience: Duration { options.heartbeatInterval * options.missedIntervals }

    /// A connection's timer has run out.
    mutating func timeIsUp(_ timer: GatewayTimer, on id: UInt64) {
        guard let connection = connections[id], !connection.closing else { return }
        switch timer {
        case .ready: becomeReady(id)
        case .heartbeat:
            let end = connection.lastBeat + patience.nanoseconds
            if now < end {
                order(.wait(.nanoseconds(Int64(end - now)), .heartbeat), on: id)
            } else if connection.halfOpen {
                drop(id, reset: false)
            } else {
                close(id, CloseCode.sessionTimedOut)
            }
        case .reconnectGrace: close(id, CloseCode.unknownError)
        }
    }

    mutating func identify(_ body: JSON, on id: UInt64) {
        guard let connection = connections[id] else { return }
        guard connection.session == nil, connection.pending == nil else { return close(id, CloseCode.alreadyAuthenticated) }
        let shard = body[key: "shard"]?.array?.map { $0.int ?? -1 }
        log.record(
            "identify",
            [
                "conn": JSON(id), "intents": body[key: "intents"] ?? .null, "shard": body[key: "shard"] ?? .null,
                "properties": body[key: "properties"] ?? .null,
            ])
        if strike(.identify, on: id) { return }
        guard body.object != nil, let given = body[key: "token"]?.string, body[key: "properties"]?.object != nil else {
            return close(id, CloseCode.decodeError)
        }
        guard let intents = body[key: "intents"]?.int, intents & ~GatewayIntents.known == 0, intents >= 0 else {
            return close(id, CloseCode.invalidIntents)
        }
        let token = given.hasPrefix("Bot ") ? String(given.dropFirst(4)) : given
        guard let bot = bot(withToken: token) else { return close(id, CloseCode.authenticationFailed) }
        if let shard, shard.count != 2 || shard[1] < 1 || !(0..<shard[1]).contains(shard[0]) {
            return close(id, CloseCode.invalidShard)
        }
        if let large = body[key: "large_threshold"]?.int, !LoopbackLimits.largeThreshold.contains(large) {
            return close(id, CloseCode.decodeError)
        }
        if intents & GatewayIntents.privileged != 0, !options.grantsPrivilegedIntents {
            return close(id, CloseCode.disallowedIntents)
        }
        spendIdentify(bot, shard: body[key: "shard"] ?? [0, 1], intents: intents, on: id)
    }

    private mutating func spendIdentify(_ bot: Bot, shard: JSON, intents: Int, on id: UInt64) {
        let key = (shard.array?.first?.int ?? 0) % max(1, options.maxConcurrency)
        guard identifies.mayStart(key: key, window: options.identifyWindow, now: now) else {
            return invalidate(id, resumable: false)
        }
        guard identifies.spend(total: options.sessionStartTotal, reset: options.sessionStartReset, now: now) else {
            // What the documentation threatens with: all sessions end and the token is reset.
            bots[bot.user.id]?.revoked = true
            log.record("token_reset", ["bot": JSON(id: bot.user.id)])
            for session in sessions.values where session.bot == bot.user.id {
                if let other = session.connection { close(other, CloseCode.authenticationFailed) }
                sessions[session.id] = nil
            }
            return close(id, CloseCode.authenticationFailed)
        }
        let session = Session(id: String(newID(), radix: 16), token: bot.token, bot: bot.user.id, intents: intents, shard: shard)
        holdBack(.identify(session), on: id)
    }

    mutating func resume(_ body: JSON, on id: UInt64) {
        guard let connection = connections[id] else { return }
        guard connection.session == nil, connection.pending == nil else { return close(id, CloseCode.alreadyAuthenticated) }
        let name = body[key: "session_id"]?.string ?? ""
        log.record("resume", ["conn": JSON(id), "session": .string(name), "seq": body[key: "seq"] ?? .null])
        if strike(.resume, on: id) { return }
        guard let given = body[key: "token"]?.string, let seq = body[key: "seq"]?.int else {
            return close(id, CloseCode.decodeError)
        }
        forgetOldSessions()
        let token = given.hasPrefix("Bot ") ? String(given.dropFirst(4)) : given
        guard bot(withToken: token) != nil else { return close(id, CloseCode.authenticationFailed) }
        guard let session = sessions[name], session.token == token else { return invalidate(id, resumable: false) }
        guard seq >= 0, seq <= session.seq else {
            sessions[name] = nil
            return close(id, CloseCode.invalidSequence)
        }
        guard session.canReplay(after: seq) else {
            sessions[name] = nil
            return invalidate(id, resumable: false)
        }
        if let old = session.connection {
            detach(old)
            close(old, CloseCode.unknownError)
        }
        // Taken from now on, so that nothing expires it while RESUMED is held back.
        sessions[name]?.detachedAt = nil
        holdBack(.resume(session: name, seq: seq), on: id)
    }

    /// Makes READY or RESUMED come at once or when its time has come.
    private mutating func holdBack(_ pending: PendingReady, on id: UInt64) {
        guard let connection = connections[id] else { return }
        connections[id]?.pending = pending
        connections[id]?.phase = .readying
        let delay = faults.readyDelay(log) ?? options.readyAfter
        let due = connection.connectedAt + delay.nanoseconds
        if now >= due { becomeReady(id) } else { order(.wait(.nanoseconds(Int64(due - now)), .ready), on: id) }
    }

    private mutating func becomeReady(_ id: UInt64) {
        guard let pending = connections[id]?.pending else { return }
        connections[id]?.pending = nil
        connections[id]?.phase = .live
        switch pending {
        case .identify(let session): start(session, on: id)
        case .resume(let session, let seq): replay(session, after: seq, on: id)
        }
    }

    private mutating func start(_ session: Session, on id: UInt64) {
        guard let bot = bots[session.bot] else { return }
        forgetOldSessions()
        var session = session
        session.connection = id
        sessions[session.id] = session
        connections[id]?.session = session.id
        let own = guilds.values.filter { $0.memberRoles[session.bot] != nil }.sorted { $0.id < $1.id }
        let quirks = faults.readyQuirks(log)
        log.record(
            "ready", ["conn": JSON(id), "session": .string(session.id), "bot": JSON(id: session.bot), "guilds": JSON(own.count)])
        let ready: JSON = [
            "v": 10, "user": ownUserJSON(bot), "user_settings": [:], "session_type": "normal",
            "session_id": .string(session.id), "resume_gateway_url": .string("\(scheme.socket)://\(address)"),
            "relationships": [], "private_channels": [], "presences": [],
            "guilds": .array(
                own.map { ["id": quirks.numericGuilds ? JSON($0.id) : JSON(id: $0.id), "unavailable": true] }),
            "guild_join_requests": [], "geo_ordered_rtc_regions": [], "auth": [:], "shard": session.shard,
            "application": ["id": JSON(id: bot.applicationID), "flags": 565_248], "_trace": ["loopback"],
        ]
        if quirks.sequenceZero { sessions[session.id]?.seq = -1 }
        dispatch("READY", ready.text, to: session.id)
        if session.wants(GatewayIntents.guilds) {
            for guild in own {
                let about: JSON = ["guild": JSON(id: guild.id)]
                if guild.unavailable {
                    let gone: JSON = ["id": JSON(id: guild.id), "unavailable": true]
                    dispatch("GUILD_DELETE", gone.text, to: session.id, about: about)
                } else {
                    dispatch("GUILD_CREATE", guildCreateJSON(guild, for: session.bot).text, to: session.id, about: about)
                }
            }
        }
        _ = strike(.ready, on: id)
    }

    private mutating func replay(_ name: String, after seq: Int, on id: UInt64) {
        guard let session = sessions[name] else { return invalidate(id, resumable: false) }
        sessions[name]?.connection = id
        sessions[name]?.detachedAt = nil
        connections[id]?.session = name
        for sent in session.sent where sent.seq > seq {
            transmit(sent.type, sent.body, seq: sent.seq, session: session, on: id, replay: true)
        }
        log.record(
            "resumed",
            [
                "conn": JSON(id), "session": .string(name), "from": JSON(seq), "bot": JSON(id: session.bot),
                "replayed": JSON(session.sent.count { $0.seq > seq }),
            ])
        dispatch("RESUMED", "{\"_trace\":[\"loopback\"]}", to: name)
        _ = strike(.resumed, on: id)
    }

    /// Op 9. Not resumable means that the session is gone.
    mutating func invalidate(_ id: UInt64, resumable: Bool) {
        log.record("invalid_session", ["conn": JSON(id), "resumable": .bool(resumable)])
        if !resumable, let name = connections[id]?.session { sessions[name] = nil }
        if !resumable { connections[id]?.session = nil }
        connections[id]?.phase = .greeted
        send("{\"t\":null,\"s\":null,\"op\":9,\"d\":\(resumable)}", on: id)
    }

    /// Op 7, with or without its empty `d`; the server closes by itself after a grace.
    mutating func askToReconnect(_ id: UInt64, omitsBody: Bool) {
        log.record("reconnect", ["conn": JSON(id)])
        send(omitsBody ? "{\"op\":7}" : "{\"t\":null,\"s\":null,\"op\":7,\"d\":null}", on: id)
        order(.wait(options.reconnectGrace, .reconnectGrace), on: id)
    }

    /// Closes a connection with a code; its session stays resumable if the code lets it.
    mutating func close(_ id: UInt64, _ code: UInt16?, reason: String? = nil) {
        guard let connection = connections[id], !connection.closing else { return }
        if let code, CloseCode.endsSession(code), let name = connection.session { sessions[name] = nil }
        detach(id)
        connections[id]?.closing = true
        log.record(
            "close", ["conn": JSON(id), "by": "server", "code": code.map { JSON(Int($0)) } ?? .null])
        order(.close(code, reason ?? code.flatMap { CloseCode.reasons[$0] } ?? ""), on: id)
    }

    /// Ends a connection without a close frame.
    mutating func drop(_ id: UInt64, reset: Bool) {
        guard let connection = connections[id], !connection.closing else { return }
        detach(id)
        connections[id]?.closing = true
        log.record("close", ["conn": JSON(id), "by": "server", "code": nil, "reset": .bool(reset)])
        order(.drop(reset: reset), on: id)
    }

    /// The client closed or vanished.
    ///
    /// - Returns: whether the client said so first, so that its close frame wants an answer.
    @discardableResult
    mutating func disconnected(_ id: UInt64, code: UInt16?) -> Bool {
        guard let connection = connections[id] else { return false }
        if !connection.closing {
            log.record("close", ["conn": JSON(id), "by": "client", "code": code.map { JSON(Int($0)) } ?? .null])
            // 1000 and 1001 say goodbye for good; everything else may come back.
            if code == 1_000 || code == 1_001, let name = connection.session { sessions[name] = nil }
            detach(id)
        }
        connections[id] = nil
        connection.mailbox.finish()
        return !connection.closing
    }

    private mutating func detach(_ id: UInt64) {
        let now = now
        if case .resume(let name, _)? = connections[id]?.pending { sessions[name]?.detachedAt = now }
        connections[id]?.pending = nil
        guard let name = connections[id]?.session else { return }
        connections[id]?.session = nil
        guard sessions[name]?.connection == id else { return }
        sessions[name]?.connection = nil
        sessions[name]?.detachedAt = now
    }

    /// Drops sessions that waited too long for their client, and the oldest waiting ones when there are too many.
    mutating func forgetOldSessions() {
        let life = options.sessionTTL.nanoseconds
        for session in sessions.values {
            if let since = session.detachedAt, now >= since + life {
                sessions[session.id] = nil
                log.record("session_expired", ["session": .string(session.id)])
            }
        }
        while sessions.count >= LoopbackLimits.sessions {
            let waiting = sessions.values.filter { $0.detachedAt != nil }
            guard let oldest = waiting.min(by: { $0.detachedAt! < $1.detachedAt! }) else { return }
            sessions[oldest.id] = nil
        }
    }
}
