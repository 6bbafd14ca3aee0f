import DiscordLoopback
import DiscordTransport
import Logging
import NIOSSL
import Synchronization
import Testing
import WakeService

@testable import WakeCore

/// A local Discord, a transport before it, and what the transport reported.
struct TransportRig: Sendable {
    static let channelID = LoopbackOptions.defaultChannel
    static let threadID = LoopbackOptions.defaultThread
    static let place = Route(channel: .discord(), kind: .channel, destination: String(channelID))

    let server: DiscordLoopbackServer
    let address: DiscordLoopbackServer.Address
    let sessions: MemorySessions
    let sink: RecordingSink
    let transport: DiscordChannel

    var world: LoopbackWorld { server.world }

    /// Runs the body with a server and a connected transport, and ends both.
    static func run(
        options: LoopbackOptions = .quick, token: String = LoopbackOptions.defaultToken, sessions: MemorySessions = .init(),
        isConnected: Bool = true, handshakeTimeout: Duration = .seconds(20), trust: NIOSSLTrustRoots = .default,
        _ body: @escaping @Sendable (TransportRig) async throws -> Void
    ) async throws {
        let server = try DiscordLoopbackServer(options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.address()
            try await connect(
                to: server, at: address, token: token, sessions: sessions, isConnected: isConnected,
                handshakeTimeout: handshakeTimeout, trust: trust, body)
            group.cancelAll()
        }
    }

