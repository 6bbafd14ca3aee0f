import DequeModule

// POST /channels/{id}/messages, from draft to stored message.
extension LoopbackState {
    mutating func createMessage(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        do throws(RESTRefusal) {
            let draft = try MessageDraft(request)
            let (channel, allowed) = try visibleChannel(request, bot)
            try checkRight(to: draft, in: channel, allowed)
            if let repeated = try deduplicated(draft, bot) { return repeated }
            try checkReference(draft, in: channel, allowed)
            if draft.isEmpty { throw RESTRefusal(.error(400, 50_006, "Cannot send an empty message")) }
            let message = build(draft, in: channel, author: bot.user.id, allowed)
            store(message, enforced: draft.enforceNonce, request: request.number)
            if draft.enforceNonce, let nonce = draft.nonceText {
                nonces.remember(
                    .init(author: bot.user.id, nonce: nonce), .init(message: message.id, channel: channel.id, at: now))
            }
            return .ok(messageJSON(message))
        } catch {
            return error.response
        }
    }

    private func checkRight(
        to draft: MessageDraft, in channel: Channel, _ allowed: LoopbackPermissions
    ) throws(RESTRefusal) {
        if channel.isDirect { return }
        switch channel.kind {
        case .forum: throw RESTRefusal(.error(400, 40_058, "Cannot message this channel until creating a post"))
        case .category: throw RESTRefusal(.error(400, 50_008, "Cannot send messages in a non-text channel"))
        default: break
        }
        guard allowed.contains(channel.isThread ? .sendMessagesInThreads : .sendMessages) else {
            throw RESTRefusal(.missingPermissions)
        }
        if let thread = channel.thread, thread.locked, !allowed.contains(.manageThreads) {
            throw RESTRefusal(
                thread.archived ? .error(400, 50_083, "Thread is archived") : .error(400, 160_005, "Thread is locked"))
        }
        if draft.tts, !allowed.contains(.sendTTSMessages) { throw RESTRefusal(.missingPermissions) }
        if !draft.files.isEmpty, !allowed.contains(.attachFiles) { throw RESTRefusal(.missingPermissions) }
    }

    /// The answer to a repeated nonce: the first message, or 10008 when that was deleted meanwhile.
    private func deduplicated(_ draft: MessageDraft, _ bot: Bot) throws(RESTRefusal) -> APIResponse? {
        guard draft.enforceNonce, let nonce = draft.nonceText,
            let entry = nonces.find(.init(author: bot.user.id, nonce: nonce), now: now, window: options.nonceWindow)
        else { return nil }
        let first = message(entry.message, in: entry.channel)
        log.record(
            "message_deduplicated",
            [
                "id": JSON(id: entry.message), "channel": JSON(id: entry.channel), "author": JSON(id: bot.user.id),
                "content": .string(draft.content), "nonce": draft.nonce ?? .null, "dedupe": true,
                "deleted": .bool(first == nil),
            ])
        guard let first else { throw RESTRefusal(.unknownMessage) }
        return .ok(messageJSON(first))
    }

    private func checkReference(
        _ draft: MessageDraft, in channel: Channel, _ allowed: LoopbackPermissions
    ) throws(RESTRefusal) {
        guard let reference = draft.reference else { return }
        guard allowed.contains(.readMessageHistory) else {
            throw RESTRefusal(.error(403, 160_002, "Cannot reply without permission to read message history"))
        }
        let id = reference[key: "message_id"]?.snowflake ?? 0
        if message(id, in: channel.id) == nil, reference[key: "fail_if_not_exists"]?.bool != false {
            throw RESTRefusal(
                .invalidForm(
                    "message_reference", code: "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", message: "Unknown message"))
        }
    }

