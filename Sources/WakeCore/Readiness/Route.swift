/// A channel and a destination in it: where a wake goes, such as `discord:default/channel:1234`.
public struct Route: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
    /// What kind of place the destination is.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// A channel or a thread; a Discord thread is a channel of its own.
        case channel
        /// A person, by direct message.
        case user
    }

    /// The channel to talk through.
    public let channel: ChannelName
    /// Channel or user.
    public let kind: Kind
    /// The destination's id in its transport; for Discord a snowflake.
    public let destination: String

    /// Makes a route.
    public init(channel: ChannelName, kind: Kind, destination: String) {
        self.channel = channel
        self.kind = kind
        self.destination = destination
    }

    /// Takes the printed form, `CHANNEL/channel:ID` or `CHANNEL/user:ID`; nil if it is none.
    public init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/"), let channel = ChannelName(String(text[..<slash])) else { return nil }
        let parts = text[text.index(after: slash)...].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])), !parts[1].isEmpty, parts[1].utf8.count <= 64,
            parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        self.init(channel: channel, kind: kind, destination: String(parts[1]))
    }

    /// The same place, through the gateway of that name.
    public func through(gateway name: String) -> Route {
        Route(channel: channel.through(gateway: name), kind: kind, destination: destination)
    }

    /// The printed form.
    public var description: String { "\(channel)/\(kind.rawValue):\(destination)" }

    /// Reads the printed form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let route = Route(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a route")
        }
        self = route
    }

    /// Writes the printed form.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }

    /// By text.
    public static func < (left: Route, right: Route) -> Bool { left.description < right.description }
}

/// Whether one place can be written to now.
public enum RouteState: Hashable, Sendable, Codable {
    /// Not looked at since its channel last became ready. Can transition to: any other state, by a check.
    case unknown
    /// It exists, is visible, and may be written to. Can transition to: `unknown` (channel lost), `blocked`, `gone`.
    case ready(RouteCapabilities)
    /// It can't be written to until a person changes something (permission, locked thread).
    /// Can transition to: `ready`, `gone`, by the next check; checked again with each generation and every few minutes.
    case blocked(reason: String)
    /// It does not exist any more. Can transition to: `ready` (it was seen again), `unknown`.
    case gone(reason: String)

    /// True in ``ready(_:)``.
    public var isReady: Bool { if case .ready = self { true } else { false } }

    /// The state in words, for people.
    public var words: String {
        switch self {
        case .unknown: "not checked yet"
        case .ready: "ready"
        case .blocked(let reason): "blocked: \(reason)"
        case .gone(let reason): "gone: \(reason)"
        }
    }
}

/// What a ready route allows, where it is known.
public struct RouteCapabilities: Hashable, Sendable, Codable {
    /// Whether files may be attached; long notes are cut where not.
    public var mayAttachFiles: Bool
    /// Whether history may be read, which absence can be proven by.
    public var mayReadHistory: Bool

    /// Makes capabilities; what is not known counts as not allowed.
    public init(mayAttachFiles: Bool = false, mayReadHistory: Bool = false) {
        self.mayAttachFiles = mayAttachFiles
        self.mayReadHistory = mayReadHistory
    }
}
