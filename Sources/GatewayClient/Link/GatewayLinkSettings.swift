import GatewayProtocol
public import WakeCore
public import WakeService

extension GatewayLink {
    /// What becomes of restarts that the gateway was asked for itself.
    public enum Adoption: Sendable {
        /// Nothing.
        case off
        /// The session is woken where the gateway's own ping did not arrive.
        case net
        /// The session is woken in place of the gateway's own ping, whose record is taken away.
        case own
    }

    /// Which gateway, and what is to be done about it.
    public struct Settings: Sendable {
        /// Its name in our configuration.
        public var name: String
        /// Where it listens.
        public var address: GatewayAddress
        /// How a connection is bounded, and what it asks to be allowed.
        public var connection = GatewayConnection.Configuration()
        /// What becomes of restarts that it was asked for itself; default ``Adoption/net``.
        public var adoption = Adoption.net
        /// Its restart sentinel, an absolute path; nil: not looked at.
        public var sentinelFile: String?
        /// Whether a session may be woken after a restart that nobody announced; default all.
        public var resumes: @Sendable (SessionKey) -> Bool = { _ in true }
        /// How long it may have been away for that; default 30 min.
        public var resumeWithin = Duration.seconds(1_800)
        /// How often within an hour a session is woken so; default 3.
        public var resumeLimit = 3
        /// How many missed messages are handed over with a turn; default 50.
        public var missedMessages = 50
        /// How old they may be; default a day.
        public var missedWithin = Duration.seconds(86_400)
        /// How long one attempt may take; default 20 s.
        public var attemptTimeout = Duration.seconds(20)

        /// Makes them; see the properties for the defaults.
        public init(name: String, address: GatewayAddress) {
            self.name = name
            self.address = address
        }

        /// The target that it is.
        public var target: RestartTarget { .gateway(name) }
    }

    /// What it works with.
    public struct Parts: Sendable {
        /// How we prove who we are, asked for each connection anew: tokens change.
        public var credentials: @Sendable () async throws -> GatewayCredentials
        /// Keeps what is remembered.
        public var store: any TransportSessionStore
        /// The second witness; nil: there is none.
        public var reader: (any ChannelReader)?
        /// Where states of channels are reported.
        public var sink: any ReadinessSink
        /// Returns when everything that was reported before is durable; false where that will never be.
        public var isDurable: @Sendable () async -> Bool
        /// The clock.
        public var moments: any MomentSource
        /// The chance in the waits.
        public var dice: any DiceSource

        /// Joins them.
        public init(
            credentials: @escaping @Sendable () async throws -> GatewayCredentials,
            store: any TransportSessionStore, reader: (any ChannelReader)?, sink: any ReadinessSink,
            isDurable: @escaping @Sendable () async -> Bool,
            moments: any MomentSource, dice: any DiceSource
        ) {
            self.credentials = credentials
            self.store = store
            self.reader = reader
            self.sink = sink
            self.isDurable = isDurable
            self.moments = moments
            self.dice = dice
        }
    }
}
