// Routes that change something other than by sending a message.
extension LoopbackState {
    mutating func openDirect(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        guard let form = try? JSON(parsing: request.body), let id = form[key: "recipient_id"]?.snowflake else {
            return .invalidForm("recipient_id", code: "BASE_TYPE_REQUIRED", message: "This field is required")
        }
        guard let person = users[id] else { return .unknownUser }
        guard !person.isBot else { return .error(403, 50_007, "Cannot send messages to this user") }
        return .ok(channelJSON(directChannel(bot: bot.user.id, recipient: id)))
    }

    mutating func deleteMessage(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        do throws(RESTRefusal) {
            let (channel, allowed) = try visibleChannel(request, bot)
            guard let id = Snowflake(request.path[3]), let message = message(id, in: channel.id) else {
                throw RESTRefusal(.unknownMessage)
            }
            guard message.authorID == bot.user.id || allowed.contains(.manageMessages) else {
                throw RESTRefusal(.missingPermissions)
            }
            remove(id, in: channel.id)
            return .noContent
        } catch {
            return error.response
        }
    }

    /// Takes a message away and tells every session that may know; false if there was none.
    @discardableResult
    mutating func remove(_ id: Snowflake, in channel: Snowflake) -> Bool {
        guard let place = index(of: id, in: channel) else { return false }
        messages[channel]?.remove(at: place)
        log.record("message_deleted", ["id": JSON(id: id), "channel": JSON(id: channel)])
        tellMessageDeleted(id, in: channel)
        return true
    }

    func typing(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        answering { () throws(RESTRefusal) in
            let (channel, allowed) = try visibleChannel(request, bot)
            guard channel.isDirect || allowed.contains(channel.isThread ? .sendMessagesInThreads : .sendMessages) else {
                throw RESTRefusal(.missingPermissions)
            }
            return .noContent
        }
    }

    func joinThread(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        answering { () throws(RESTRefusal) in
            let (channel, _) = try visibleChannel(request, bot)
            guard let thread = channel.thread else {
                throw RESTRefusal(.error(400, 50_024, "Cannot execute action on this channel type"))
            }
            guard !thread.archived else { throw RESTRefusal(.error(400, 50_083, "Thread is archived")) }
            return .noContent
        }
    }

    /// Only what senders do with threads: archive, unarchive, lock and unlock.
    mutating func patchChannel(_ request: APIRequest, _ bot: Bot) -> APIResponse {
        do throws(RESTRefusal) {
            let (channel, allowed) = try visibleChannel(request, bot)
            guard let form = try? JSON(parsing: request.body) else {
                throw RESTRefusal(.error(400, 50_109, "The request body contains invalid JSON."))
            }
            guard let thread = channel.thread else { throw RESTRefusal(.missingPermissions) }
            let locks = form[key: "locked"]?.bool.map { $0 != thread.locked } ?? false
            guard allowed.contains(.manageThreads) || (!locks && !thread.locked && allowed.contains(.sendMessagesInThreads))
            else {
                throw RESTRefusal(.missingPermissions)
            }
            changeThread(channel.id, archived: form[key: "archived"]?.bool, locked: form[key: "locked"]?.bool)
            return .ok(channelJSON(channels[channel.id] ?? channel))
        } catch {
            return error.response
        }
    }

    /// Archives, unarchives, locks or unlocks a thread; `nil` leaves a property as it is.
    mutating func changeThread(_ id: Snowflake, archived: Bool?, locked: Bool?) {
        guard var thread = channels[id]?.thread else { return }
        thread.archived = archived ?? thread.archived
        thread.locked = locked ?? thread.locked
        thread.changedAt = timestamp(wallMilliseconds: time.wallMilliseconds())
        channels[id]?.thread = thread
        log.record(
            "thread_changed",
            ["channel": JSON(id: id), "archived": .bool(thread.archived), "locked": .bool(thread.locked)])
        tellChannelChanged(id)
    }
}
