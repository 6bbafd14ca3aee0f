import OrderedCollections

// Telling sessions what happened.
extension LoopbackState {
    /// Gives a session an event: numbered, kept for replay, and sent if the session has a connection.
    mutating func dispatch(_ type: String, _ body: String, to id: String, about: JSON = [:]) {
        guard var session = sessions[id] else { return }
        session.seq += 1
        session.sent.append(.init(seq: session.seq, type: type, body: body))
        if session.sent.count > LoopbackLimits.dispatchesKeptPerSession { session.sent.removeFirst() }
        sessions[id] = session
        guard let connection = session.connection else {
            record("dispatch_kept", session, session.seq, type, about)
            return
        }
        transmit(type, body, seq: session.seq, session: session, on: connection, about: about, replay: false)
    }

    /// Puts one numbered event on a connection's wire.
    mutating func transmit(
        _ type: String, _ body: String, seq: Int, session: Session, on id: UInt64, about: JSON = [:], replay: Bool
    ) {
        guard var connection = connections[id], !connection.closing else { return }
        guard !connection.halfOpen else {
            record("dispatch_kept", session, seq, type, about)
            return
        }
        var about = about
        about[key: "conn"] = JSON(id)
        if replay { about[key: "replay"] = true }
        record("dispatch", session, seq, type, about)
        connection.dispatches += 1
        let sent = connection.dispatches
        connections[id] = connection
        send("{\"t\":\"\(type)\",\"s\":\(seq),\"op\":0,\"d\":\(body)}", on: id)
        _ = strike(.dispatch(sent), on: id)
    }

    private func record(_ event: String, _ session: Session, _ seq: Int, _ type: String, _ about: JSON) {
        var fields: JSON = ["session": .string(session.id), "s": JSON(seq), "type": .string(type)]
        for (key, value) in about.object ?? [:] { fields[key: key] = value }
        log.record(event, fields)
    }

    func send(_ text: String, on id: UInt64) {
        guard let connection = connections[id], !connection.halfOpen else { return }
        order(.send(text), on: id)
    }

    /// Queues an order; a client that reads too slowly for its queue loses its connection.
    func order(_ order: ConnectionOrder, on id: UInt64) {
        guard let connection = connections[id] else { return }
        if case .dropped = connection.mailbox.yield(order) {
            log.record("overflow", ["conn": JSON(id)])
            connection.mailbox.finish()
        }
    }

    /// The sessions whose bot may see a channel and whose intents ask for it.
    private func audience(of channel: Channel, guildIntent: Int, directIntent: Int) -> [Session] {
        sessions.values.filter { session in
            if channel.isDirect { return channel.botID == session.bot && session.wants(directIntent) }
            guard let guildID = channel.guildID, guilds[guildID]?.unavailable == false else { return false }
            return session.wants(guildIntent) && permissions(of: session.bot, in: channel).contains(.viewChannel)
        }
    }

    mutating func tellMessageCreated(_ message: Message) {
        guard let channel = channels[message.channelID] else { return }
        let hearers = audience(
            of: channel, guildIntent: GatewayIntents.guildMessages, directIntent: GatewayIntents.directMessages)
        guard !hearers.isEmpty else { return }
        var full = messageJSON(message)
        full[key: "channel_type"] = JSON(channel.kind.rawValue)
        if let guildID = channel.guildID, let guild = guilds[guildID] {
            full[key: "guild_id"] = JSON(id: guildID)
            full[key: "member"] = memberJSON(message.authorID, in: guild, withUser: false)
        }
        var stripped = full
        stripped[key: "content"] = ""
        for key in ["embeds", "attachments", "components"] { stripped[key: key] = [] }
        let about: JSON = ["message": JSON(id: message.id), "channel": JSON(id: channel.id)]
        let texts = (full.text, stripped.text)
        for session in hearers {
            let mayRead =
                session.wants(GatewayIntents.messageContent) || message.authorID == session.bot || channel.isDirect
                || message.mentions.users.contains(session.bot)
            dispatch("MESSAGE_CREATE", mayRead ? texts.0 : texts.1, to: session.id, about: about)
        }
    }

    mutating func tellMessageDeleted(_ id: Snowflake, in channelID: Snowflake) {
        guard let channel = channels[channelID] else { return }
        var body: JSON = ["id": JSON(id: id), "channel_id": JSON(id: channelID)]
        if let guild = channel.guildID { body[key: "guild_id"] = JSON(id: guild) }
        for session in audience(
            of: channel, guildIntent: GatewayIntents.guildMessages, directIntent: GatewayIntents.directMessages)
        {
            dispatch("MESSAGE_DELETE", body.text, to: session.id, about: ["message": JSON(id: id)])
        }
    }

    mutating func tellChannelChanged(_ id: Snowflake) {
        guard let channel = channels[id] else { return }
        tellChannel(channel.isThread ? "THREAD_UPDATE" : "CHANNEL_UPDATE", channel, sessionsKnowing(channel))
    }

    mutating func tellChannelCreated(_ id: Snowflake) {
        guard let channel = channels[id] else { return }
        tellChannel(channel.isThread ? "THREAD_CREATE" : "CHANNEL_CREATE", channel, sessionsKnowing(channel))
    }

    /// Tells those who knew a channel that it is gone.
    mutating func tellChannelGone(_ channel: Channel, _ hearers: [Session]) {
        tellChannel(channel.isThread ? "THREAD_DELETE" : "CHANNEL_DELETE", channel, hearers)
    }

    /// Who is told of a channel itself: bots learn of channels that they can't see, but not of such threads.
    func sessionsKnowing(_ channel: Channel) -> [Session] {
        if channel.isThread { return audience(of: channel, guildIntent: GatewayIntents.guilds, directIntent: 0) }
        guard let id = channel.guildID, let guild = guilds[id], !guild.unavailable else { return [] }
        return sessions.values.filter { $0.wants(GatewayIntents.guilds) && guild.memberRoles[$0.bot] != nil }
    }

    private mutating func tellChannel(_ type: String, _ channel: Channel, _ hearers: [Session]) {
        let body = channelJSON(channel).text
        for session in hearers { dispatch(type, body, to: session.id, about: ["channel": JSON(id: channel.id)]) }
    }

    mutating func tellGuild(_ type: String, _ guild: Guild, intent: Int = GatewayIntents.guilds, _ body: (Session) -> JSON) {
        for session in sessions.values where session.wants(intent) && guild.memberRoles[session.bot] != nil {
            dispatch(type, body(session).text, to: session.id, about: ["guild": JSON(id: guild.id)])
        }
    }
}
