/// The name of one conversation of one agent, as the gateway prints it: `agent:<id>:<what it is>`.
///
/// Shapes: the gateway's own session keys (docs/GLOSSARY.md lists them). Prefix, agent and keywords are lower-cased;
/// peer, channel and thread ids stay as they are.
public struct SessionKey: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
    /// What a session is, read from its key.
    public enum Shape: Hashable, Sendable {
        /// `agent:<id>:main`: the agent's main session.
        case main
        /// `global` or `unknown`: the gateway's catch-all sessions.
        case catchAll
        /// `…:direct:<peer>` (older: `dm`), with the transport and the account where the key names them.
        case direct(transport: String?, account: String?, peer: String)
        /// `…:<transport>:channel:<id>`, with a `:thread:<id>` where there is one. A Discord thread may also stand as channel.
        case channel(transport: String, id: String, thread: String?)
        /// `…:<transport>:group:<id>`, with a `:topic:<n>` where there is one.
        case group(transport: String, id: String, topic: String?)
        /// `…:cron:<job>`, with a `:run:<id>` where there is one; also the older `cron:<job>`.
        case cron(job: String, run: String?)
        /// `…:subagent:<id>`, nested by repeating.
        case subagent(path: [String])
        /// `discord:<account>:guild-<g>:channel-<c>`, an older form.
        case legacyDiscord(account: String, guild: String, channel: String)
        /// Any other kind that the gateway makes: `acp`, `hook`, `node`, `explicit`, `dashboard`, …
        case other(kind: String)
    }

    /// The key as printed.
    public let description: String
    /// The agent; nil for keys without one (`global`, `cron:<job>`, `hook:<id>`, the older Discord form).
    public let agent: String?
    /// What the session is.
    public let shape: Shape

    /// The longest key, in bytes.
    public static let maximumBytes = 512

    /// Reads a key.
    ///
    /// - Throws: ``SessionKeyError`` that says what is wrong and at which character.
    public init(_ text: String) throws(SessionKeyError) {
        try Self.check(text)
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if let empty = parts.firstIndex(of: "") {
            let column = parts[..<empty].reduce(1) { $0 + $1.count + 1 }
            throw SessionKeyError(text, column, "part \(empty + 1) is empty")
        }
        if parts[0].lowercased() == "agent" {
            (description, agent, shape) = try Self.ofAgent(text, parts)
        } else {
            (description, agent, shape) = try Self.withoutAgent(text, parts)
        }
    }

    private static func check(_ text: String) throws(SessionKeyError) {
        guard !text.isEmpty else { throw SessionKeyError(text, 1, "it is empty") }
        guard text.utf8.count <= maximumBytes else {
            throw SessionKeyError(
                text, maximumBytes + 1, "it is \(text.utf8.count) bytes long, at most \(maximumBytes) are allowed")
        }
        if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return }
        for (index, scalar) in text.unicodeScalars.enumerated() {
            let isControl =
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value)
            if isControl || scalar.properties.isWhitespace {
                throw SessionKeyError(
                    text, index + 1, isControl ? "a control character is not allowed" : "a space is not allowed")
            }
        }
    }

    private static func ofAgent(_ text: String, _ parts: [String]) throws(SessionKeyError) -> (String, String?, Shape) {
        guard parts.count >= 3 else {
            throw SessionKeyError(text, text.count + 1, "after the agent comes what the session is, such as ':main'")
        }
        let agent = parts[1].lowercased()
        let isName = agent.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || Character(UnicodeScalar($0)).isLetter
                || Character(UnicodeScalar($0)).isNumber || $0 >= 0x80
        }
        guard isName else { throw SessionKeyError(text, 7, "an agent's id is made of letters, digits, '-', '_' and '.'") }
        let (rest, shape) = try SessionKeyReader(text: text, rest: Array(parts[2...])).shape()
        return (["agent", agent].joined(separator: ":") + ":" + rest.joined(separator: ":"), agent, shape)
    }

    private static func withoutAgent(_ text: String, _ parts: [String]) throws(SessionKeyError) -> (String, String?, Shape) {
        let head = parts[0].lowercased()
        if parts.count == 1, head == "global" || head == "unknown" { return (head, nil, .catchAll) }
        if head == "cron", parts.count == 2 { return ("cron:" + parts[1], nil, .cron(job: parts[1], run: nil)) }
        if head == "hook", parts.count == 2 { return ("hook:" + parts[1], nil, .other(kind: "hook")) }
        if parts.count == 1, head.hasPrefix("node-"), head.count > 5 { return (text, nil, .other(kind: "node")) }
        if head == "discord", parts.count == 4, parts[2].hasPrefix("guild-"), parts[3].hasPrefix("channel-") {
            let guild = String(parts[2].dropFirst(6))
            let channel = String(parts[3].dropFirst(8))
            guard !guild.isEmpty, !channel.isEmpty else { throw SessionKeyError(text, 1, "the guild or the channel has no id") }
            return (text, nil, .legacyDiscord(account: parts[1], guild: guild, channel: channel))
        }
        throw SessionKeyError(text, 1, "it must begin with 'agent:', such as 'agent:main:discord:channel:1234'")
    }

    /// The route that the key itself tells, by our own account where it names none; nil for sessions without a place.
    ///
    /// Also nil where the key's ids can't be written as a route, such as a peer's id with a slash.
    public var route: Route? { place.flatMap { Route($0.description) } }

    private var place: Route? {
        switch shape {
        case .channel("discord", let id, let thread):
            Route(channel: .discord(), kind: .channel, destination: thread ?? id)
        case .direct("discord", let account, let peer):
            Route(channel: .discord(account ?? "default"), kind: .user, destination: peer)
        case .legacyDiscord(let account, _, let channel):
            Route(channel: .discord(account), kind: .channel, destination: channel)
        default: nil
        }
    }

    /// Reads the printed form.
    public init(from decoder: any Decoder) throws { try self.init(try String(from: decoder)) }

    /// Writes the printed form.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }

    /// Two keys are equal when they print alike.
    public static func == (left: SessionKey, right: SessionKey) -> Bool { left.description == right.description }

    /// By the printed form.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// By text.
    public static func < (left: SessionKey, right: SessionKey) -> Bool { left.description < right.description }
}

/// Why a text is no session key, and where.
public struct SessionKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text that was given, cut to 120 characters.
    public let text: String
    /// The character at which it goes wrong, from 1.
    public let column: Int
    /// What is wrong.
    public let problem: String

    init(_ text: String, _ column: Int, _ problem: String) {
        self.text = text.count > 120 ? String(text.prefix(119)) + "…" : text
        self.column = column
        self.problem = problem
    }

    /// For people.
    public var description: String { "session key '\(text)': \(problem) (character \(column))" }

    /// What to type instead.
    public var hint: String {
        "Give the key as the gateway lists it, such as agent:main:main or agent:infra:discord:channel:1234567890."
    }
}
