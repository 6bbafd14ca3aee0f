import GatewayProtocol
import WakeCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is remembered of a gateway from one life of ours to the next. Losing it costs a look, never a wake that was promised.
struct GatewayMemory: Hashable, Sendable, Codable {
    /// A session in the middle of a turn.
    struct Run: Hashable, Sendable, Codable {
        var session: SessionKey
        /// Where it is talked to; nil: nowhere.
        var route: Route?
    }

    /// The lives of it.
    var lives = GatewayLives()
    /// Its version, as it says.
    var version: String?
    /// When it was last heard of.
    var heardAt: Moment?
    /// The sessions that were at work when it was last heard of.
    var runs: [Run] = []
    /// Until when each channel could hear people, in milliseconds by the wall clock.
    var heardPeopleUntil: [ChannelName: Int64] = [:]
    /// When a session was woken because a restart that nobody announced had cut it off; of the last hour.
    var resumed: [SessionKey: [Moment]] = [:]

    init() {}

    /// Reads what was stored; nil where it can't be read.
    init?(_ text: String) {
        guard let memory = try? JSONDecoder().decode(GatewayMemory.self, from: Data(text.utf8)) else { return nil }
        self = memory
    }

    /// As it is stored.
    var text: String? { (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } }
}
