import GatewayProtocol
public import Logging
import OpenClawFacts
import Synchronization
public import WakeCore
public import WakeService

/// One gateway, for as long as we run: its lives, its channels and its sessions, over connections that come and go; and the way to it for
/// notices and turns.
///
/// It changes nothing at the gateway but by what it delivers, and opens no session of its own on the bot's token.
public final class GatewayLink: EpochSource {
    /// What is known in this life of ours.
    struct State {
        var memory = GatewayMemory()
        /// The connection that is open.
        var connection: GatewayConnection?
        /// The channels, as they were reported last.
        var channels: [ChannelName: ChannelState] = [:]
        /// Since when a channel that is ready can be talked through.
        var readySince: [ChannelName: Moment] = [:]
        /// Since when an account says that it runs and is not connected.
        var unconnectedSince: [ChannelName: Moment] = [:]
        /// What people wrote from then on was missed, in milliseconds by the wall clock; of the present life of the gateway.
        var missedSince: [ChannelName: Int64] = [:]
        var generations: UInt64 = 0
        /// Runs that were heard of, by session.
        var heardRuns: [SessionKey: Set<String>] = [:]
        /// Why it said that it would end.
        var goodbye: String?
        /// Nobody listened at some time since the last connection.
        var nobodyListened = false
        /// What is wrong, where it is worth saying once.
        var complaint: String?
        var report: (@Sendable (Event) -> Void)?
    }

    /// How long between two tries while it is away, at first and at most: a restart is over in seconds, an absence may last for days.
    static let tryEvery: ClosedRange<Duration> = .milliseconds(150)...(.seconds(5))
    /// How long it is looked for at the first pace.
    static let tryEagerly: Duration = .seconds(300)
    /// How long between two tries where a person must mend something.
    static let tryBlocked: Duration = .seconds(20)

    let settings: Settings
    let parts: Parts
    let logger: Logger
    let state = Mutex(State())
    /// Rung when its channels, and when its sessions, may have changed.
    let channelBell = Bell()
    let runBell = Bell()

    /// Makes a link; nothing starts before ``run(reportingTo:)``.
    ///
    /// - Parameters:
    ///   - settings: which gateway.
    ///   - parts: what it works with.
    ///   - logger: where it tells what it does.
    public init(_ settings: Settings, _ parts: Parts, logger: Logger) {
        self.settings = settings
        self.parts = parts
        self.logger = logger
    }

    var moments: any MomentSource { parts.moments }
    /// Where its memory is kept: beside the sessions of transports.
    private var memoryName: ChannelName? { ChannelName("gateway:\(settings.name)/link:memory") }

    // MARK: EpochSource

    /// Whether it is this gateway.
    public func observes(_ target: RestartTarget) -> Bool { target == settings.target }

    /// Does nothing: it is always observed.
    public func observe(_ target: RestartTarget) {}

    /// Runs until cancelled.
    public func run(reportingTo report: @escaping @Sendable (Event) -> Void) async {
        let stored: String? = if let memoryName { await parts.store.loadSession(of: memoryName) } else { nil }
        let memory = stored.flatMap { GatewayMemory($0) } ?? GatewayMemory()
        state.withLock {
            $0.report = report
            $0.memory = memory
        }
        for channel in memory.heardPeopleUntil.keys.sorted() { publish(.connecting, of: channel) }
        await withDiscardingTaskGroup { group in
            if settings.adoption != .off, let path = settings.sentinelFile {
                let looked = Pending<Void>()
                group.addTask { await self.watch(SentinelFileWatch(path), looked) }
                // What lies there is taken up before the gateway's present life is asked for.
                try? await looked.value()
            }
            await stayConnected()
            group.cancelAll()
        }
        await remember { _ in }
        state.withLock { $0.report = nil }
    }

    func report(_ event: Event) { state.withLock(\.report)?(event) }

    /// Changes what is remembered, and keeps it.
    func remember(_ change: (inout GatewayMemory) -> Void) async {
        let text = state.withLock { state in
            change(&state.memory)
            return state.memory.text
        }
        if let memoryName { await parts.store.storeSession(text, of: memoryName) }
    }

    // MARK: The connection