    private mutating func build(
        _ draft: MessageDraft, in channel: Channel, author: Snowflake, _ allowed: LoopbackPermissions
    ) -> Message {
        let wall = time.wallMilliseconds()
        // White space at the ends does not survive; nobody may rely on content coming back byte for byte.
        var message = Message(
            id: newID(), channelID: channel.id, authorID: author, content: draft.content.trimmed, nonce: draft.nonce,
            timestamp: timestamp(wallMilliseconds: wall))
        message.tts = draft.tts
        message.flags = draft.flags
        message.embeds = draft.embeds
        message.components = draft.components
        message.attachments = draft.files.map {
            Attachment(
                id: newID(), filename: $0.filename ?? "file", contentType: $0.contentType ?? "application/octet-stream",
                bytes: $0.bytes)
        }
        if let id = draft.reference?[key: "message_id"]?.snowflake, self.message(id, in: channel.id) != nil {
            message.reference = [
                "type": 0, "message_id": JSON(id: id), "channel_id": JSON(id: channel.id),
                "guild_id": JSON(id: channel.guildID),
            ]
        }
        message.mentions = mentions(in: message.content, draft.allowedMentions, channel, allowed)
        return message
    }

    /// Whom the text pings, as far as `allowed_mentions` and permissions let it.
    func mentions(
        in content: String, _ allowedMentions: JSON?, _ channel: Channel, _ allowed: LoopbackPermissions
    ) -> Mentions {
        let kinds =
            allowedMentions.map { ($0[key: "parse"]?.array ?? []).compactMap(\.string) } ?? ["users", "roles", "everyone"]
        func named(_ kind: String) -> Set<Snowflake> { Set((allowedMentions?[key: kind]?.array ?? []).compactMap(\.snowflake)) }
        var result = Mentions()
        let mayEveryone = allowed.contains(.mentionEveryone) && kinds.contains("everyone")
        result.everyone = mayEveryone && (content.contains("@everyone") || content.contains("@here"))
        for piece in content.split(separator: "<", omittingEmptySubsequences: false).dropFirst() where piece.hasPrefix("@") {
            guard let end = piece.firstIndex(of: ">") else { continue }
            let body = piece[..<end].dropFirst()
            if body.hasPrefix("&"), let id = Snowflake(body.dropFirst()), kinds.contains("roles") || named("roles").contains(id) {
                if allowed.contains(.mentionEveryone), !result.roles.contains(id) { result.roles.append(id) }
            } else if let id = Snowflake(body.drop { $0 == "!" }), users[id] != nil,
                kinds.contains("users") || named("users").contains(id), !result.users.contains(id)
            {
                result.users.append(id)
            }
        }
        return result
    }

    /// Keeps a message, logs it and tells every session that may know. From here on it is visible.
    mutating func store(_ message: Message, enforced: Bool, request: UInt64?) {
        messages[message.channelID, default: []].append(message)
        if messages[message.channelID]!.count > LoopbackLimits.messagesPerChannel { messages[message.channelID]!.removeFirst() }
        channels[message.channelID]?.lastMessageID = message.id
        logCreated(message, enforced: enforced, request: request)
        if var thread = channels[message.channelID]?.thread {
            thread.messageCount += 1
            let wakes = thread.archived
            if wakes {
                // A message wakes an archived thread that is not locked.
                thread.archived = false
                thread.changedAt = message.timestamp
            }
            channels[message.channelID]?.thread = thread
            if wakes { tellChannelChanged(message.channelID) }
        }
        tellMessageCreated(message)
    }

    private func logCreated(_ message: Message, enforced: Bool, request: UInt64?) {
        log.record(
            "message_created",
            [
                "id": JSON(id: message.id), "channel": JSON(id: message.channelID), "author": JSON(id: message.authorID),
                "bot": .bool(users[message.authorID]?.isBot ?? false), "content": .string(message.content),
                "nonce": message.nonce ?? .null, "enforce_nonce": .bool(enforced), "dedupe": false,
                "req": request.map { JSON($0) } ?? .null,
                "mentions": JSON(message.mentions.users.count + message.mentions.roles.count),
                "mention_everyone": .bool(message.mentions.everyone),
                "attachments": .array(
                    message.attachments.map {
                        let text =
                            $0.bytes.count <= LoopbackLimits.loggedAttachmentBytes
                            ? String(validating: $0.bytes, as: UTF8.self) : nil
                        return ["filename": .string($0.filename), "size": JSON($0.bytes.count), "text": JSON(text)]
                    }),
            ])
    }
}
