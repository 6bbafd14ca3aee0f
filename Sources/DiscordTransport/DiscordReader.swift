import DiscordProtocol
public import Logging
public import WakeCore
public import WakeService

/// Discord by REST alone, for a bot whose session somebody else holds: it looks, searches and reads, and never connects to
/// Discord's gateway, which would end the session of that somebody.
///
/// Whoever asks it must also run it: ``run()`` carries the waits for Discord's limits, and lets go of the connections at the end.
/// What is asked before that is answered, what is asked afterwards is not.
public final class DiscordReader: ChannelReader, RouteCheck, ReceiptLookup, ChannelServant {
    /// The channel that it reads.
    public let channel: ChannelName

    let places: DiscordPlaces
    let rest: DiscordREST
    private let looks: AsyncStream<Duration>
    private let moments: any MomentSource

    /// Makes the reader of one account.
    ///
    /// - Parameters:
    ///   - settings: the account; what they say about a gateway connection is not used.
    ///   - moments: the clock.
    ///   - logger: for what could not be seen; the token is never in it.
    public init(settings: DiscordSettings, moments: any MomentSource, logger: Logger) {
        channel = settings.channel
        self.moments = moments
        let (looks, queue) = AsyncStream.makeStream(of: Duration.self)
        self.looks = looks
        let desk = PermitDesk(
            now: { .microseconds(moments.now().boottimeMicroseconds) }, lookAgain: { queue.yield($0) })
        rest = DiscordREST(
            settings: settings, desk: desk, wallMilliseconds: { moments.now().wallMilliseconds }, tokenRejected: {})
        places = DiscordPlaces(rest: rest, moments: moments, logger: logger, presumedUser: { settings.token.userID })
    }

    /// Serves until cancelled, then cuts off what is under way. Must be called once by whoever asks the reader anything.
    public func run() async {
        rest.open()
        await withDiscardingTaskGroup { group in
            for await time in looks {
                group.addTask {
                    await self.moments.wait(untilBoottimeMicroseconds: time.wholeMicroseconds)
                    if !Task.isCancelled { self.rest.desk.look() }
                }
            }
            group.cancelAll()
        }
        await rest.close()
    }

    /// Whether it is the channel of this account.
    public func reads(_ channel: ChannelName) -> Bool { channel == self.channel }

    /// Asks Discord who the token belongs to.
    public func witness(_ channel: ChannelName) async -> ChannelWitness {
        rest.open()
        switch await places.introduce() {
        case .success(let user): return .works(account: user.description)
        case .failure(let refusal):
            if case .tokenRejected(let reason) = refusal.verdict { return .refused(reason: reason) }
            return .unknown(reason: refusal.words)
        }
    }

    /// Looks at the place: whether it exists and is visible (one request), and whether the bot's roles let it write there (up to
    /// three more, at the same time). Where the roles can't be read, writing is presumed and the first notice tells.
    public func check(_ route: Route) async -> RouteState {
        rest.open()
        return await places.check(route)
    }

    /// Reads the place's history for the notice, whoever posted it with this account. “Absent” is said only where history may be
    /// read and was read whole.
    ///
    /// A text that was split into several messages is found by its last part, which ends with the same line.
    public func search(_ order: SearchOrder) async -> ReceiptSearch {
        rest.open()
        return await places.search(order)
    }
}
