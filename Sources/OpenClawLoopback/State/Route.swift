/// Where something is sent: a channel's kind, a target in it, and the account that sends.
struct Route: Codable, Sendable, Equatable {
    var channel: String
    var to: String
    var accountId: String?

    /// What a `deliveryContext` says; `nil` where channel or target are missing.
    init?(_ context: JSON?) {
        guard let channel = context?["channel"]?.filled, let to = context?["to"]?.filled else { return nil }
        self.init(channel: channel, to: to, accountId: context?["accountId"]?.filled)
    }

    init(channel: String, to: String, accountId: String?) {
        self.channel = channel
        self.to = to
        self.accountId = accountId
    }

    /// What the key of a Discord session says: the channel, the thread in it, or the other end of a direct message.
    init?(sessionKey: String, account: String) {
        let parts = sessionKey.split(separator: ":").map(String.init)
        guard parts.count >= 5, parts[0] == "agent", parts[2] == "discord" else { return nil }
        var rest = parts.dropFirst(3)
        var account = account
        if rest.count >= 3, ["direct", "dm"].contains(rest[4]) { account = rest.removeFirst() }
        guard let kind = rest.popFirst(), var id = rest.popFirst() else { return nil }
        if rest.first == "thread", let thread = rest.dropFirst().first { id = thread }
        switch kind {
        case "channel": self.init(channel: "discord", to: "channel:\(id)", accountId: account)
        case "direct", "dm": self.init(channel: "discord", to: "user:\(id)", accountId: account)
        default: return nil
        }
    }

    var json: JSON { .members(["channel": .string(channel), "to": .string(to), "accountId": accountId.map(JSON.string)]) }
}
