internal import Synchronization
public import WakeCore
public import WakeService

/// Keeps what lets a transport resume, in memory.
public final class InMemorySessionStore: TransportSessionStore {
    private let sessions = Mutex<[ChannelName: String]>([:])

    /// An empty store.
    public init() {}

    /// What was stored last for the channel.
    public func loadSession(of channel: ChannelName) async -> String? { sessions.withLock { $0[channel] } }

    /// Stores it; nil forgets it.
    public func storeSession(_ session: String?, of channel: ChannelName) async { sessions.withLock { $0[channel] = session } }
}
