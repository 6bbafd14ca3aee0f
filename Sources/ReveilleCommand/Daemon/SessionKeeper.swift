import LedgerSQLite
import Logging
import ServiceLifecycle
import Synchronization
import WakeCore
import WakeService

/// Keeps what is heard of sessions, in few and small writes, off the waker's path. What is lost of it costs nothing.
final class SessionKeeper: NamedService {
    let description = "session keeper"

    /// How long news is gathered before it is written.
    static let gathering: Duration = .seconds(3)

    private let ledger: SQLiteLedger
    private let moments: any MomentSource
    private let logger: Logger
    private let news = Mutex<[SessionKey: SessionNews]>([:])
    private let hints: AsyncStream<Void>
    private let hint: AsyncStream<Void>.Continuation
    private let thread = SessionThread()

    init(ledger: SQLiteLedger, moments: any MomentSource, logger: Logger) {
        self.ledger = ledger
        self.moments = moments
        self.logger = logger
        (hints, hint) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Hears of a session. Never blocks.
    ///
    /// - Parameters:
    ///   - session: which.
    ///   - route: where; nil leaves what is known.
    ///   - moment: when.
    ///   - origin: what happened.
    func noteSession(_ session: SessionKey, _ route: Route?, at moment: Moment, _ origin: SessionNews.Origin) {
        news.withLock { news in
            // Bounded by what the ledger keeps: beyond that a name is worth nothing.
            guard news[session] != nil || news.count < SQLiteLedger.maximumSessions else { return }
            news[session] = SessionNews(
                session: session, route: route ?? news[session]?.route, atMilliseconds: moment.wallMilliseconds, origin: origin)
        }
        hint.yield()
    }

    /// Hears of the session that a decision of the waker is about.
    func note(_ decision: Decision, at moment: Moment) {
        guard let session = decision.session else { return }
        switch decision.code {
        case .sentinelArmed, .wakeOpened, .wakeJoined: noteSession(session, nil, at: moment, .wake)
        case .deliveryHeld, .deliveryDelivered: noteSession(session, decision.place.flatMap { Route($0) }, at: moment, .wake)
        case .leaseSeenTo: noteSession(session, nil, at: moment, .person)
        case .turnStarted, .turnEnded, .turnFailed: noteSession(session, nil, at: moment, .turn)
        default: break
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in self.hints {
                await self.moments.wait(
                    untilBoottimeMicroseconds: self.moments.now().advanced(by: Self.gathering).boottimeMicroseconds)
                if Task.isCancelled { break }
                await self.flush()
            }
        }
        await flush()
    }

    private func flush() async {
        let batch = news.withLock { news in
            defer { news = [:] }
            return Array(news.values)
        }
        do { try await thread.write(batch, ledger) } catch {
            logger.info("what was heard of sessions could not be kept", metadata: [LogKey.error: "\(error)"])
        }
    }
}

/// A thread for what blocks.
private actor SessionThread {
    private let executor = ThreadExecutor(name: "sessions")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func write(_ news: [SessionNews], _ ledger: SQLiteLedger) throws(WakeError) { try ledger.noteSessions(news) }
}
