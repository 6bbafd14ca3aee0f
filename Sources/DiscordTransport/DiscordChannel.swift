import DiscordProtocol
public import Logging
import NIOCore
import NetSupport
import Synchronization
public import WakeCore
public import WakeService

/// Discord as a channel: keeps one bot account connected, tells what can be written to, sends notices, and finds their receipts.
///
/// One object serves four ports. Nothing starts before ``run(reportingTo:)``; what is asked of it outside that time is answered
/// as “not sent”.
public final class DiscordChannel: ReadinessSource, ChannelServant {
    /// What every request says it comes from. Rule: Discord, reference, "User Agent".
    static let userAgent = "DiscordBot (https://reveille.example, 0.1.0)"

    /// The channel that it owns, sends through, checks and searches.
    public let channel: ChannelName

    let settings: DiscordSettings
    let rest: DiscordREST
    let moments: any MomentSource
    let logger: Logger
    let permits = Mutex(Permits())
    let places: DiscordPlaces
    private let store: any TransportSessionStore
    private let driver: GatewayDriver
    private let errands: AsyncStream<GatewayDriver.Errand>
    private let errandQueue: AsyncStream<GatewayDriver.Errand>.Continuation
    private let sessions: AsyncStream<StoredGatewaySession?>
    private let sessionQueue: AsyncStream<StoredGatewaySession?>.Continuation

    /// Makes the transport of one account.
    ///
    /// - Parameters:
    ///   - settings: the account.
    ///   - store: where the session is kept between processes.
    ///   - moments: the clock.
    ///   - dice: the chance in waits.
    ///   - logger: for changes of state; the token is never in it.
    public init(
        settings: DiscordSettings, store: any TransportSessionStore, moments: any MomentSource, dice: any DiceSource,
        logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.moments = moments
        self.logger = logger
        channel = settings.channel
        let (errands, errandQueue) = AsyncStream.makeStream(of: GatewayDriver.Errand.self)
        // Only the newest session matters to the next process.
        let (sessions, sessionQueue) = AsyncStream.makeStream(
            of: StoredGatewaySession?.self, bufferingPolicy: .bufferingNewest(1))
        (self.errands, self.errandQueue, self.sessions, self.sessionQueue) = (errands, errandQueue, sessions, sessionQueue)
        let desk = PermitDesk(
            now: { .microseconds(moments.now().boottimeMicroseconds) }, lookAgain: { errandQueue.yield(.look(at: $0)) })
        rest = DiscordREST(
            settings: settings, desk: desk, wallMilliseconds: { moments.now().wallMilliseconds },
            tokenRejected: { errandQueue.yield(.report(.tokenRejected)) })
        let driver = GatewayDriver(
            settings: settings, moments: moments, dice: dice, logger: logger, errands: errandQueue, sessions: sessionQueue)
        self.driver = driver
        places = DiscordPlaces(
            rest: rest, moments: moments, logger: logger, presumedUser: { await driver.userID ?? settings.token.userID })
    }

    /// Tries again now, after a person has mended what blocked the channel. Does nothing while it is connected.
    public func retryNow() { errandQueue.yield(.report(.retryRequested)) }
}

// MARK: - Looking

extension DiscordChannel: RouteCheck, ReceiptLookup {
    /// Looks at the place: whether it exists and is visible (one request), and whether the bot's roles let it write there (up to
    /// three more, at the same time). Where the roles can't be read, writing is presumed and the first notice tells.
    public func check(_ route: Route) async -> RouteState { await places.check(route) }

    /// Reads the channel's history for the notice. “Absent” is said only where history may be read and was read whole.
    public func search(_ order: SearchOrder) async -> ReceiptSearch { await places.search(order) }
}

// MARK: - Running

