/// What the shell must do, in order. `record` always comes first: what it holds is durable before anything else is done.
public enum Directive: Hashable, Sendable {
    /// Commit what is awaited in one transaction, then adopt all of it. See ``Change/isAwaited``.
    case record([Change])
    /// Carry out a restart, or run a command.
    case performRestart(Sentinel)
    /// Watch a target from now on, if it is not watched already; answer with `epochObserved`, `targetDown` or `targetGaveUp`, now and
    /// at each change.
    case observe(RestartTarget)
    /// Check whether a route can be written to; answer with `routeChecked`.
    case checkRoute(Route)
    /// Ask whether the delivery is still needed, and what was missed; answer with `briefed`.
    case brief(BriefingOrder)
    /// Ask the transport for a permit to send; answer with `permitGranted`.
    case requestPermit(DeliveryID, Route)
    /// Give a permit, or the wait for one, back.
    case returnPermit(DeliveryID)
    /// Send; answer with `attemptEnded`, whatever happens.
    case send(SendOrder)
    /// Look for a receipt; answer with `searched`.
    case search(SearchOrder)
    /// Wait for a turn's end; answer with `turnEnded`.
    case followTurn(Turn)
    /// End a turn.
    case cancelTurn(Turn)
    /// A turn's result is stored: what was kept for it may go.
    case forgetTurn(Turn)
    /// Find out when a job is due next after that time, in milliseconds since 1970-01-01 UTC; answer with `jobPlanned`.
    case planJob(Job, after: Int64)
    /// One decision, for the log.
    case tell(Decision)
}

/// One send, complete.
public struct SendOrder: Hashable, Sendable {
    /// The delivery.
    public let delivery: DeliveryID
    /// The session that is woken.
    public let session: SessionKey
    /// Where it goes.
    public let route: Route
    /// What the route allows.
    public let capabilities: RouteCapabilities
    /// What is said, without the last line.
    public let text: String
    /// The last line, by which it is found again.
    public let trailer: String
    /// The idempotency key, at most 25 characters.
    public let nonce: String
    /// Which attempt, from 1.
    public let attempt: Int
    /// Of a repeat whose nonce only one life of a gateway remembers: that life. In any other nothing must be sent.
    public let life: Epoch?

    /// Makes an order; see the properties.
    public init(
        delivery: DeliveryID, session: SessionKey, route: Route, capabilities: RouteCapabilities, text: String, trailer: String,
        nonce: String, attempt: Int, life: Epoch? = nil
    ) {
        self.delivery = delivery
        self.session = session
        self.route = route
        self.capabilities = capabilities
        self.text = text
        self.trailer = trailer
        self.nonce = nonce
        self.attempt = attempt
        self.life = life
    }
}

/// One search for a receipt.
public struct SearchOrder: Hashable, Sendable {
    /// The delivery.
    public let delivery: DeliveryID
    /// The session that is woken.
    public let session: SessionKey
    /// Where it went.
    public let route: Route
    /// The last line to look for, exactly.
    public let trailer: String
    /// The idempotency key of the attempts.
    public let nonce: String
    /// The first attempt whose result is unknown.
    public let since: Moment

    /// Makes an order; see the properties.
    public init(delivery: DeliveryID, session: SessionKey, route: Route, trailer: String, nonce: String, since: Moment) {
        self.delivery = delivery
        self.session = session
        self.route = route
        self.trailer = trailer
        self.nonce = nonce
        self.since = since
    }
}

/// A fact to keep: exactly what the ledger stores and what the coordinator adopts.
public enum Change: Hashable, Sendable {
    /// A sentinel as it is now.
    case sentinel(Sentinel)
    /// A wake as it is now.
    case wake(Wake)
    /// A delivery as it is now.
    case delivery(Delivery)
    /// One attempt's result, for the record.
    case attempt(DeliveryID, number: Int, at: Moment, result: String)
    /// The last seen epoch of a target.
    case epoch(RestartTarget, Epoch)
    /// A row of the inbox was applied and goes.
    case inboxApplied(row: Int64)
    /// A row of the inbox can't be used; it is set aside with the reason.
    case inboxRefused(row: Int64, reason: String)
    /// A channel's state. Stored for people to read, never read back by the daemon.
    case channel(ChannelName, ChannelState)
    /// A route's state. What a check found is stored for people to read, never read back by the daemon.
    case route(Route, RouteInfo)
    /// What is doubted of a channel; not durable.
    case doubt(ChannelName, Doubt?)
    /// What is under way for a delivery; not durable.
    case progress(DeliveryID, Progress)
    /// A target was seen, and in an epoch that has still to settle where there is one; not durable.
    case unsettled(RestartTarget, Epoch?, story: RestartStory? = nil)
    /// A target was last seen down, or up; not durable.
    case isDown(RestartTarget, Bool)
    /// A turn that is a command, as it is now.
    case turn(Turn)
    /// A run state's lease as it is now; nil: it has none any more.
    case lease(path: String, Lease?)
    /// A job as it is now; nil: it is gone.
    case job(JobID, Job?)
    /// What became of one time of a job, for the record.
    case jobRun(JobRun)
    /// What is pending in a run state; not durable, the file is.
    case work(path: String, WorkInHand?)
    /// How often in a row a session's turn could not be taken; not durable.
    case turnTries(SessionKey, Int)
    /// Until when nobody is woken for what stands still; not durable.
    case quiet(until: Moment?)
    /// All jobs are waited for by a wall clock that is so much ahead of boottime, in milliseconds; not durable.
    case jobsArmed(ahead: Int64)
    /// Something to look at at that boottime; not durable.
    case timer(Timer)
    /// The timers up to that boottime were looked at; not durable.
    case timersPassed(upToMicroseconds: Int64)

