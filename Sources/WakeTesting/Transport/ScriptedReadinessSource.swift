public import WakeCore
public import WakeService

/// The owner of a channel that changes its state when it is told to.
public final class ScriptedReadinessSource: ReadinessSource {
    private enum Step {
        case become(ChannelState)
        case ready
        case receipt(DeliveryID, Receipt)
        case fail(WakeError)
    }

    /// The channel that it owns.
    public let channel: ChannelName
    private let steps: AsyncStream<Step>
    private let script: AsyncStream<Step>.Continuation

    /// An owner that has nothing to tell yet.
    public init(channel: ChannelName = .discord()) {
        self.channel = channel
        (steps, script) = AsyncStream.makeStream()
    }

    /// The channel's next state.
    public func become(_ state: ChannelState) { script.yield(.become(state)) }

    /// The channel becomes ready, in a new generation.
    public func becomeReady() { script.yield(.ready) }

    /// A delivery's nonce is seen.
    public func see(_ delivery: DeliveryID, _ receipt: Receipt) { script.yield(.receipt(delivery, receipt)) }

    /// Its run ends with an error.
    public func fail(_ error: WakeError) { script.yield(.fail(error)) }

    /// Reports what it is told, until cancelled.
    public func run(reportingTo sink: any ReadinessSink) async throws {
        var generation: UInt64 = 0
        sink.report(channel, .connecting)
        for await step in steps {
            switch step {
            case .become(let state): sink.report(channel, state)
            case .ready:
                generation += 1
                sink.report(channel, .ready(generation: generation))
            case .receipt(let delivery, let receipt): sink.reportReceipt(delivery, receipt)
            case .fail(let error): throw error
            }
        }
        sink.report(channel, .down(reason: "stopped", retryAt: nil))
    }
}

/// A sink that remembers all that it is told.
public final class RecordedReadiness: ReadinessSink {
    private let reports = Witness<[ReadinessReport]>([])

    /// A sink that has heard nothing yet.
    public init() {}

    /// All that was reported, in order.
    public var all: [ReadinessReport] { reports.value }

    /// Returns once the reports look so.
    public func wait(until isMet: @escaping @Sendable ([ReadinessReport]) -> Bool) async { await reports.wait(until: isMet) }

    /// A channel's state is now this.
    public func report(_ channel: ChannelName, _ state: ChannelState) { reports.change { $0.append(.channel(channel, state)) } }

    /// A person wrote there.
    public func reportActivity(_ route: Route) { reports.change { $0.append(.activity(route)) } }

    /// A delivery's nonce was seen.
    public func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt) {
        reports.change { $0.append(.receipt(delivery, receipt)) }
    }
}
