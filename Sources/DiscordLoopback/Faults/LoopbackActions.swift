/// What the server itself must do for an action.
enum ServerOrder: Sendable {
    case stopListening
    case startListening
    case dropConnections(reset: Bool)
    case endOutage(after: Duration)
}

extension LoopbackState {
    /// Carries an action out; the orders are for the server.
    mutating func perform(_ action: LoopbackAction) throws(LoopbackError) -> [ServerOrder] {
        log.record("action", ["action": .string("\(action)")])
        switch action {
        case .reconnect, .invalidSession, .close, .reset, .halfOpen, .silence: strikeSessions(action)
        case .message(let channel, let content): try sendAsPerson(content, in: channel)
        case .deleteMessage(let channel, let id):
            guard remove(id, in: channel) else { throw unknown("message", id) }
        case .thread(let id, let archived, let locked):
            guard channels[id]?.thread != nil else { throw unknown("thread", id) }
            changeThread(id, archived: archived, locked: locked)
        case .createChannel(let seed, let guild):
            guard guilds[guild] != nil else { throw unknown("guild", guild) }
            add(seed, to: guild)
            tellChannelCreated(seed.id)
        case .deleteChannel(let id): try deleteChannel(id)
        case .permissions(let channel, let allow, let deny): try setPermissions(channel, allow, deny)
        case .guild(let id, let unavailable): try setGuild(id, unavailable: unavailable)
        case .expireNonces: nonces.expire()
        case .expireSessions: sessions = sessions.filter { $0.value.detachedAt == nil }
        case .revokeToken(let token): setToken(token, revoked: true)
        case .restoreToken(let token): setToken(token, revoked: false)
        case .addFault(let fault): _ = faults.add(fault)
        case .clearFaults: faults.clear()
        case .dropConnections(let reset): return [.dropConnections(reset: reset)]
        case .outage(let kind, let lasting): return beginOutage(kind, lasting)
        case .endOutage:
            unavailable = false
            log.record("outage_end")
            return [.startListening]
        }
        return []
    }

    private func unknown(_ what: String, _ id: Snowflake) -> LoopbackError {
        LoopbackError(.unknownObject, "There is no \(what) \(id)", hint: "GET /_loopback/state lists what there is.")
    }

    private mutating func strikeSessions(_ action: LoopbackAction) {
        for id in connections.values.filter({ $0.session != nil && !$0.closing }).map(\.id).sorted() {
            switch action {
            case .reconnect(let omitsBody): askToReconnect(id, omitsBody: omitsBody)
            case .invalidSession(let resumable): invalidate(id, resumable: resumable)
            case .close(let code): close(id, code)
            case .reset: drop(id, reset: true)
            case .halfOpen: connections[id]?.halfOpen = true
            case .silence: connections[id]?.silent = true
            default: break
            }
        }
    }

    private mutating func sendAsPerson(_ content: String, in id: Snowflake) throws(LoopbackError) {
        guard let channel = channels[id] else { throw unknown("channel", id) }
        let author = channel.recipientID ?? channel.guildID.flatMap { guilds[$0]?.ownerID } ?? 0
        var message = Message(
            id: newID(), channelID: id, authorID: author, content: content, nonce: nil,
            timestamp: timestamp(wallMilliseconds: time.wallMilliseconds()))
        message.mentions = mentions(in: content, nil, channel, [])
        store(message, enforced: false, request: nil)
    }

    private mutating func deleteChannel(_ id: Snowflake) throws(LoopbackError) {
        guard let channel = channels[id] else { throw unknown("channel", id) }
        for thread in channels.values.filter({ $0.parentID == id && $0.isThread }) { try deleteChannel(thread.id) }
        let hearers = sessionsKnowing(channel)
        channels[id] = nil
        messages[id] = nil
        tellChannelGone(channel, hearers)
    }

    private mutating func setPermissions(
        _ id: Snowflake, _ allow: LoopbackPermissions, _ deny: LoopbackPermissions
    ) throws(LoopbackError) {
        guard let channel = channels[id], let guildID = channel.guildID, let guild = guilds[guildID] else {
            throw unknown("guild channel", id)
        }
        guard let role = guild.roles.first(where: { $0.id != guildID })?.id else { throw unknown("role in guild", guildID) }
        let target = channel.isThread ? channel.parentID ?? id : id
        channels[target]?.overwrites.removeAll { $0.id == role && !$0.isMember }
        if !allow.isEmpty || !deny.isEmpty {
            channels[target]?.overwrites.append(.init(id: role, isMember: false, allow: allow, deny: deny))
        }
        tellChannelChanged(target)
    }

    private mutating func setGuild(_ id: Snowflake, unavailable: Bool) throws(LoopbackError) {
        guard let guild = guilds[id] else { throw unknown("guild", id) }
        guilds[id]?.unavailable = unavailable
        if unavailable {
            tellGuild("GUILD_DELETE", guild) { _ in ["id": JSON(id: id), "unavailable": true] }
        } else {
            let state = self
            tellGuild("GUILD_CREATE", guild) { state.guildCreateJSON(state.guilds[id] ?? guild, for: $0.bot) }
        }
    }

    private mutating func setToken(_ token: String, revoked: Bool) {
        for bot in bots.values where bot.token == token {
            bots[bot.user.id]?.revoked = revoked
            guard revoked else { continue }
            for session in sessions.values where session.bot == bot.user.id {
                if let connection = session.connection { close(connection, CloseCode.authenticationFailed) }
                sessions[session.id] = nil
            }
        }
    }

    private mutating func beginOutage(_ kind: LoopbackAction.Outage, _ lasting: Duration?) -> [ServerOrder] {
        log.record(
            "outage", ["kind": .string(kind.rawValue), "for_ms": lasting.map { JSON($0.milliseconds) } ?? .null])
        var orders: [ServerOrder] = []
        switch kind {
        case .refuse: orders = [.stopListening, .dropConnections(reset: true)]
        case .unavailable:
            unavailable = true
            for id in connections.keys.sorted() { drop(id, reset: false) }
        }
        if let lasting { orders.append(.endOutage(after: lasting)) }
        return orders
    }
}
