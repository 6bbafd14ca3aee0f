import DiscordTransport
import Synchronization
import WakeCore
import WakeService

/// One of our accounts as long as the daemon lives: it can be stopped, started, and exchanged for one with other settings, while whoever
/// waits for the channel keeps waiting for the same name.
final class ChannelHost: ReadinessSource, NoticeTransport, RouteCheck, ReceiptLookup, ChannelServant {
    let channel: ChannelName

    private struct State {
        var settings: DiscordSettings
        var live: DiscordChannel?
        /// Why it does not run; nil: it is to run.
        var whyNot: String?
        var run: Task<Void, any Error>?
        var waiter: CheckedContinuation<Void, Never>?
        /// The generations of earlier lives, so that they go on growing.
        var generations: UInt64 = 0
        var isEnding = false
    }

    private let state: Mutex<State>
    private let make: @Sendable (DiscordSettings) -> DiscordChannel

    /// - Parameters:
    ///   - settings: the account.
    ///   - whyNot: why it is not to be started; nil starts it.
    ///   - make: makes a transport of its settings; it runs once.
    init(_ settings: DiscordSettings, whyNot: String? = nil, make: @escaping @Sendable (DiscordSettings) -> DiscordChannel) {
        channel = settings.channel
        self.make = make
        state = Mutex(State(settings: settings, live: whyNot == nil ? make(settings) : nil, whyNot: whyNot))
    }

    /// Whether it runs, or is about to.
    var isStarted: Bool { state.withLock { $0.whyNot == nil } }

    /// Starts it if it was stopped.
    ///
    /// - Returns: whether it was.
    func start() -> Bool {
        guard !isStarted else { return false }
        change { $0.whyNot = nil }
        return true
    }

    /// Stops it until ``start()``; its wakes are held meanwhile.
    ///
    /// - Returns: whether it ran.
    func stop(because reason: String) -> Bool {
        guard isStarted else { return false }
        change { $0.whyNot = reason }
        return true
    }

    /// Closes it and opens it again with these settings; of one that was stopped only the settings change.
    func exchange(_ settings: DiscordSettings) {
        change { state in
            state.settings = settings
            if state.run == nil { state.live = nil }
        }
    }

    private func change(_ what: (inout State) -> Void) {
        let (run, waiter) = state.withLock { state in
            what(&state)
            defer { state.waiter = nil }
            return (state.run, state.waiter)
        }
        run?.cancel()
        waiter?.resume()
    }

    // MARK: ReadinessSource

    func run(reportingTo sink: any ReadinessSink) async throws {
        try await withTaskCancellationHandler {
            while !state.withLock({ $0.isEnding }) {
                if let whyNot = state.withLock({ $0.whyNot }) {
                    sink.report(channel, .down(reason: whyNot, retryAt: nil))
                    await untilChanged(from: whyNot)
                } else {
                    try await live(sink)
                }
            }
        } onCancel: {
            change { $0.isEnding = true }
        }
    }

    /// One life of the transport.
    private func live(_ sink: any ReadinessSink) async throws {
        let task = state.withLock { state in
            guard !state.isEnding, state.whyNot == nil else { return Task<Void, any Error>?.none }
            let live = state.live ?? make(state.settings)
            let relay = Relay(host: self, sink: sink, before: state.generations)
            state.live = live
            state.run = Task { try await live.run(reportingTo: relay) }
            return state.run
        }
        let result = await task?.result
        state.withLock { state in
            state.run = nil
            // It runs once.
            state.live = nil
        }
        if case .failure(let error) = result, !(error is CancellationError) { throw error }
    }

    private func untilChanged(from whyNot: String) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard state.whyNot == whyNot, !state.isEnding else { return true }
                state.waiter = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private struct Relay: ReadinessSink {
        let host: ChannelHost
        let sink: any ReadinessSink
        let before: UInt64

        func report(_ channel: ChannelName, _ state: ChannelState) {
            guard case .ready(let generation) = state else { return sink.report(channel, state) }
            host.state.withLock { $0.generations = before + generation }
            sink.report(channel, .ready(generation: before + generation))
        }

        func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt) { sink.reportReceipt(delivery, receipt) }

        func reportActivity(_ route: Route) { sink.reportActivity(route) }
    }

    // MARK: What goes through it

    private var live: DiscordChannel? { state.withLock { $0.live } }

    private static let stopped = "the channel is stopped"

    func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool {
        await live?.acquirePermit(delivery, over: route) ?? false
    }

    func takePermit(_ delivery: DeliveryID, over route: Route) -> Bool { live?.takePermit(delivery, over: route) ?? false }

    func releasePermit(_ delivery: DeliveryID) { live?.releasePermit(delivery) }

    func send(_ order: SendOrder) async -> Outcome {
        await live?.send(order) ?? .transient(reason: Self.stopped, retryAfter: nil)
    }

    func check(_ route: Route) async -> RouteState { await live?.check(route) ?? .unknown }

    func search(_ order: SearchOrder) async -> ReceiptSearch {
        await live?.search(order) ?? .tryAgain(reason: Self.stopped, retryAfter: nil)
    }
}
