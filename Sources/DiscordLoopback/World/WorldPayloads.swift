import DequeModule

// How the world looks on the wire. Fields that no sender needs are there because discord.py or hikari refuse to live without.
extension LoopbackState {
    func userJSON(_ id: Snowflake) -> JSON {
        users[id]?.json ?? User(id: id, name: "deleted", isBot: false).json
    }

    func ownUserJSON(_ bot: Bot) -> JSON {
        var user = bot.user.json
        for (key, value): (String, JSON) in [
            ("verified", true), ("mfa_enabled", false), ("flags", 0), ("email", nil), ("locale", "en-US"),
        ] {
            user[key: key] = value
        }
        return user
    }

    func applicationJSON(_ bot: Bot) -> JSON {
        [
            "id": JSON(id: bot.applicationID), "name": .string(bot.user.name), "icon": nil, "description": "",
            "summary": "", "type": nil, "bot_public": true, "bot_require_code_grant": false,
            "owner": userJSON(guilds.values.first?.ownerID ?? 900_000_000_000_000_001), "team": nil,
            "verify_key": .string(String(repeating: "0", count: 64)), "flags": 565_248, "hook": true, "bot": bot.user.json,
            "approximate_guild_count": JSON(guilds.count), "approximate_user_install_count": 0, "redirect_uris": [],
            "interactions_endpoint_url": nil, "role_connections_verification_url": nil, "tags": [],
        ]
    }

    func memberJSON(_ user: Snowflake, in guild: Guild, withUser: Bool = true) -> JSON {
        var member: JSON = [
            "nick": nil, "avatar": nil, "banner": nil, "roles": .array((guild.memberRoles[user] ?? []).map { JSON(id: $0) }),
            "joined_at": "2024-01-01T00:00:00.000000+00:00", "premium_since": nil, "deaf": false, "mute": false, "flags": 0,
            "pending": false, "communication_disabled_until": nil,
        ]
        if withUser { member[key: "user"] = userJSON(user) }
        return member
    }

    func channelJSON(_ channel: Channel) -> JSON {
        var json: JSON = ["id": JSON(id: channel.id), "type": JSON(channel.kind.rawValue), "flags": 0]
        json[key: "last_message_id"] = JSON(id: channel.lastMessageID)
        if let recipient = channel.recipientID {
            json[key: "recipients"] = [userJSON(recipient)]
            return json
        }
        json[key: "guild_id"] = JSON(id: channel.guildID)
        json[key: "name"] = .string(channel.name)
        json[key: "parent_id"] = JSON(id: channel.parentID)
        json[key: "rate_limit_per_user"] = JSON(channel.slowmodeSeconds)
        if let thread = channel.thread {
            json[key: "owner_id"] = JSON(id: thread.ownerID)
            json[key: "message_count"] = JSON(thread.messageCount)
            json[key: "total_message_sent"] = JSON(thread.messageCount)
            json[key: "member_count"] = 1
            json[key: "thread_metadata"] = [
                "archived": .bool(thread.archived), "archive_timestamp": .string(thread.changedAt),
                "auto_archive_duration": 1_440, "locked": .bool(thread.locked),
                "create_timestamp": "2024-01-01T00:00:00.000000+00:00",
            ]
            return json
        }
        json[key: "position"] = JSON(channel.position)
        json[key: "permission_overwrites"] = .array(channel.overwrites.map(\.json))
        json[key: "nsfw"] = false
        json[key: "topic"] = JSON.null
        if channel.kind == .forum {
            json[key: "available_tags"] = []
            json[key: "default_reaction_emoji"] = JSON.null
            json[key: "default_sort_order"] = JSON.null
            json[key: "default_forum_layout"] = 0
        }
        return json
    }

    /// A guild as `GET /guilds/{id}` shows it.
    func guildJSON(_ guild: Guild) -> JSON {
        [
            "id": JSON(id: guild.id), "name": .string(guild.name), "icon": nil, "description": nil, "splash": nil,
            "discovery_splash": nil, "banner": nil, "owner_id": JSON(id: guild.ownerID), "application_id": nil,
            "region": "deprecated", "afk_channel_id": nil, "afk_timeout": 300, "system_channel_id": nil,
            "system_channel_flags": 0, "widget_enabled": false, "widget_channel_id": nil, "verification_level": 0,
            "roles": .array(guild.roles.map(\.json)), "default_message_notifications": 0, "mfa_level": 0,
            "explicit_content_filter": 0, "max_presences": nil, "max_members": 500_000,
            "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "vanity_url_code": nil, "premium_tier": 0,
            "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": nil,
            "safety_alerts_channel_id": nil, "public_updates_channel_id": nil, "emojis": [], "stickers": [], "features": [],
            "nsfw": false, "nsfw_level": 0, "premium_progress_bar_enabled": false, "incidents_data": nil,
            "approximate_member_count": JSON(guild.memberRoles.count), "approximate_presence_count": 1,
        ]
    }

    /// A guild as GUILD_CREATE shows it to one bot: all channels, even those that it can't see, but only threads that it can.
    func guildCreateJSON(_ guild: Guild, for bot: Snowflake) -> JSON {
        var json = guildJSON(guild)
        let members = guild.memberRoles.keys.sorted()
        let own = channels.values.filter { $0.guildID == guild.id }.sorted { $0.id < $1.id }
        let seen = own.filter { permissions(of: bot, in: $0).contains(.viewChannel) }
        json[key: "joined_at"] = "2024-01-01T00:00:00.000000+00:00"
        json[key: "large"] = false
        json[key: "unavailable"] = false
        json[key: "member_count"] = JSON(members.count)
        json[key: "members"] = .array(members.map { memberJSON($0, in: guild) })
        json[key: "channels"] = .array(own.filter { !$0.isThread }.map(channelJSON))
        json[key: "threads"] = .array(seen.filter { $0.thread?.archived == false }.map(channelJSON))
        for key in [
            "voice_states", "presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds",
            "embedded_activities",
        ] {
            json[key: key] = []
        }
        return json
    }

    func messageJSON(_ message: Message, withReference: Bool = true) -> JSON {
        var json: JSON = [
            "id": JSON(id: message.id), "type": JSON(message.type), "channel_id": JSON(id: message.channelID),
            "author": userJSON(message.authorID), "content": .string(message.content),
            "timestamp": .string(message.timestamp), "edited_timestamp": nil, "tts": .bool(message.tts),
            "mention_everyone": .bool(message.mentions.everyone), "mentions": .array(message.mentions.users.map(userJSON)),
            "mention_roles": .array(message.mentions.roles.map { JSON(id: $0) }),
            "attachments": .array(message.attachments.map { attachmentJSON($0, in: message.channelID) }),
            "embeds": message.embeds, "pinned": false, "flags": JSON(message.flags), "components": message.components,
        ]
        if let nonce = message.nonce { json[key: "nonce"] = nonce }
        if let reference = message.reference {
            json[key: "message_reference"] = reference
            if withReference, let id = reference[key: "message_id"]?.snowflake {
                let original = self.message(id, in: message.channelID)
                json[key: "referenced_message"] = original.map { messageJSON($0, withReference: false) } ?? .null
            }
        }
        return json
    }

    private func attachmentJSON(_ attachment: Attachment, in channel: Snowflake) -> JSON {
        let url = "\(scheme.http)://\(address)/attachments/\(channel)/\(attachment.id)/\(attachment.filename)"
        return [
            "id": JSON(id: attachment.id), "filename": .string(attachment.filename), "size": JSON(attachment.bytes.count),
            "url": .string(url), "proxy_url": .string(url), "content_type": .string(attachment.contentType),
        ]
    }
}