    /// Whether the ledger stores it.
    public var isDurable: Bool {
        switch self {
        case .sentinel, .wake, .delivery, .attempt, .epoch, .inboxApplied, .inboxRefused, .channel, .turn, .lease, .job, .jobRun:
            true
        case .route(_, let info): info.state != .unknown && !info.isChecking
        case .doubt, .progress, .unsettled, .isDown, .work, .turnTries, .quiet, .jobsArmed, .timer, .timersPassed: false
        }
    }

    /// Whether something may be done only once it is stored. The state of a channel or a route is stored for people to read; no
    /// promise rests on it, so nothing waits for it.
    public var isAwaited: Bool {
        switch self {
        case .channel, .route: false
        default: isDurable
        }
    }
}

/// What is known of a route in this life of the daemon.
public struct RouteInfo: Hashable, Sendable {
    /// Its state.
    public var state: RouteState = .unknown
    /// A check is under way.
    public var isChecking = false
    /// It was looked at, or is, while its channel was connecting: for the generation that follows.
    public var isAhead = false
    /// When the last check began.
    public var askedAt: Moment?
    /// Checks that failed in a row, for the backoff.
    public var failures = 0
    /// When it was checked last.
    public var checkedAt: Moment?
    /// Since when it is ready.
    public var readySince: Moment?
}

/// What is under way for a delivery in this life of the daemon.
public struct Progress: Hashable, Sendable {
    /// A permit was asked for.
    public var permitRequested = false
    /// How far it is known what has changed meanwhile.
    public var briefing = BriefingStage.none
    /// A search is owed, but its channel is not ready.
    public var searchOwed = false
    /// A search is under way.
    public var searching = false
    /// The shut gate was told everywhere.
    public var escalated = false
}

/// How far it is known what has changed before a delivery's first attempt.
public enum BriefingStage: Hashable, Sendable {
    /// Nobody was asked.
    case none
    /// Somebody was asked.
    case underWay
    /// Others still have their chance; a timer is armed.
    case waiting
    /// It is needed; this was missed.
    case known(missed: [MissedMessage])
}

/// One decision: a constant message and its data.
public struct Decision: Hashable, Sendable {
    /// What was decided.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case sentinelArmed, sentinelRefused, sentinelRestarting, sentinelFired, sentinelNotRestarted, sentinelTargetFailed
        case sentinelExpired, sentinelCancelled
        case wakeOpened, wakeJoined, wakeSealed, wakeEnded
        case deliveryLeft, deliveryHeld, deliverySending, deliveryWaiting, deliveryReconciling, deliveryDelivered, deliveryDead,
            deliveryExpired
        case deliveryCancelled, deliveryUnresolved
        case gateShutLong, fallbackTaken, channelChanged, channelDoubted, channelTrusted, routeChanged, commandRefused,
            inboxRefused
        case turnStarted, turnEnded, turnFailed, leaseRenewed, leaseSeenTo, leaseRunOut, leaseGivenUp
        case jobAdded, jobRemoved, jobFired, jobSkipped, jobMissed
    }

    /// What was decided.
    public var code: Code
    /// The sentinel it is about.
    public var sentinel: SentinelID?
    /// The wake it is about.
    public var wake: WakeID?
    /// The delivery it is about.
    public var delivery: DeliveryID?
    /// The session it is about.
    public var session: SessionKey?
    /// The place it is about.
    public var place: String?
    /// Why.
    public var reason: String?

    /// Whether a person should look at it.
    public var needsOperator: Bool {
        switch code {
        case .deliveryDead, .deliveryExpired, .deliveryUnresolved, .gateShutLong, .sentinelRefused, .inboxRefused,
            .commandRefused, .turnFailed, .leaseGivenUp, .jobMissed:
            true
        default: false
        }
    }
}
