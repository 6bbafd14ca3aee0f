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
        let take: @Sendable (ReadinessReport) -> Void
    }

    /// Names one who is told by ``tell(_:)``.
    public struct Listener: Hashable, Sendable {
        fileprivate let number: Int
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
                watcher.take(.channel(channel, state))
            }
        }
    }

    /// Passes a receipt on to those who watch every channel. Receipts are not kept.
    public func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt) {
        state.withLock { bus in
            for watcher in bus.watchers.values where watcher.channel == nil {
                watcher.take(.receipt(delivery, receipt))
            }
        }
    }

    /// Tells those who watch every channel that a person wrote somewhere. It is not kept.
    public func reportActivity(_ route: Route) {
        state.withLock { bus in
            for watcher in bus.watchers.values where watcher.channel == nil { watcher.take(.activity(route)) }
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
        let listener = add(Watcher(channel: channel) { continuation.yield($0) })
        continuation.onTermination = { [weak self] _ in self?.stopTelling(listener) }
        return stream
    }

    /// Tells everything that a stream of ``watch(_:)`` would carry, at once and in order, on the thread of whoever reports it.
    ///
    /// - Parameter take: must neither block nor call the bus.
    /// - Returns: what ``stopTelling(_:)`` takes.
    public func tell(_ take: @escaping @Sendable (ReadinessReport) -> Void) -> Listener {
        add(Watcher(channel: nil, take: take))
    }

    /// Tells no more.
    public func stopTelling(_ listener: Listener) {
        _ = state.withLock { $0.watchers.removeValue(forKey: listener.number) }
    }

    private func add(_ watcher: Watcher) -> Listener {
        state.withLock { bus in
            for (name, state) in bus.channels.sorted(by: { $0.key < $1.key })
            where watcher.channel == nil || watcher.channel == name {
                watcher.take(.channel(name, state))
            }
            bus.nextWatcher += 1
            bus.watchers[bus.nextWatcher] = watcher
            return Listener(number: bus.nextWatcher)
        }
    }
}

/// What the bus carries.
public enum ReadinessReport: Hashable, Sendable {
    /// A channel's state is now this.
    case channel(ChannelName, ChannelState)
    /// A delivery's nonce was seen.
    case receipt(DeliveryID, Receipt)
    /// A person wrote there.
    case activity(Route)
}
