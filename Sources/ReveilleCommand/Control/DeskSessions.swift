import ControlServer
import GatewayProtocol
import ReveilleConfiguration
import WakeCore

/// Which sessions a caller may name, and where they are.
extension Desk {
    func mayName(_ session: SessionKey, _ caller: ControlCaller) -> Bool {
        caller.sessions.map { $0.contains { SessionPattern($0).matches(session.description) } } ?? true
    }

    func allow(_ session: SessionKey, _ caller: ControlCaller) throws(GatewayFault) {
        guard mayName(session, caller) else {
            throw GatewayFault(
                .forbidden, "the session \(session) is not one that this caller may name",
                details: ["code": "SESSION_FORBIDDEN", "sessionKey": .string(session.description)])
        }
    }

    /// Reads a session key; what is wrong with it is among the other problems of the request.
    func sessionKey(_ fields: inout FieldReader, _ key: String, isNeeded: Bool) -> SessionKey? {
        let text = isNeeded ? fields.text(key, 1...512) : fields.optionalText(key, 1...512)
        guard let text else { return nil }
        do { return try SessionKey(text) } catch {
            fields.complain(key, "\(error)")
            return nil
        }
    }

    /// Where a session is woken: by the request's own words, by the configuration, by its key.
    ///
    /// - Throws: `INVALID_REQUEST` where no place of ours is named.
    func route(_ session: SessionKey, _ context: DeliveryContext?) throws(GatewayFault) -> Route {
        let configuration = parts.live.configuration
        let route =
            try context?.route() ?? configuration.place(of: session)
        guard let route else {
            throw GatewayFault(
                .invalidRequest,
                "the session \(session) is unknown here: its key names no place, and no route is configured for it",
                details: [
                    "code": "UNKNOWN_SESSION", "sessionKey": .string(session.description),
                    "hint": "name it with deliveryContext, or set sessions.<pattern>.route",
                ])
        }
        guard parts.hosts.contains(where: { $0.channel == route.channel }) else {
            let known = parts.hosts.map(\.channel.description).sorted().joined(separator: ", ")
            throw GatewayFault(
                .invalidRequest, "nothing here serves the channel \(route.channel); there is \(known)",
                details: ["code": "UNKNOWN_CHANNEL", "channel": .string(route.channel.description)])
        }
        return route
    }
}

/// Where something is to go, in the protocol's own words: `{channel, to, accountId, threadId}`.
struct DeliveryContext {
    var channel: String?
    var to: String?
    var account: String?
    var thread: String?

    init(channel: String?, to: String?) {
        self.channel = channel
        self.to = to
    }

    init(_ fields: inout FieldReader) {
        channel = fields.optionalText("channel", 1...128)
        to = fields.optionalText("to", 1...128)
        account = fields.optionalText("accountId", 1...64)
        thread = fields.optionalText("threadId", 1...64)
    }

    /// The route that it names; nil where it names no destination.
    func route() throws(GatewayFault) -> Route? {
        guard let destination = thread.map({ "channel:\($0)" }) ?? to else { return nil }
        if let whole = Route(destination) { return whole }
        let name =
            channel.flatMap { $0.contains(":") ? ChannelName($0) : nil }
            ?? ChannelName("\(channel ?? "discord"):\(account ?? "default")")
        guard let name, let route = Route("\(name)/\(Self.place(destination))") else {
            throw GatewayFault(
                .invalidRequest, "\"\(destination)\" is no destination; write channel:ID or user:ID",
                details: ["issues": [["path": "to", "message": "is no destination"]]])
        }
        return route
    }

    /// `channel:1`, `user:1`, `<@1>`, or a bare number, which is a channel.
    private static func place(_ text: String) -> String {
        if text.hasPrefix("<@"), text.hasSuffix(">") { return "user:" + text.dropFirst(2).dropLast().drop { $0 == "!" } }
        return text.contains(":") ? text : "channel:\(text)"
    }
}
