/// Names one connection, so that late news of an old one is told from news of the present one. Grows by one with each `connect`.
public typealias GatewayConnectionID = UInt64

/// The three things a gateway connection waits for; each has at most one time set.
public enum GatewayTimer: Hashable, Sendable, CaseIterable {
    /// The next heartbeat.
    case heartbeat
    /// Hello, READY or RESUMED must have come.
    case handshake
    /// The next attempt to connect.
    case reconnect
}

/// What happened, in the past tense.
public enum GatewayInput: Hashable, Sendable {
    /// The daemon began, with the session of the process before it if there is one.
    case started(StoredGatewaySession?)
    /// `GET /gateway/bot` answered.
    case gatewayFetched(GatewayBot)
    /// `GET /gateway/bot` gave nothing of use.
    case gatewayFetchFailed(GatewayFetchFailure)
    /// The WebSocket is open.
    case connected(GatewayConnectionID)
    /// The WebSocket could not be opened.
    case connectionFailed(GatewayConnectionID, reason: String)
    /// A frame came.
    case frameReceived(GatewayPayload, on: GatewayConnectionID)
    /// Something came that is no frame, or is too long.
    case frameUnreadable(reason: String, on: GatewayConnectionID)
    /// The WebSocket ended; `nil` without a close frame.
    case closed(code: UInt16?, on: GatewayConnectionID)
    /// A time that was armed has come.
    case timerFired(GatewayTimer)
    /// Everything that the dispatches up to this sequence caused is done (and durable where it must be).
    case settled(through: Int64)
    /// REST answered 401 to the token.
    case tokenRejected
    /// A person asked for a try now, after mending what blocked the channel.
    case retryRequested
    /// The daemon stops as planned.
    case stopRequested
}

/// What the shell must do, in the order given.
public enum GatewayDirective: Hashable, Sendable {
    /// Ask `GET /gateway/bot` and report the answer.
    case fetchGateway
    /// Open a WebSocket and report how it went.
    case connect(url: String, GatewayConnectionID)
    /// Send one frame.
    case send(GatewayCommand, on: GatewayConnectionID)
    /// Close with this code and let go of the connection; nothing that still comes from it counts.
    case close(code: UInt16, on: GatewayConnectionID)
    /// Report `timerFired` then (time since boot); replaces the time that was set.
    case armTimer(GatewayTimer, at: Duration)
    /// Forget the time that was set.
    case cancelTimer(GatewayTimer)
    /// Tell everybody the state of the channel.
    case publish(GatewayStatus)
    /// Keep the session for the next process. Losing it costs one Identify.
    case store(StoredGatewaySession)
    /// Drop the stored session: it can't be resumed.
    case forgetSession
    /// Act on an event; afterwards report `settled` with this sequence.
    case dispatch(GatewayEvent, sequence: Int64)
}

/// The state of the channel as the gateway knows it.
public enum GatewayStatus: Hashable, Sendable {
    /// A connection is being made.
    case connecting
    /// READY or RESUMED came; each counts one generation up.
    case ready(generation: UInt64)
    /// Not now; tried again by itself, at this time since boot.
    case down(reason: String, retryAt: Duration?)
    /// Needs a person, except for the identify budget, which is tried again at this time since boot.
    case blocked(GatewayBlock, retryAt: Duration?)
}

/// What the machine may be told beforehand.
public struct GatewayConfiguration: Hashable, Sendable {
    /// What Identify asks for. Default ``GatewayIntents/needed``.
    public var intents: GatewayIntents
    /// Loopback addresses (`host:port`) that the token may be sent to; empty for real Discord.
    public var trustedLoopback: Set<String>
    /// How long to wait for Hello after asking for a connection, and for READY or RESUMED after Hello. Default 20 s.
    public var handshakeTimeout: Duration
    /// How long a connection must have been ready for the next loss to count as the first. Default 60 s.
    public var stableAfter: Duration
    /// How often at most a moved sequence is stored. Default 30 s.
    public var storeInterval: Duration
    /// The waits between attempts.
    public var backoff: ReconnectBackoff

    /// Takes all settings; the defaults are for real Discord.
    public init(
        intents: GatewayIntents = .needed, trustedLoopback: Set<String> = [], handshakeTimeout: Duration = .seconds(20),
        stableAfter: Duration = .seconds(60), storeInterval: Duration = .seconds(30), backoff: ReconnectBackoff = .init()
    ) {
        self.intents = intents
        self.trustedLoopback = trustedLoopback
        self.handshakeTimeout = handshakeTimeout
        self.stableAfter = stableAfter
        self.storeInterval = storeInterval
        self.backoff = backoff
    }
}
