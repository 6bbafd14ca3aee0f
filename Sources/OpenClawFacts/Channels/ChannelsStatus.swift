public import WakeCore

/// A gateway's answer to `channels.status`: its accounts, and whether each can be talked through.
///
/// Every field may be missing, whole parts of the answer too; what is missing stays unknown.
public struct ChannelsStatus: Hashable, Sendable {
    /// The accounts, in the gateway's order of transports.
    public let accounts: [ChannelAccount]
    /// True if the gateway says that it could not ask everything.
    public let isPartial: Bool
    /// What the gateway warns of, for people.
    public let warnings: [String]

    private let defaultAccounts: [String: String]

    /// Reads the answer's payload.
    public init(_ payload: JSONValue?) {
        let listed = payload?["channelAccounts"]?.object?.members ?? []
        let order = payload?["channelOrder"]?.words ?? []
        let transports = order.filter { name in listed.contains { $0.key == name } }
        let rest = listed.map(\.key).filter { !order.contains($0) }
        accounts = (transports + rest).flatMap { transport in
            Self.rows(payload?["channelAccounts"]?[transport]).map { ChannelAccount($0.value, transport: transport, id: $0.id) }
        }
        isPartial = payload?["partial"]?.bool ?? false
        warnings = payload?["warnings"]?.words ?? []
        defaultAccounts = (payload?["channelDefaultAccountId"]?.object?.members ?? []).reduce(into: [:]) {
            $0[$1.key] = $1.value.word
        }
    }

    /// The accounts of one transport come as a list; as an object by account they are understood too.
    private static func rows(_ value: JSONValue?) -> [(id: String?, value: JSONValue)] {
        value?.array?.map { (nil, $0) } ?? value?.object?.members.map { ($0.key, $0.value) } ?? []
    }

    /// The account that the gateway uses for a transport when none is named.
    public func defaultAccount(of transport: String) -> String { defaultAccounts[transport] ?? "default" }

    /// One account; nil if the answer does not have it.
    public func account(_ id: String, of transport: String) -> ChannelAccount? {
        accounts.first { $0.transport == transport && $0.id == id }
    }

    /// Whether one account can be talked through; unknown if the answer does not have it.
    ///
    /// In an answer that is complete, and lists other accounts of that transport, a missing account is not configured.
    public func verdict(_ id: String, of transport: String) -> ChannelVerdict {
        if let account = account(id, of: transport) { return account.verdict }
        guard !isPartial, accounts.contains(where: { $0.transport == transport }) else { return .unknown }
        return .notReady(reason: "the gateway has no account '\(id)' of \(transport)")
    }
}

/// Whether an account can be talked through now, as far as its gateway tells.
public enum ChannelVerdict: Hashable, Sendable {
    /// It is running and connected.
    case ready
    /// It can't be talked through; why, in words.
    case notReady(reason: String)
    /// The gateway does not tell enough.
    case unknown

    /// True in ``ready``.
    public var isReady: Bool { self == .ready }
}

/// One account of one transport, as its gateway sees it. Times are in milliseconds since 1970.
public struct ChannelAccount: Hashable, Sendable {
    /// The transport, such as `discord`.
    public let transport: String
    /// The account's name, such as `default`.
    public let id: String
    /// Whether it is switched on.
    public let isEnabled: Bool?
    /// Whether it has what it needs, such as a token.
    public let isConfigured: Bool?
    /// Whether it is linked to a device, in transports that are.
    public let isLinked: Bool?
    /// Whether the gateway runs it.
    public let isRunning: Bool?
    /// Whether it has a connection. Some transports never say.
    public let isConnected: Bool?
    /// Whether a request that was made for this answer went through (`probe: true`).
    public let probeSucceeded: Bool?
    /// How often it has tried to connect again.
    public let reconnectAttempts: Int64?
    /// The last error, in the gateway's words; it may be long over.
    public let lastError: String?
    /// The gateway's own judgement, such as `healthy`.
    public let healthState: String?
    /// When it was last started.
    public let lastStartAt: Int64?
    /// When it was last stopped.
    public let lastStopAt: Int64?
    /// When it last became connected.
    public let lastConnectedAt: Int64?
    /// When it last received something.
    public let lastInboundAt: Int64?
    /// When it last sent something.
    public let lastOutboundAt: Int64?

    init(_ value: JSONValue, transport: String, id: String?) {
        self.transport = transport
        self.id = value["accountId"]?.identifier ?? id ?? "default"
        isEnabled = value["enabled"]?.bool
        isConfigured = value["configured"]?.bool
        isLinked = value["linked"]?.bool
        isRunning = value["running"]?.bool
        isConnected = value["connected"]?.bool
        probeSucceeded = value["probe"]?["ok"]?.bool
        reconnectAttempts = value["reconnectAttempts"]?.integer
        lastError = value["lastError"]?.word ?? value["lastError"]?["message"]?.word
        healthState = value["healthState"]?.word
        lastStartAt = value["lastStartAt"]?.milliseconds
        lastStopAt = value["lastStopAt"]?.milliseconds
        lastConnectedAt = value["lastConnectedAt"]?.milliseconds
        lastInboundAt = value["lastInboundAt"]?.milliseconds
        lastOutboundAt = value["lastOutboundAt"]?.milliseconds
    }

    /// Whether it can be talked through: running and connected.
    ///
    /// Where the transport does not say whether it is connected, a probe that went through counts instead, and without one
    /// the verdict is unknown. A gateway may say "connected" while its Discord never became ready (openclaw issue #58290).
    public var verdict: ChannelVerdict {
        if isEnabled == false { return .notReady(reason: "it is switched off in the gateway's configuration") }
        if isConfigured == false { return notReady("it is not configured") }
        if isRunning == false { return notReady("the gateway does not run it") }
        if isConnected == false { return notReady("it is not connected") }
        if isLinked == false { return notReady("it is not linked") }
        guard isRunning == true else { return .unknown }
        if isConnected == true { return .ready }
        switch probeSucceeded {
        case true?: return .ready
        case false?: return notReady("a request to it failed")
        case nil: return .unknown
        }
    }

    private func notReady(_ reason: String) -> ChannelVerdict {
        .notReady(reason: lastError.map { "\(reason); its last error: \($0)" } ?? reason)
    }
}