    private func stayConnected() async {
        var awaySince = moments.now()
        var pause = Self.tryEvery.lowerBound
        while !Task.isCancelled {
            let asked = moments.now()
            do {
                let credentials = try await parts.credentials()
                try await GatewayConnection.with(
                    settings.address, credentials, settings.connection, moments: moments
                ) { connection in
                    guard await self.met(connection, asked: asked) else { return }
                    await self.live(with: connection)
                }
                (awaySince, pause) = (moments.now(), Self.tryEvery.lowerBound)
            } catch is CancellationError {
                break
            } catch {
                pause = failed(error, away: moments.now().elapsed(since: awaySince) ?? .zero, pause)
            }
            if Task.isCancelled { break }
            await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: pause).boottimeMicroseconds)
        }
        lost(because: "Reveille stops")
    }

    /// Follows a connection to its end.
    private func live(with connection: GatewayConnection) async {
        state.withLock { state in
            state.connection = connection
            (state.nobodyListened, state.complaint, state.goodbye) = (false, nil, nil)
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followChannels(connection) }
            group.addTask { await self.followRuns(connection) }
            group.addTask { await self.askForMessages(connection) }
            for await event in connection.events { await heard(event, on: connection) }
            group.cancelAll()
        }
        await ended(connection)
    }

    private func ended(_ connection: GatewayConnection) async {
        let close = connection.closed ?? .normal
        let goodbye = state.withLock(\.goodbye)
        logger.info(
            "the gateway's connection ended",
            metadata: [LogKey.place: "\(settings.target)", LogKey.reason: "\(goodbye ?? close.description)"])
        let now = moments.now()
        state.withLock { $0.connection = nil }
        lost(because: goodbye.map { "the gateway restarts: \($0)" } ?? "the connection to the gateway ended (\(close))")
        await remember { $0.heardAt = now }
    }

    /// How long to wait before the next try.
    private func failed(_ error: any Error, away: Duration, _ pause: Duration) -> Duration {
        let words: String
        var needsPerson = false
        switch error {
        case let mishap as GatewayMishap:
            words = mishap.needsPerson ? mishap.error.description : mishap.description
            if case .notListening = mishap { state.withLock { $0.nobodyListened = true } }
            needsPerson = mishap.needsPerson
        case let error as GatewayError:
            words = error.hint.map { "\(error.description). \($0)" } ?? error.description
            needsPerson = true
        default:
            words = "\(error)"
            needsPerson = true
        }
        complain(words, isLoud: needsPerson)
        if needsPerson {
            lost(because: words, isBlocked: true)
            return Self.tryBlocked
        }
        lost(because: words)
        // Nothing is known of it, and it is not there: that is an epoch too.
        if state.withLock({ $0.memory.lives.life == nil }) { report(.targetDown(settings.target)) }
        return away < Self.tryEagerly ? Self.tryEvery.lowerBound : min(pause * 2, Self.tryEvery.upperBound)
    }

    /// Says once what is wrong, not with each try.
    func complain(_ words: String, isLoud: Bool = true) {
        let isNews = state.withLock { state in
            defer { state.complaint = words }
            return state.complaint != words
        }
        guard isNews else { return }
        logger.log(
            level: isLoud ? .warning : .info, "the gateway can't be reached",
            metadata: [LogKey.place: "\(settings.target)", LogKey.reason: "\(words)"])
    }

    // MARK: What it tells

    private func heard(_ event: GatewayEvent, on connection: GatewayConnection) async {
        switch event.name {
        case "shutdown":
            let now = moments.now()
            let reason = event.payload?["reason"]?.string ?? "it said no reason"
            state.withLock { $0.goodbye = reason }
            await remember { memory in
                memory.lives.saidGoodbye(at: now)
                memory.heardAt = now
            }
        case "health", "channels.changed": channelBell.ring()
        case "chat", "agent": noteRun(event)
        // A line of a transcript that is not shown; those that are have an event of their own.
        case "sessions.changed" where event.payload?["phase"]?.string == "message": break
        case "sessions.changed": runBell.ring()
        case "session.message": heardMessage(event)
        case "config.changed":
            // The word for the next life may be written only after this.
            for wait in [Duration.zero, .milliseconds(300)] {
                await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: wait).boottimeMicroseconds)
                await adoptFromDatabase(connection)
            }
        default: break
        }
    }
}

extension GatewayMishap {
    /// Whether waiting alone does not mend it.
    fileprivate var needsPerson: Bool {
        switch self {
        case .notListening, .silent: false
        case .impossible: true
        case .closed(let close):
            close.code == 1002 || (close.code == 1008 && close != .handshakeTimeout && close != .slowConsumer)
        case .notLetIn(let fault), .fault(let fault): fault.code != .unavailable
        }
    }
}
