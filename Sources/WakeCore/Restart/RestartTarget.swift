/// What restarts.
public enum RestartTarget: Hashable, Sendable, Codable, CustomStringConvertible {
    /// `self`: this daemon; it stops cleanly and its supervisor starts it again.
    case daemon
    /// `host`: the whole machine.
    case host
    /// `exec`: whatever a command restarts; it has no epoch.
    case exec
    /// `nothing`: the session is to be woken as such, after the delay; it has no epoch.
    case nothing
    /// `unit:NAME`, `unit:system/NAME` from a user service: a unit of a service manager.
    case unit(String)
    /// `gateway:NAME`: a gateway as a process of its own.
    case gateway(String)

    /// Takes the printed form; nil if it is none.
    public init?(_ text: String) {
        switch text {
        case "self": self = .daemon
        case "host": self = .host
        case "exec": self = .exec
        case "nothing": self = .nothing
        default:
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[1].isEmpty, text.utf8.count <= 300 else { return nil }
            switch parts[0] {
            case "unit": self = .unit(String(parts[1]))
            case "gateway": self = .gateway(String(parts[1]))
            default: return nil
            }
        }
    }

    /// The printed form.
    public var description: String {
        switch self {
        case .daemon: "self"
        case .host: "host"
        case .exec: "exec"
        case .nothing: "nothing"
        case .unit(let name): "unit:\(name)"
        case .gateway(let name): "gateway:\(name)"
        }
    }

    /// Whether its epoch is seen from outside, by whoever watches it: not our own; a command and `nothing` have none.
    public var isWatchable: Bool {
        switch self {
        case .daemon, .exec, .nothing: false
        case .host, .unit, .gateway: true
        }
    }

    /// The gateway's name, where it is one.
    public var gateway: String? { if case .gateway(let name) = self { name } else { nil } }

    /// Whether it has epochs at all.
    public var hasEpochs: Bool { self != .exec && self != .nothing }

    /// What it is called in a sentence for people.
    public var words: String {
        switch self {
        case .daemon: "Reveille"
        case .host: "the machine"
        case .exec: "the command"
        case .nothing: "nothing"
        case .unit(let name): name.hasPrefix("system/") ? String(name.dropFirst(7)) : name
        case .gateway(let name): "the gateway \(name)"
        }
    }

    /// Reads the printed form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let target = RestartTarget(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a restart target")
        }
        self = target
    }

    /// Writes the printed form.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

/// What tells one incarnation of a target from the next.
///
/// Units: boot id and invocation id. Hosts: boot id and the manager's start. Gateways: their start in boottime.
/// Ourselves: an instance id written at each start.
public enum Epoch: Hashable, Sendable, Codable {
    /// Equal means the same incarnation.
    case token(String)
    /// The same incarnation if the boot is the same and the starts differ by at most 2 s.
    case startedAt(boot: BootID, microseconds: Int64)

    /// The epoch of what is told by a name of its own within one boot: a unit's invocation, a manager's start.
    public static func of(_ boot: BootID, _ name: String) -> Epoch { .token("\(boot)/\(name)") }

    /// The boot that it belongs to, where it tells.
    public var boot: BootID? {
        switch self {
        case .startedAt(let boot, _): boot
        case .token(let text): text.firstIndex(of: "/").map { BootID(String(text[..<$0])) }
        }
    }

    /// Of a target that was never seen up: the next epoch is its first.
    public static let down = Epoch.token("down")

    /// Whether this is another incarnation than the one given.
    public func differs(from other: Epoch) -> Bool {
        switch (self, other) {
        case (.startedAt(let boot, let start), .startedAt(let otherBoot, let otherStart)):
            boot != otherBoot || abs(start - otherStart) > 2_000_000
        default: self != other
        }
    }
}
