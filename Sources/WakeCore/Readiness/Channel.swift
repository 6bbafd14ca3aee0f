/// One account of one transport, such as `discord:default`, or a gateway's, such as `gateway:main/discord:default`.
public struct ChannelName: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
    /// The name as people write it.
    public let description: String

    /// Takes a name: 1 to 128 characters of `A-Z a-z 0-9 . _ - : / @`, with a transport and an account (`discord:default`).
    public init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "@"):
                true
            default: false
            }
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).last?.split(separator: ":") ?? []
        guard isPlain, text.utf8.count <= 128, parts.count == 2, !text.hasSuffix(":"), !text.hasPrefix(":") else { return nil }
        description = text
    }

    private init(trusted: String) { description = trusted }

    /// Our own Discord account of that name; `discord:default` is the default.
    public static func discord(_ account: String = "default") -> ChannelName { ChannelName(trusted: "discord:" + account) }

    /// The account: what follows the last `:`.
    public var account: String { String(description.split(separator: ":").last ?? "") }

    /// The transport: `discord` in `discord:default` and in `gateway:main/discord:default`.
    public var transport: String { String(description.split(separator: "/").last?.split(separator: ":").first ?? "") }

    /// The gateway that owns it: `main` in `gateway:main/discord:default`; nil for our own and for those that report themselves.
    public var gateway: String? {
        guard description.hasPrefix("gateway:"), let slash = description.firstIndex(of: "/") else { return nil }
        return String(description[..<slash].dropFirst(8))
    }

    /// The same account, as the gateway of that name owns it; one that a gateway owns already stays as it is.
    public func through(gateway name: String) -> ChannelName {
        gateway == nil ? ChannelName(trusted: "gateway:\(name)/\(description)") : self
    }

    /// Reads the plain text.
    public init(from decoder: any Decoder) throws { description = try String(from: decoder) }

    /// Writes the plain text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }

    /// By text.
    public static func < (left: ChannelName, right: ChannelName) -> Bool { left.description < right.description }
}

/// Whether a channel can be talked through now.
public enum ChannelState: Hashable, Sendable, Codable {
    /// Nothing was heard of it yet. Can transition to: any other state, by its owner's report.
    case unknown
    /// Its owner is trying. Can transition to: `ready` (READY, RESUMED), `down` (the try failed), `blocked` (refused for good).
    case connecting
    /// It can be talked through. Each time it becomes ready the generation grows.
    /// Can transition to: `connecting`, `down` (connection lost), `blocked` (token rejected).
    case ready(generation: UInt64)
    /// Not now; its owner tries again by itself. Can transition to: `connecting`, `ready`, `blocked`.
    case down(reason: String, retryAt: Moment?)
    /// Needs a person: bad token, missing intent. Can transition to: `connecting` (configuration changed, limit reset).
    case blocked(reason: String)

    /// True in ``ready(generation:)``.
    public var isReady: Bool { if case .ready = self { true } else { false } }

    /// The state in words, for people: "connecting", "down: connection lost".
    public var words: String {
        switch self {
        case .unknown: "unknown"
        case .connecting: "connecting"
        case .ready: "ready"
        case .down(let reason, _): "down: \(reason)"
        case .blocked(let reason): "blocked: \(reason)"
        }
    }
}