    /// Runs the body with one more transport before a server that is there already.
    static func connect(
        to server: DiscordLoopbackServer, at address: DiscordLoopbackServer.Address, token: String = LoopbackOptions.defaultToken,
        sessions: MemorySessions, isConnected: Bool = true, handshakeTimeout: Duration = .seconds(20),
        trust: NIOSSLTrustRoots = .default,
        _ body: @escaping @Sendable (TransportRig) async throws -> Void
    ) async throws {
        let sink = RecordingSink()
        let transport = try Self.transport(
            at: address, token: token, sessions: sessions, handshakeTimeout: handshakeTimeout, trust: trust)
        let rig = TransportRig(server: server, address: address, sessions: sessions, sink: sink, transport: transport)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await transport.run(reportingTo: sink) }
            if isConnected { _ = await sink.state { $0.isReady } }
            try await body(rig)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// A transport that does not run yet.
    static func transport(
        at address: DiscordLoopbackServer.Address, token: String = LoopbackOptions.defaultToken, sessions: MemorySessions,
        handshakeTimeout: Duration = .seconds(20), requestTimeout: Duration? = nil, trust: NIOSSLTrustRoots = .default
    ) throws -> DiscordChannel {
        var settings = try DiscordSettings(token: try #require(BotToken(token)), apiBase: address.rest)
        settings.hurry(handshakeTimeout: handshakeTimeout)
        settings.trustRoots = trust
        if let requestTimeout { settings.requestTimeout = requestTimeout }
        return DiscordChannel(
            settings: settings, store: sessions, moments: try SystemMoments(environment: [:]), dice: SmallDice(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    static let wake = Identifier(high: 7, low: 9)
    static let delivery = DeliveryID(wake: wake, kind: .notice)

    // A literal that is known to be one.
    static let session = try! SessionKey("agent:main:main")

    /// A complete order for one notice.
    func order(
        _ text: String = "Go on.", to route: Route = Self.place, wake: WakeID = Self.wake, mayAttachFiles: Bool = true
    ) -> SendOrder {
        let delivery = DeliveryID(wake: wake, kind: .notice)
        return SendOrder(
            delivery: delivery, session: Self.session, route: route,
            capabilities: RouteCapabilities(mayAttachFiles: mayAttachFiles, mayReadHistory: true), text: text,
            trailer: NoticeText.trailer(of: wake), nonce: delivery.description, attempt: 1)
    }

    /// A permit, and then the notice.
    func send(_ order: SendOrder) async -> Outcome {
        guard await transport.acquirePermit(order.delivery, over: order.route) else {
            return .transient(reason: "no permit", retryAfter: nil)
        }
        return await transport.send(order)
    }

    func search(_ order: SendOrder, since: Moment) async -> ReceiptSearch {
        await transport.search(

            SearchOrder(
                delivery: order.delivery, session: order.session, route: order.route, trailer: order.trailer,
                nonce: order.nonce, since: since))
    }

    func now() throws -> Moment { try SystemMoments(environment: [:]).now() }

    func contents(_ channel: UInt64 = Self.channelID) -> [String] { world.messages(in: channel).map(\.content) }

    func count(_ event: String) -> Int { world.log.events.count { $0.name == event } }
}

extension LoopbackOptions {
    /// A server that lets clients identify as often as they like.
    static var quick: LoopbackOptions {
        var options = LoopbackOptions()
        options.identifyWindow = .milliseconds(1)
        options.heartbeatInterval = .milliseconds(20_000)
        return options
    }
}

/// Keeps sessions in memory.
final class MemorySessions: TransportSessionStore {
    private let kept = Mutex<String?>(nil)
    init() {}
    var session: String? { kept.withLock { $0 } }
    func loadSession(of channel: ChannelName) async -> String? { session }
    func storeSession(_ session: String?, of channel: ChannelName) async { kept.withLock { $0 = session } }
}

/// Fractions near zero, so that no test waits for a backoff.
struct SmallDice: DiceSource {
    private static let seed: UInt64 = {
        for seed in 0..<100_000 as Range<UInt64> {
            var dice = Dice(high: seed, low: 0)
            if dice.fraction().value < 0.001 { return seed }
        }
        return 0
    }()

    func roll() -> Dice { Dice(high: Self.seed, low: 1) }
}

/// Remembers every report, and lets tests wait for the fact instead of some time.
final class RecordingSink: ReadinessSink {
    enum Report: Sendable {
        case state(ChannelState)
        case receipt(DeliveryID, Receipt)
        case activity(Route)
    }

    private struct Book {
        var reports: [Report] = []
        var readers: [AsyncStream<Report>.Continuation] = []
    }

    private let book = Mutex(Book())

    var states: [ChannelState] { reports.compactMap { if case .state(let state) = $0 { state } else { nil } } }
    var reports: [Report] { book.withLock { $0.reports } }

    func report(_ channel: ChannelName, _ state: ChannelState) { note(.state(state)) }
    func reportReceipt(_ delivery: DeliveryID, _ receipt: Receipt) { note(.receipt(delivery, receipt)) }
    func reportActivity(_ route: Route) { note(.activity(route)) }

    private func note(_ report: Report) {
        book.withLock { book in
            book.reports.append(report)
            for reader in book.readers { reader.yield(report) }
        }
    }

    private func stream() -> AsyncStream<Report> {
        let (stream, continuation) = AsyncStream.makeStream(of: Report.self)
        book.withLock { book in
            for report in book.reports { continuation.yield(report) }
            book.readers.append(continuation)
        }
        return stream
    }

    /// The first state, past ones included, that passes.
    func state(where passes: @Sendable (ChannelState) -> Bool) async -> ChannelState? {
        for await report in stream() {
            if case .state(let state) = report, passes(state) { return state }
        }
        return nil
    }

    /// Waits until the channel has become ready for the n-th time.
    func generation(_ number: UInt64) async {
        _ = await state { if case .ready(let generation) = $0 { generation >= number } else { false } }
    }

    /// Where a person wrote first.
    func activity() async -> Route? {
        for await report in stream() {
            if case .activity(let route) = report { return route }
        }
        return nil
    }

    /// The first receipt of a delivery.
    func receipt(of delivery: DeliveryID) async -> Receipt? {
        for await report in stream() {
            if case .receipt(delivery, let receipt) = report { return receipt }
        }
        return nil
    }
}