extension DiscordChannel {
    /// Keeps the account connected until cancelled; then stores the session and closes with 4000, so that the next process
    /// resumes.
    ///
    /// May be called once. Does not throw: what goes wrong is a state of the channel.
    public func run(reportingTo sink: any ReadinessSink) async throws {
        rest.open()
        // Not a child task: a stop must say goodbye before anything of it is cancelled. It is awaited on every path.
        let work = Task { await drive(reportingTo: sink) }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            errandQueue.yield(.stop)
        }
        await rest.close()
    }

    private func drive(reportingTo sink: any ReadinessSink) async {
        let storing = Task {
            for await session in sessions {
                await store.storeSession(session.map { String(decoding: $0.encoded, as: UTF8.self) }, of: channel)
            }
        }
        var stored = await store.loadSession(of: channel).flatMap { StoredGatewaySession(decoding: Array($0.utf8)) }
        // The token was exchanged for another bot's: its session is not ours.
        if let before = stored?.userID, let us = settings.token.userID, before != us { stored = nil }
        var connections: [GatewayConnectionID: Task<Void, Never>] = [:]
        await withDiscardingTaskGroup { group in
            // Opens the REST connection while the gateway connects, so that the first notice finds it warm; and asks who we are.
            group.addTask { _ = await self.places.introduce() }
            await driver.start(with: stored, reportingTo: sink)
            for await errand in errands {
                switch errand {
                case .connect(let address, let id):
                    connections[id] = Task { await self.connect(to: address, id) }
                case .abandon(let id): connections[id]?.cancel()
                case .forget(let id): connections[id] = nil
                case .stop:
                    await driver.feed(.stopRequested)
                    group.cancelAll()
                    return
                case .report(let input): await driver.feed(input)
                case .fetchGateway: group.addTask { await self.fetchGateway() }
                case .wait(let timer, let until, let number):
                    group.addTask {
                        await self.moments.wait(untilBoottimeMicroseconds: until.wholeMicroseconds)
                        if !Task.isCancelled { await self.driver.timerCame(timer, number: number) }
                    }
                case .look(let at):
                    group.addTask {
                        await self.moments.wait(untilBoottimeMicroseconds: at.wholeMicroseconds)
                        if !Task.isCancelled { self.rest.desk.look() }
                    }
                }
            }
        }
        // What the stop itself gave to do: a connection that is only being made is not waited for.
        errandQueue.finish()
        for await case .abandon(let id) in errands { connections[id]?.cancel() }
        await finish(connections.values.map { $0 }, storing)
    }

    private func finish(_ connections: [Task<Void, Never>], _ storing: Task<Void, Never>) async {
        // Those that are open close by themselves (4000 was sent, and the close timeout bounds it).
        for connection in connections { await connection.value }
        sessionQueue.finish()
        await storing.value
    }

    private func fetchGateway() async {
        let input: GatewayInput
        switch await rest.call(.gatewayBot) {
        case .answered(let response) where response.isSuccess:
            input =
                GatewayBot(parsing: response.body).map { .gatewayFetched($0) }
                ?? .gatewayFetchFailed(.unusable(reason: "an answer that names no gateway"))
        case .answered(let response) where response.status == 401:
            input = .gatewayFetchFailed(.unauthorised)
        case .answered(let response):
            let retryAfter = RateLimitHeaders(response).retryAfter
            input = .gatewayFetchFailed(
                retryAfter.map { .rateLimited(retryAfter: $0) }
                    ?? .unusable(reason: response.error.map { "\($0)" } ?? "HTTP \(response.status)"))
        case .notSent(let reason), .unanswered(let reason):
            input = .gatewayFetchFailed(.unusable(reason: reason))
        }
        await driver.feed(input)
    }

    private func connect(to address: WebSocketAddress, _ id: GatewayConnectionID) async {
        var configuration = WebSocketClient.Configuration()
        configuration.maximumFrameBytes = GatewayPayload.maximumBytes
        configuration.maximumMessageBytes = GatewayPayload.maximumBytes
        configuration.headers = [("User-Agent", Self.userAgent)]
        configuration.handshakeTimeout = settings.upgradeTimeout
        configuration.trustRoots = settings.trustRoots
        let driver = driver
        let ending: GatewayInput
        do {
            ending = try await WebSocketClient(configuration: configuration).withConnection(to: address) { connection in
                guard await driver.opened(connection, id) else { return .closed(code: nil, on: id) }
                do {
                    let code = try await connection.receive { await driver.received($0, on: id) }?.code
                    // 1005 stands for “no code”.
                    return .closed(code: code == 1005 ? nil : code, on: id)
                } catch let error as WebSocketError where error.code == .tooLarge {
                    return .frameUnreadable(reason: error.message, on: id)
                } catch {
                    return .closed(code: nil, on: id)
                }
            }
        } catch {
            ending = .connectionFailed(id, reason: "\(error)")
        }
        await driver.ended(id, with: ending)
        errandQueue.yield(.forget(id))
    }
}
