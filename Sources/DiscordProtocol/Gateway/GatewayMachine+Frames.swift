import WakeCore

// What frames do: Hello, heartbeats, dispatches, op 7 and op 9.
extension GatewayMachine {
    /// What heartbeat intervals are believed. Discord's is about 41 s; tests use down to 50 ms.
    static let heartbeatBoundsMilliseconds: ClosedRange<Int64> = 50...600_000

    mutating func received(_ payload: GatewayPayload, _ now: Duration, _ jitter: UnitFraction) -> [GatewayDirective] {
        switch payload.opcode {
        case 0: return dispatched(payload, now, jitter)
        case 1: return allowance.take(at: now, isScheduledBeat: false) ? [beat()] : []
        case 7: return drop("Discord asked for a reconnect", now, jitter, atOnce: liveSince != nil)
        case 9: return invalidated(mayResume: payload.data.bool ?? false, now, jitter)
        case 10: return greeted(payload, now, jitter)
        case 11:
            awaitsAcknowledgement = false
            return []
        default: return []
        }
    }

    private func beat() -> GatewayDirective {
        .send(.heartbeat(sequence: session?.sequence), on: connection)
    }

    private mutating func greeted(
        _ payload: GatewayPayload, _ now: Duration, _ jitter: UnitFraction
    ) -> [GatewayDirective] {
        guard case .greeting(let opening) = state else { return [] }
        guard let interval = payload.data["heartbeat_interval"]?.number,
            interval >= Double(Self.heartbeatBoundsMilliseconds.lowerBound),
            interval <= Double(Self.heartbeatBoundsMilliseconds.upperBound)
        else { return drop("Discord sent a Hello without a usable heartbeat interval", now, jitter) }
        heartbeatInterval = .microseconds(Int64(interval * 1000))
        nextBeatAt = now + heartbeatInterval.scaled(by: jitter)
        state = .opening(opening)
        _ = allowance.take(at: now, isScheduledBeat: false)
        let opened: GatewayCommand
        if opening == .resume, let session {
            opened = .resume(sessionID: session.sessionID, sequence: session.sequence)
        } else {
            opened = .identify(intents: configuration.intents)
            lastIdentifyAt = now
            budget?.spend()
        }
        return [
            .armTimer(.heartbeat, at: nextBeatAt), .send(opened, on: connection),
            .armTimer(.handshake, at: now + configuration.handshakeTimeout),
        ]
    }

    /// The zombie rule: a beat that is due while the last scheduled one has no ACK ends the connection.
    mutating func beatDue(_ now: Duration, _ jitter: UnitFraction) -> [GatewayDirective] {
        if awaitsAcknowledgement {
            return drop("the gateway stopped answering heartbeats", now, jitter)
        }
        guard allowance.take(at: now, isScheduledBeat: true) else {
            return [.armTimer(.heartbeat, at: allowance.nextBeat(after: now))]
        }
        awaitsAcknowledgement = true
        // From when it was due, so that late timers don't add up; but never in the past.
        nextBeatAt = max(nextBeatAt + heartbeatInterval, now)
        return [beat(), .armTimer(.heartbeat, at: nextBeatAt)] + storeIfOld(now)
    }

    /// Op 9. Discord wants 1 to 5 s of chance before the next try, so that a fleet spreads.
    private mutating func invalidated(
        mayResume: Bool, _ now: Duration, _ jitter: UnitFraction
    ) -> [GatewayDirective] {
        let wait = Duration.seconds(1) + Duration.seconds(4).scaled(by: jitter)
        if mayResume { return drop("Discord invalidated the session for now", now, jitter, atLeast: wait) }
        return forgetSession() + drop("Discord invalidated the session", now, jitter, atLeast: wait)
    }

    private mutating func dispatched(
        _ payload: GatewayPayload, _ now: Duration, _ jitter: UnitFraction
    ) -> [GatewayDirective] {
        if payload.type == "READY" { return ready(payload, now, jitter) }
        guard session != nil else { return [] }
        let sequence = max(payload.sequence ?? 0, session?.sequence ?? 0)
        session?.sequence = sequence
        if payload.type == "RESUMED" { return resumed(now) }
        var directives: [GatewayDirective] = []
        if case .opening = state {
            // A long replay is progress, not silence.
            directives.append(.armTimer(.handshake, at: now + configuration.handshakeTimeout))
        }
        if let event = event(of: payload) {
            handedOut = sequence
            directives.append(.dispatch(event, sequence: sequence))
        }
        return directives
    }

