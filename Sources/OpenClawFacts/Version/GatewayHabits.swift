/// What gateways of one version do around a restart, so far as it matters to somebody who wakes their agents.
///
/// Of an unknown version each answer is the careful one: that which loses nothing, at the price of some waiting or looking.
/// Whether a method is there is not a matter of the version: `hello` lists the methods, `config.schema.lookup` among them.
public struct GatewayHabits: Hashable, Sendable {
    /// The version asked about; nil if it is not known.
    public let version: GatewayVersion?

    /// Takes a version; nil for one that is not known.
    public init(of version: GatewayVersion?) { self.version = version }

    /// Takes a version as the gateway printed it.
    public init(ofVersion text: String) { self.init(of: GatewayVersion(text)) }

    private func since(_ first: GatewayVersion, unknown: Bool) -> Bool { version.map { $0 >= first } ?? unknown }

    private func before(_ end: GatewayVersion, unknown: Bool) -> Bool { version.map { $0 < end } ?? unknown }

    /// Whether it writes `restart-sentinel.json`: before 2026.8. Some of 2026.7 write it, and some a database.
    public var writesSentinelFile: Bool { before(GatewayVersion(2026, 8), unknown: true) }

    /// Whether it keeps its sentinel in its database: 2026.7 and later.
    public var keepsSentinelInDatabase: Bool { since(GatewayVersion(2026, 7), unknown: true) }

    /// Whether its ping is one send, 750 ms after its start, whatever the channel's state: before 2026.4.
    public var pingsOnce: Bool { before(GatewayVersion(2026, 4), unknown: false) }

    /// Whether it tries its ping again, 45 times a second apart: 2026.4 and later.
    public var retriesPing: Bool { since(GatewayVersion(2026, 4), unknown: true) }

    /// Whether it gives the agent a turn by itself: 2026.3.24 and later, and from 2026.1.14 until that was dropped in 2026.2.13.
    ///
    /// Of an unknown version it is not counted on: a turn too many is a smaller harm than none.
    public var wakesAgentItself: Bool {
        since(GatewayVersion(2026, 3, 24), unknown: false)
            || since(GatewayVersion(2026, 1, 14), unknown: false) && before(GatewayVersion(2026, 2, 13), unknown: false)
    }

    /// Whether notice, wake and continuation survive a crash as rows of its database: 2026.7 and later.
    public var hasDurableRows: Bool { since(GatewayVersion(2026, 7), unknown: false) }

    /// Whether the second of two restarts that became one loses what its session wanted to go on with: before 2026.6.
    public var losesCoalescedContinuations: Bool { before(GatewayVersion(2026, 6), unknown: true) }

    /// Whether it takes up turns of main sessions that a crash or a restart cut off: reported of 2026.4, relied on from 2026.5.
    public var recoversMainSessions: Bool { since(GatewayVersion(2026, 5), unknown: false) }

    /// Whether `wake` reaches the session that it names. Before, it always reached the default agent's main one.
    ///
    /// The change came during 2026.5, so that it is relied on from 2026.6 on.
    public var wakesNamedSession: Bool { since(GatewayVersion(2026, 6), unknown: false) }
}
