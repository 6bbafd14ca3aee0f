import Synchronization
public import WakeCore

/// The one place where channel states are published and watched. It keeps the last value of each, so that nobody has to be there in time:
/// a watcher subscribes before it looks, and sees the last value first.
public final class ReadinessBus: ReadinessSink {
    private struct State {
        var channels: [ChannelName: ChannelState] = [:]
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
    }

    private struct Watcher {
        let channel: ChannelName?
        let continuation: AsyncStream<ReadinessReport>.Continuation
    }

    private let state = Mutex(State())

    /// An empty bus: every channel is unknown.
    public init() {}

    /// Publishes a channel's state to all who watch it. Equal states in a row are one.
    public func report(_ channel: ChannelName, _ state: ChannelState) {
        self.state.withLock { bus in
            guard bus.channels[channel] != state else { return }
            bus.channels[channel] = state
            for watcher in bus.watchers.values where watcher.channel == nil || watcher.channel == channel {
                watcher.continuation.yield(.channel(channel, state))
            }
        }
    }

    /// Passes a receipt on to those who watch every channel. Receipts are not kept.
    public func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt) {
        state.withLock { bus in
            for watcher in bus.watchers.values where watcher.channel == nil {
                watcher.continuation.yield(.receipt(delivery, receipt))
            }
        }
    }

    /// The last state that was published; `unknown` if none was.
    public func state(of channel: ChannelName) -> ChannelState { state.withLock { $0.channels[channel] ?? .unknown } }

    /// Everything that is published from now on, after the last state of each channel.
    ///
    /// - Parameter channel: the one to watch; nil for all, with receipts.
    /// - Returns: a stream that ends when its reader stops. It holds back nothing: readers must keep up.
    public func watch(_ channel: ChannelName? = nil) -> AsyncStream<ReadinessReport> {
        let (stream, continuation) = AsyncStream.makeStream(of: ReadinessReport.self)
        let number = state.withLock { bus in
            for (name, state) in bus.channels.sorted(by: { $0.key < $1.key }) where channel == nil || channel == name {
                continuation.yield(.channel(name, state))
            }
            bus.nextWatcher += 1
            bus.watchers[bus.nextWatcher] = Watcher(channel: channel, continuation: continuation)
            return bus.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.watchers.removeValue(forKey: number) }
        }
        return stream
    }
}

/// What the bus carries.
public enum ReadinessReport: Hashable, Sendable {
    /// A channel's state is now this.
    case channel(ChannelName, ChannelState)
    /// A delivery's nonce was seen.
    case receipt(DeliveryID, Receipt)
}
