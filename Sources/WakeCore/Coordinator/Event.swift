/// Everything that can happen, as past-tense facts. Identifiers and places arrive in events; nothing is looked up.
public enum Event: Hashable, Sendable {
    /// The daemon started, with its new instance id. Comes once, before anything else, when the ledger is loaded.
    case daemonStarted(instance: Epoch)
    /// A request was found in the inbox, or came over a socket.
    case requested(RestartRequest, inboxRow: Int64?)
    /// A request was found whose sentinel has already ended: it came twice.
    case requestedAgain(SentinelID, inboxRow: Int64?)
    /// A request was found in the inbox, and behind it the word that takes it back: nothing comes of it, not even at once.
    case withdrawn(RestartRequest, inboxRow: Int64)
    /// An operator's command was found in the inbox, or came over a socket; with the wake, where that has ended and only the ledger
    /// still knows it.
    case commanded(OperatorCommand, ended: EndedWake?, inboxRow: Int64?)
    /// A row of the inbox that can't be used; it is set aside with the reason.
    case inboxRowRefused(row: Int64, reason: String)
    /// A channel's owner reported its state.
    case channelChanged(ChannelName, ChannelState)
    /// A route was checked. `unknown` with a reason means that the check itself failed.
    case routeChecked(Route, RouteState)
    /// A target was seen in that epoch. `settled` where it is known to be up for good (Type=notify units); with the story of how it
    /// came into it, where that is known.
    case epochObserved(RestartTarget, Epoch, settled: Bool, story: RestartStory? = nil)
    /// A target was looked at and is not up; what becomes of it is still to be seen.
    case targetDown(RestartTarget)
    /// A target's supervisor gave up on it, at that moment. What was asked for since then is not touched; nil touches all.
    case targetGaveUp(RestartTarget, reason: String, since: Moment? = nil)
    /// A restart was refused before it began.
    case restartRefused(SentinelID, reason: String)
    /// An `exec` command ended.
    case commandEnded(SentinelID, Sentinel.CommandResult)
    /// It was found out what has changed before the first attempt of a delivery.
    case briefed(DeliveryID, Briefing)
    /// The transport may send this delivery now.
    case permitGranted(DeliveryID)
    /// A send ended.
    case attemptEnded(DeliveryID, Outcome)
    /// A search for a receipt ended.
    case searched(DeliveryID, ReceiptSearch)
    /// An event of the transport carried the nonce of one of our deliveries.
    case receiptSeen(DeliveryID, Receipt)
    /// The wall clock became synchronised: what waited for it may be decided.
    case clockSynchronised
    /// The wall clock was set: it has jumped, or has been told what it said already.
    case clockStepped
    /// A run state was read, or is gone: what is pending in it, with a mark that changes when the work goes on.
    case workSeen(path: String, WorkInHand?, fingerprint: String)
    /// A person wrote in a session.
    case sessionActive(SessionKey)
    /// A person wrote in a place: in every session that is talked to there.
    case placeActive(Route)
    /// The quiet hours were entered, and last until then; nil: they are over.
    case quietHours(until: Moment?)
    /// A turn that runs as a command has ended.
    case turnEnded(DeliveryID, Turn.End)
    /// A job was added.
    case jobAdded(Job, inboxRow: Int64?)
    /// A job was taken back.
    case jobRemoved(JobID, inboxRow: Int64?)
    /// A job is to run now, besides its times.
    case jobRunNow(JobID, inboxRow: Int64?)
    /// A job's next time after the one that was given was found out, both in milliseconds since 1970-01-01 UTC; nil: it has none.
    case jobPlanned(JobID, after: Int64, next: Int64?)
    /// Time went by up to ``Coordinator/nextDeadlineMicroseconds``.
    case timePassed
}

/// What an operator may do by hand.
public enum OperatorCommand: Hashable, Sendable, Codable {
    /// Take a sentinel back.
    case cancelSentinel(SentinelID)
    /// Take a wake back: each of its deliveries that has not arrived.
    case cancelWake(WakeID)
    /// Send the ended, undelivered parts of a wake again, as a message of their own.
    case retryWake(WakeID)
    /// The unresolved parts of a wake did arrive.
    case markDelivered(WakeID)
    /// End a turn that runs as a command.
    case cancelTurn(DeliveryID)
}

/// A wake that has ended, with its deliveries, as the ledger holds it.
public struct EndedWake: Hashable, Sendable {
    /// The wake.
    public var wake: Wake
    /// Its deliveries.
    public var deliveries: [Delivery]

    /// Makes one.
    public init(wake: Wake, deliveries: [Delivery]) {
        self.wake = wake
        self.deliveries = deliveries
    }
}
