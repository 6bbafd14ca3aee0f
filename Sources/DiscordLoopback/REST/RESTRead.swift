import DequeModule

// Routes that read: who am I, guilds, channels, history.
extension LoopbackState {
    mutating func gatewayBot(_ bot: Bot) -> APIResponse {
        let standing = identifies.standing(total: options.sessionStartTotal, reset: options.sessionStartReset, now: now)
        return .ok([
            "url": .string("\(scheme.socket)://\(address)"), "shards": 1,
            "session_start_limit": [
                "total": JSON(options.sessionStartTotal), "remaining": JSON(standing.remaining),
                "reset_after": JSON(standing.resetAfterNanoseconds / 1_000_000),
                "max_concurrency": JSON(options.maxConcurrency),
            ],
        ])
    }

    func ownGuilds() -> APIResponse {
        .ok(
            .array(
                guilds.values.sorted { $0.id < $1.id }.map {
                    [
                        "id": JSON(id: $0.id), "name": .string($0.name), "icon": nil, "banner": nil, "owner": false,
                        "permissions": JSON(id: LoopbackPermissions.usual.rawValue), "features": [],
                    ]
                }))
    }

    func user(_ id: String) -> APIResponse {
        Snowflake(id).flatMap { users[$0] }.map { .ok($0.json) } ?? .unknownUser
    }

    /// Runs a route inside the guild that its path names, if the bot is a member and the guild is there.
    func inGuild(_ request: APIRequest, _ bot: Bot, _ route: (LoopbackState, Guild) -> APIResponse) -> APIResponse {
        guard let id = Snowflake(request.path[1]), let guild = guilds[id] else { return .unknownGuild }
        guard guild.memberRoles[bot.user.id] != nil else { return .missingAccess }
        guard !guild.unavailable else { return .error(503, 0, "Guild unavailable") }
        return route(self, guild)
    }

    func guildChannels(_ guild: Guild) -> APIResponse {
        .ok(
            .array(
                channels.values.filter { $0.guildID == guild.id && !$0.isThread }.sorted { $0.id < $1.id }.map(channelJSON)))
    }

    func members(of guild: Guild) -> APIResponse {
        .ok(.array(guild.memberRoles.keys.sorted().map { memberJSON($0, in: guild) }))
    }

    func member(_ id: String, of guild: Guild) -> APIResponse {
        guard let id = Snowflake(id), guild.memberRoles[id] != nil else { return .error(404, 10_007, "Unknown Member") }
        return .ok(memberJSON(id, in: guild))
    }

    func activeThreads(_ guild: Guild) -> APIResponse {
        let threads = channels.values.filter { $0.guildID == guild.id && $0.thread?.archived == false }
        return .ok(["threads": .array(threads.sorted { $0.id > $1.id }.map(channelJSON)), "members": []])
    }

    /// The channel that a path names, as far as the bot can see it.
    func visibleChannel(_ request: APIRequest, _ bot: Bot) throws(RESTRefusal) -> (Channel, LoopbackPermissions) {
        guard let id = Snowflake(request.path[1]) else {
            throw RESTRefusal(
                .invalidForm(
                    "channel_id", code: "NUMBER_TYPE_COERCE", message: "Value \"\(request.path[1])\" is not snowflake."))
        }
        guard let channel = channels[id], channel.botID == nil || channel.botID == bot.user.id else {
            throw RESTRefusal(.unknownChannel)
        }
        let allowed = permissions(of: bot.user.id, in: channel)
        guard channel.isDirect || allowed.contains(.viewChannel) else { throw RESTRefusal(.missingAccess) }
        return (channel, allowed)
    }

    func getChannel(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        answering { () throws(RESTRefusal) in .ok(channelJSON(try visibleChannel(request, bot).0)) }
    }

    func listMessages(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        answering { () throws(RESTRefusal) in
            let (channel, allowed) = try visibleChannel(request, bot)
            let limit = request.query["limit"].map { Int($0) ?? 0 } ?? LoopbackLimits.messagePageDefault
            guard LoopbackLimits.messagePage.contains(limit) else {
                throw RESTRefusal(
                    .invalidForm("limit", code: "NUMBER_TYPE_MAX", message: "int value should be between 1 and 100."))
            }
            guard allowed.contains(.readMessageHistory) else { return .ok([]) }
            return .ok(.array(try page(of: channel.id, limit, request.query).reversed().map { messageJSON($0) }))
        }
    }

    /// One page of history, oldest first.
    private func page(
        of channel: Snowflake, _ limit: Int, _ query: [String: String]
    ) throws(RESTRefusal) -> [Message] {
        guard let stored = messages[channel] else { return [] }
        func bound(_ name: String) throws(RESTRefusal) -> Snowflake? {
            guard let text = query[name] else { return nil }
            guard let id = Snowflake(text) else {
                throw RESTRefusal(
                    .invalidForm(name, code: "NUMBER_TYPE_COERCE", message: "Value \"\(text)\" is not snowflake."))
            }
            return id
        }
        if let around = try bound("around") {
            let middle = lowerBound(of: around, in: channel)
            let start = max(0, middle - limit / 2)
            return Array(stored[start..<min(stored.count, start + limit)])
        }
        if let before = try bound("before") {
            let end = lowerBound(of: before, in: channel)
            return Array(stored[max(0, end - limit)..<end])
        }
        if let after = try bound("after") {
            let start = after == .max ? stored.count : lowerBound(of: after + 1, in: channel)
            return Array(stored[start..<min(stored.count, start + limit)])
        }
        return Array(stored.suffix(limit))
    }

    func getMessage(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        answering { () throws(RESTRefusal) in
            let (channel, allowed) = try visibleChannel(request, bot)
            guard allowed.contains(.readMessageHistory) else { throw RESTRefusal(.missingPermissions) }
            guard let id = Snowflake(request.path[3]), let message = message(id, in: channel.id) else {
                throw RESTRefusal(.unknownMessage)
            }
            return .ok(messageJSON(message))
        }
    }

    func answering(_ work: () throws(RESTRefusal) -> APIResponse) -> APIResponse {
        do { return try work() } catch { return error.response }
    }
}

/// A request that ends in an error response.
struct RESTRefusal: Error {
    let response: APIResponse

    init(_ response: APIResponse) { self.response = response }
}
