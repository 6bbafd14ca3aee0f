import GatewayProtocol
import OpenClawFacts
import Synchronization
import WakeCore
import WakeService

/// Its channels: whether each can be talked through, by what the gateway says and by what a second witness sees.
extension GatewayLink {
    /// How often it is asked while something is not ready: at first, since somebody waits, and after ``askEagerly``.
    static let askUnready: Duration = .milliseconds(100)
    static let askUnreadyLong: Duration = .seconds(1)
    static let askEagerly: Duration = .seconds(180)
    /// How often it is asked while all is.
    static let askReady: Duration = .seconds(15)
    /// How long an account may run without saying that it is connected until the second witness is believed in its place.
    static let unconnectedBelieved: Duration = .seconds(30)

    func followChannels(_ connection: GatewayConnection) async {
        var unreadySince = moments.now()
        while !Task.isCancelled, connection.closed == nil {
            await askChannels(connection)
            let areReady = state.withLock { !$0.channels.isEmpty && $0.channels.values.allSatisfy { $0.isReady || $0.isBlocked } }
            if areReady { unreadySince = moments.now() }
            let isEager = (moments.now().elapsed(since: unreadySince) ?? .zero) < Self.askEagerly
            let pause = areReady ? Self.askReady : isEager ? Self.askUnready : Self.askUnreadyLong
            await channelBell.wait(atMost: pause, moments)
        }
    }

    private func askChannels(_ connection: GatewayConnection) async {
        do {
            let status = ChannelsStatus(try await connection.call("channels.status", [:]))
            for account in status.accounts where account.isEnabled != false && account.isConfigured != false {
                guard let channel = ChannelName("gateway:\(settings.name)/\(account.transport):\(account.id)") else { continue }
                let state = await judge(account, channel)
                if connection.closed == nil { publish(state, of: channel) }
            }
            await keepHearing()
        } catch let fault as GatewayFault {
            // A gateway that starts says so, and is asked again.
            guard fault.code != .unavailable else { return }
            let words = "channels.status: \(fault.inWords)"
            complain(words)
            lost(because: words, isBlocked: true)
        } catch {
            // The connection has ended, and tells itself.
        }
    }

    /// What the gateway says of an account may be wrong both ways: "connected" without ever having become ready, and never "connected"
    /// though it works. What can be proven over REST decides where the two differ.
    private func judge(_ account: ChannelAccount, _ channel: ChannelName) async -> ChannelState {
        let now = moments.now()
        let isWaiting = account.isRunning == true && account.isConnected != true
        let since = state.withLock { state in
            if !isWaiting { state.unconnectedSince[channel] = nil }
            if isWaiting, state.unconnectedSince[channel] == nil { state.unconnectedSince[channel] = now }
            return state.unconnectedSince[channel]
        }
        let wasReady = state.withLock { $0.channels[channel]?.isReady == true }
        switch account.verdict {
        case .ready where wasReady: return ready(channel)
        case .ready:
            if case .refused(let reason)? = await witness(channel) {
                return .blocked(reason: "the gateway says that it is connected, and Discord refuses its token: \(reason)")
            }
            return ready(channel)
        case .notReady, .unknown:
            if let since, now.elapsed(since: since).map({ $0 >= Self.unconnectedBelieved }) ?? false,
                case .works? = await witness(channel)
            {
                complain("\(channel) never says that it is connected, though its token works over REST: it is used all the same")
                return ready(channel)
            }
            guard case .notReady(let reason) = account.verdict else {
                return .down(reason: "the gateway does not say whether it is connected", retryAt: nil)
            }
            return account.isRunning == true ? .connecting : .down(reason: reason, retryAt: nil)
        }
    }

    private func witness(_ channel: ChannelName) async -> ChannelWitness? {
        guard let reader = parts.reader, reader.reads(channel) else { return nil }
        return await reader.witness(channel)
    }

    /// Each time it becomes ready is a generation.
    private func ready(_ channel: ChannelName) -> ChannelState {
        state.withLock { state in
            if case .ready(let generation)? = state.channels[channel] { return .ready(generation: generation) }
            state.generations += 1
            return .ready(generation: state.generations)
        }
    }

    /// Nothing of it can be talked through any more.
    func lost(because reason: String, isBlocked: Bool = false) {
        for channel in state.withLock({ $0.channels.keys.sorted() }) {
            publish(isBlocked ? .blocked(reason: reason) : .down(reason: reason, retryAt: nil), of: channel)
        }
    }

    func publish(_ new: ChannelState, of channel: ChannelName) {
        let now = moments.now()
        let isNews = state.withLock { state in
            let old = state.channels.updateValue(new, forKey: channel)
            if new.isReady, old?.isReady != true { state.readySince[channel] = now }
            if !new.isReady { state.readySince[channel] = nil }
            return old != new
        }
        if isNews { parts.sink.report(channel, new) }
    }

    /// Keeps until when people could be heard, so that the next life knows what it missed; not with each look.
    private func keepHearing() async {
        let now = moments.now().wallMilliseconds
        let ready = state.withLock { state in state.channels.filter(\.value.isReady).map(\.key) }
        let stored = state.withLock(\.memory.heardPeopleUntil)
        guard ready.contains(where: { now - (stored[$0] ?? 0) > Self.keepEveryMilliseconds }) else { return }
        await remember { for channel in ready { $0.heardPeopleUntil[channel] = now } }
    }

    private static let keepEveryMilliseconds: Int64 = 10_000
}

extension ChannelState {
    fileprivate var isBlocked: Bool { if case .blocked = self { true } else { false } }
}

extension GatewayFault {
    /// What it says, with the scope that is missing where that is the reason.
    var inWords: String {
        let scope = details?["missingScope"]?.string.map { " (our credentials lack the scope \($0))" } ?? ""
        return message + scope
    }
}
