/// The durable record of an intended or observed restart.
///
/// Many can be open at once; none ever overwrites another.
public struct Sentinel: Hashable, Sendable, Codable {
    /// How it came to be.
    public enum Origin: String, Hashable, Sendable, Codable {
        /// Somebody asked for the restart.
        case requested
        /// We saw a restart that nobody announced.
        case observed
        /// We took over another program's record of it.
        case adopted
        /// A restart that nobody announced cut the session off in the middle of a turn.
        case interrupted
        /// It tells what became of another sentinel: a restart that did not happen.
        case report
        /// Work that a run state calls pending has stalled, or was found at a boot.
        case stalled
        /// A job was due.
        case job
        /// Somebody sent the session a message; nothing restarted.
        case sent
    }

    /// Where it stands.
    public enum State: Hashable, Sendable, Codable {
        /// Durable, its restart still to come.
        /// Can transition to: `restarting` (due, epoch unchanged), `fired` (epoch changed and settled within its lifetime; where
        /// nothing restarts, due),
        /// `notRestarted` (too late), `targetFailed` (the target gave up), `expired` (lifetime over), `cancelled` (by a person).
        case armed
        /// The restart is being carried out; durable before it begins.
        /// Can transition to: `fired` (epoch changed and settled, command ended well, or its result is unknown),
        /// `notRestarted` (refused), `targetFailed` (target gave up, command failed), `expired` (lifetime over), `cancelled`.
        case restarting
        /// The restart happened; the wake is owed. An end.
        case fired(Cause)
        /// The restart never began. An end.
        case notRestarted(reason: String)
        /// The target went down and did not come back. An end.
        case targetFailed(reason: String)
        /// Its lifetime was over before any restart. An end.
        case expired
        /// A person took it back. An end.
        case cancelled
    }

    /// Why the wake is owed.
    public enum Cause: Hashable, Sendable, Codable {
        /// We restarted the target as asked.
        case restarted
        /// The target restarted by itself, or by someone else.
        case restartedElsewhere
        /// The command ended with exit code 0.
        case commandSucceeded
        /// The daemon was cut off while the command ran: what became of it is unknown.
        case resultUnknown
        /// A restart that was asked for did not happen.
        case didNotHappen(reason: String)
        /// The target failed.
        case targetFailed(reason: String)
        /// The wake itself was asked for; nothing restarted.
        case asked
    }

    /// Its name.
    public let id: SentinelID
    /// The session to wake.
    public let session: SessionKey
    /// Where to wake it.
    public let route: Route
    /// What the session is to be told.
    public let note: String
    /// What restarts.
    public let target: RestartTarget
    /// For `exec`: what runs.
    public let command: RestartRequest.Command?
    /// The target's epoch when the sentinel was written, or the first that was seen after that; nil for `exec` and
    /// `nothing`, and while it is not known.
    public internal(set) var epoch: Epoch?
    /// How it came to be.
    public let origin: Origin
    /// What it is called in its headline; nil: by its origin and cause.
    public let title: String?
    /// Whether its turn is told the note and nothing else; nil: no.
    public let isLight: Bool?
    /// Who asked.
    public let requester: RestartRequest.Requester
    /// When.
    public let requestedAt: Moment
    /// From when its delay and lifetime count: ``requestedAt``, unless no clock can tell how long ago that was.
    public internal(set) var countedSince: Moment
    /// How long to wait before the restart.
    public let delay: Duration
    /// Whether we perform the restart.
    public let performedByUs: Bool
    /// What is owed once it fires.
    public let owes: Set<DeliveryKind>
    /// Where it stands.
    public internal(set) var state: State
    /// Since when.
    public internal(set) var stateSince: Moment
    /// The wake that it joined.
    public internal(set) var wake: WakeID?
    /// Whether a restart was begun in an earlier life of the daemon.
    public internal(set) var restartBegun: Bool

    /// True in the states from which it can still move.
    public var isOpen: Bool { state == .armed || state == .restarting }

    /// The state's name, as in the drawings.
    public var stateName: String {
        switch state {
        case .armed: "armed"
        case .restarting: "restarting"
        case .fired: "fired"
        case .notRestarted: "notRestarted"
        case .targetFailed: "targetFailed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        }
    }

    /// Arms a sentinel from a request that was found without ``RestartRequest/problems``.
    ///
    /// - Precondition: the request or its session key names a route.
    public init(_ request: RestartRequest, epoch: Epoch?, at now: Moment) {
        guard let route = request.route ?? request.session.route else {
            preconditionFailure("a request without a route was accepted: \(request)")
        }
        id = request.id
        session = request.session
        self.route = route
        note = request.note
        target = request.target
        command = request.command
        self.epoch = request.target.hasEpochs ? request.epoch ?? epoch : nil
        origin = request.origin
        title = request.title
        isLight = request.isLight ? true : nil
        requester = request.requester
        requestedAt = request.requestedAt
        countedSince = request.requestedAt
        delay = request.delay
        performedByUs = request.performedByUs
        owes = request.owes
        state = .armed
        stateSince = now
        wake = nil
        restartBegun = false
    }

    /// A fired sentinel for a restart that nobody announced.
    init(
        observing target: RestartTarget, for watch: Policy.Watch, as id: SentinelID, cause: Cause, epoch: Epoch?, at now: Moment
    ) {
        self.id = id
        session = watch.session
        route = watch.route
        note = watch.note
        self.target = target
        command = nil
        self.epoch = epoch
        origin = .observed
        title = nil
        isLight = nil
        requester = RestartRequest.Requester(uid: 0, pid: 0)
        requestedAt = now
        countedSince = now
        delay = .zero
        performedByUs = false
        owes = watch.owes
        state = .fired(cause)
        stateSince = now
        wake = nil
        restartBegun = false
    }

    /// A fired sentinel of its own that tells what became of another.
    init(reporting original: Sentinel, as id: SentinelID, cause: Cause, at now: Moment) {
        self.id = id
        session = original.session
        route = original.route
        note = original.note
        target = original.target
        command = original.command
        epoch = original.epoch
        origin = .report
        title = nil
        isLight = nil
        requester = original.requester
        requestedAt = original.requestedAt
        countedSince = original.countedSince
        delay = original.delay
        performedByUs = original.performedByUs
        owes = original.owes
        state = .fired(cause)
        stateSince = now
        wake = nil
        restartBegun = original.restartBegun
    }
}