    private mutating func ready(
        _ payload: GatewayPayload, _ now: Duration, _ jitter: UnitFraction
    ) -> [GatewayDirective] {
        guard case .opening = state else { return [] }
        guard let sessionID = payload.data["session_id"]?.string, !sessionID.isEmpty,
            let user = Snowflake(json: payload.data["user"]?["id"])
        else { return drop("Discord sent a READY without session_id or user", now, jitter) }
        var guilds: [Snowflake: Bool] = [:]
        for guild in payload.data["guilds"]?.array?.prefix(StoredGatewaySession.maximumGuilds) ?? [] {
            if let id = Snowflake(json: guild["id"]) { guilds[id] = false }
        }
        let fresh = StoredGatewaySession(
            sessionID: sessionID, sequence: payload.sequence ?? 0,
            resumeURL: payload.data["resume_gateway_url"]?.string, userID: user, guilds: guilds)
        session = fresh
        lastUserID = user
        (handedOut, settledThrough) = (fresh.sequence, fresh.sequence)
        return becameLive(now) + [store(fresh, now)]
    }

    private mutating func resumed(_ now: Duration) -> [GatewayDirective] {
        guard case .opening(.resume) = state else { return [] }
        return becameLive(now)
    }

    private mutating func becameLive(_ now: Duration) -> [GatewayDirective] {
        state = .live
        liveSince = now
        resumeAttempts = 0
        generation += 1
        return [.cancelTimer(.handshake), .publish(.ready(generation: generation))]
    }

    private mutating func event(of payload: GatewayPayload) -> GatewayEvent? {
        switch payload.type {
        case "MESSAGE_CREATE":
            guard let echo = MessageEcho(payload.data) else { return nil }
            if echo.author == userID { return .ownMessage(echo) }
            let isPerson = payload.data["author"]?["bot"]?.bool != true && payload.data["webhook_id"] == nil
            return isPerson ? .personWrote(channel: echo.channel) : nil
        case "CHANNEL_UPDATE", "CHANNEL_DELETE", "THREAD_UPDATE", "THREAD_DELETE":
            return Snowflake(json: payload.data["id"]).map { .channelChanged(channel: $0) }
        case "GUILD_CREATE":
            guard let guild = Snowflake(json: payload.data["id"]) else { return nil }
            return changeGuild(guild, isAvailable: payload.data["unavailable"]?.bool != true)
        case "GUILD_DELETE":
            guard let guild = Snowflake(json: payload.data["id"]) else { return nil }
            return changeGuild(guild, isAvailable: payload.data["unavailable"]?.bool == true ? false : nil)
        default:
            return nil
        }
    }

    private mutating func changeGuild(_ guild: Snowflake, isAvailable: Bool?) -> GatewayEvent {
        let isRoom = session.map { $0.guilds.count < StoredGatewaySession.maximumGuilds || $0.guilds[guild] != nil } ?? false
        if isRoom || isAvailable == nil { session?.guilds[guild] = isAvailable }
        return .guildChanged(guild: guild, isAvailable: isAvailable)
    }
}

// MARK: - What is stored of the session

extension GatewayMachine {
    /// The last sequence of which nothing is left to do.
    var settledSequence: Int64? {
        guard let session else { return nil }
        // A received dispatch that handed nothing out is done as soon as everything before it is.
        return settledThrough >= handedOut ? session.sequence : min(settledThrough, session.sequence)
    }

    mutating func settled(through sequence: Int64, _ now: Duration) -> [GatewayDirective] {
        settledThrough = max(settledThrough, min(sequence, handedOut))
        return storeIfOld(now)
    }

    /// Lazily: at heartbeats and when effects were done, never by a timer of its own, so that an idle daemon sleeps.
    mutating func storeIfOld(_ now: Duration) -> [GatewayDirective] {
        guard now - storedAt >= configuration.storeInterval else { return [] }
        storedAt = now
        return storeIfMoved()
    }

    mutating func storeIfMoved() -> [GatewayDirective] {
        guard var stored = session, let sequence = settledSequence, sequence > storedSequence else { return [] }
        stored.sequence = sequence
        storedSequence = sequence
        return [.store(stored)]
    }

    private mutating func store(_ session: StoredGatewaySession, _ now: Duration) -> GatewayDirective {
        storedSequence = session.sequence
        storedAt = now
        return .store(session)
    }
}
