import WakeCore

extension DiscordGate {
    // MARK: The server

    /// The entry of a server: by id, else by its name, else the one for all.
    private func entry(of place: DiscordInbound.Place, in guilds: JSONObject?) -> (key: String, value: JSONValue)? {
        let keys = [place.guild, place.guildName.flatMap(DiscordSlug.of), "*"].compactMap { $0 }
        return keys.lazy.compactMap { key in guilds?[key].map { (key, $0) } }.first
    }

    private func guild(at place: DiscordInbound.Place) -> Setting? {
        guard let guilds = setting("guilds"), let entry = entry(of: place, in: guilds.value.object) else { return nil }
        return Setting(value: entry.value, path: guilds.path + [entry.key])
    }

    func dropOfGuild(at place: DiscordInbound.Place) -> DiscordDrop? {
        if groupPolicy == .disabled {
            return DiscordDrop(
                .serversOff, "messages on servers are switched off",
                path: setting("groupPolicy")?.path ?? Self.rootPath + ["groupPolicy"],
                fix: "Set it to \"allowlist\" and list the server in guilds.")
        }
        guard guild(at: place) == nil else { return nil }
        let path = setting("guilds")?.path ?? Self.rootPath + ["guilds"]
        let isListing = guilds?.members.isEmpty == false
        guard groupPolicy == .allowlist || isListing else { return nil }
        if let hidden = hiddenGuilds, entry(of: place, in: hidden) != nil {
            return DiscordDrop(
                .guildsHidden, "the account's own guilds replace those of \(Self.shown(Self.rootPath)), which list the server",
                path: path, fix: "Remove this key, or put the server into it: \"\(place.guild)\": {}.")
        }
        if isListing {
            return DiscordDrop(
                .guildNotListed, "the server \(place.guild) is not listed", path: path, fix: "Add \"\(place.guild)\": {} to it.")
        }
        return DiscordDrop(
            .noGuilds, "only listed servers are let in, and none is listed", path: path,
            fix: "Set it to {\"\(place.guild)\": {}}, which lets in all channels of the server.")
    }

    // MARK: The channel

    /// The entry of a channel; nil where the server lists none. A thread without one has its channel's.
    private func channel(at place: DiscordInbound.Place) -> Setting? {
        guard let guild = guild(at: place), let channels = guild.value["channels"]?.object else { return nil }
        let isThread = place.parent != nil
        // A thread's own name is nothing that a configuration could mean.
        let own = isThread ? [place.channel] : keys(place.channel, place.channelName)
        let parent = place.parent.map { keys($0, place.parentName) } ?? []
        return (own + parent + ["*"]).lazy.compactMap { key in
            channels[key].map { Setting(value: $0, path: guild.path + ["channels", key]) }
        }.first
    }

    private func keys(_ id: String, _ name: String?) -> [String] {
        [id, name.flatMap(DiscordSlug.of), name].compactMap { $0 }
    }

    func dropOfChannel(at place: DiscordInbound.Place) -> DiscordDrop? {
        guard let guild = guild(at: place) else { return nil }
        let path = guild.path + ["channels"]
        guard guild.value["channels"]?.object?.members.isEmpty == false else { return dropByFault(path) }
        guard let channel = channel(at: place) else {
            let id = place.parent ?? place.channel
            return DiscordDrop(
                .channelNotListed, "the server lists channels, and \(id) is not among them", path: path,
                fix:
                    "Add \"\(id)\": {} to it, or \"*\": {} for all channels. With even one channel listed, all others are silent."
            )
        }
        for key in ["enabled", "allow"] where channel.value[key]?.bool == false {
            return DiscordDrop(
                .channelOff, "the channel's entry is switched off", path: channel.path + [key], fix: "Set it to true.")
        }
        return nil
    }

    /// One version denied every channel of a server that lists none (openclaw issue #75647).
    private func dropByFault(_ path: [String]) -> DiscordDrop? {
        guard let version, version == GatewayVersion(2026, 4, 27) else { return nil }
        return DiscordDrop(
            .gatewayFault, "gateway \(version) drops everything on a server that lists no channels", path: path,
            fix: "Set it to {\"*\": {}}, or update the gateway.")
    }

    // MARK: The author

    func dropOfAuthor(_ message: DiscordInbound, at place: DiscordInbound.Place) -> DiscordDrop? {
        let users = narrowest("users", at: place)
        let roles = narrowest("roles", at: place)
        let allowedUsers = DiscordIDList(users?.value)
        let allowedRoles = DiscordIDList(roles?.value)
        if allowedUsers.isEmpty && allowedRoles.isEmpty { return nil }
        if !allowedUsers.isEmpty && allowedUsers.contains(message.author) { return nil }
        if !allowedRoles.isEmpty && (allowedRoles.hasStar || message.roles.contains(where: allowedRoles.contains)) { return nil }
        let path = (allowedUsers.isEmpty ? roles : users)?.path ?? []
        return DiscordDrop(
            .authorNotListed, "neither the author \(message.author) nor one of the author's roles is listed", path: path,
            fix: "Add \"\(message.author)\" to the users, or one of the author's roles to the roles. Only ids count, not names.")
    }

    func dropWithoutMention(_ message: DiscordInbound, at place: DiscordInbound.Place) -> DiscordDrop? {
        let required = narrowest("requireMention", at: place)
        guard required?.value.bool ?? true, !message.mentionsBot else { return nil }
        let path = required?.path ?? (channel(at: place) ?? guild(at: place)).map { $0.path + ["requireMention"] }
        return DiscordDrop(
            .notMentioned, "the bot must be mentioned, and is not", path: path ?? Self.rootPath + ["guilds"],
            fix: "Mention the bot, or set requireMention to false.")
    }

    /// The channel's value, else the server's.
    private func narrowest(_ key: String, at place: DiscordInbound.Place) -> Setting? {
        for entry in [channel(at: place), guild(at: place)] {
            if let entry, let value = entry.value[key], !value.isNull { return Setting(value: value, path: entry.path + [key]) }
        }
        return nil
    }
}
