/// What a delivery carries.
public enum DeliveryKind: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// The message that people see.
    case notice
    /// The input that makes the agent go on.
    case turn

    /// One letter, for nonces and ids.
    public var letter: Character { self == .notice ? "n" : "t" }

    /// Notices before turns.
    public static func < (left: DeliveryKind, right: DeliveryKind) -> Bool { left == .notice && right == .turn }
}

/// Names a delivery: its wake and its kind. Printed as `<wake>n` or `<wake>t`.
public struct DeliveryID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The wake it is a part of.
    public let wake: WakeID
    /// Which part.
    public let kind: DeliveryKind

    /// Makes a name.
    public init(wake: WakeID, kind: DeliveryKind) {
        self.wake = wake
        self.kind = kind
    }

    /// Takes the printed form; nil if it is none.
    public init?(_ text: String) {
        guard let last = text.last, let kind = DeliveryKind.allCases.first(where: { $0.letter == last }),
            let wake = WakeID(String(text.dropLast()))
        else { return nil }
        self.init(wake: wake, kind: kind)
    }

    /// The printed form, 23 characters.
    public var description: String { wake.description + String(kind.letter) }
}

/// One part of a wake, on its way to its receipt.
public struct Delivery: Hashable, Sendable, Codable {
    /// Where it stands.
    public enum State: Hashable, Sendable, Codable {
        /// Waits for its gate, for its turn in the session's order, or for a permit. Charges nothing.
        /// Can transition to: `sending` (permit granted, attempt recorded), `reconciling` (an old unclear attempt is past the nonce
        /// window, or it is cancelled), `expired` (held too long), `dead` (destination gone), `cancelled`; `delivered` (a late answer or
        /// an echo of an unclear attempt), `unresolved` (given up with an attempt unclear, or the session seems to loop).
        case held
        /// An attempt is recorded and may be under way. A closing gate never moves it.
        /// Can transition to: `delivered` (accepted), `waiting` (transient), `held` (place unavailable), `dead` (permanent, or the budget
        /// is used up), `reconciling` (ambiguous, timeout, or found so at start), `cancelled` (asked for meanwhile, and not accepted).
        case sending
        /// Backs off. Can transition to: `held` (the wait is over), and wherever `held` can but `sending`.
        case waiting(until: Moment)
        /// Looks for the receipt of an unclear attempt. Can transition to: `delivered` (found), `held` or `waiting` (provably absent, or
        /// the nonce protects a repeat, or the policy allows one), `unresolved` (can't tell, and the policy forbids a repeat; or held
        /// too long), `dead` (absent, and the budget is used up), `cancelled` (absent, and asked for meanwhile).
        case reconciling
        /// Arrived. An end.
        case delivered(Receipt)
        /// Will never arrive. An end; an operator may retry it: `held`, `cancelled`.
        case dead(reason: String)
        /// Was held too long. An end; an operator may retry it: `held`, `cancelled`.
        case expired
        /// A person took it back. An end.
        case cancelled
        /// Nobody can say whether it arrived. An end until an operator retries it (`held`), marks it delivered (`delivered`), or drops it
        /// (`cancelled`); or a late answer or echo tells after all (`delivered`).
        case unresolved(reason: String)
    }

    /// What is said, fixed before the first attempt.
    public struct Message: Hashable, Sendable, Codable {
        /// The text for the far side, without the last line.
        public var text: String
        /// The sentinels whose notes it carries.
        public var members: [SentinelID]
    }

    /// Its name.
    public let id: DeliveryID
    /// The session that is owed.
    public let session: SessionKey
    /// Where it goes; changes only to a fallback, and only before the first attempt.
    public internal(set) var route: Route
    /// Its place in the session's order.
    public let sequence: Int64
    /// Since when it is owed, or an operator brought it back.
    public internal(set) var owedSince: Moment
    /// Where it stands.
    public internal(set) var state: State
    /// Since when.
    public internal(set) var stateSince: Moment
    /// Attempts recorded; each is charged but for those that found the place unavailable.
    public internal(set) var attempts = 0
    /// Failed attempts since the last success of any kind, for the backoff.
    public internal(set) var failures = 0
    /// What is said; nil before the first attempt.
    public internal(set) var message: Message?
    /// The first attempt whose result is still unknown. Stays until a receipt or a conclusive lookup: the nonce window counts from it.
    public internal(set) var firstUnresolvedAttemptAt: Moment?
    /// The life of the gateway in which that attempt was made: no other remembers its nonce. Nil where no gateway is between.
    public internal(set) var life: Epoch?
    /// The policy allowed one repeat of an unclear attempt outside the nonce window; it says so in its text.
    public internal(set) var isPossibleRepeat = false
    /// Grows when an operator retries what was sent before: a new nonce.
    public internal(set) var round = 0
    /// An operator brought it back, so it waits for nobody and nobody waits for it.
    public internal(set) var isOutOfOrder = false
    /// A cancel that came while an attempt was under way; applied after the outcome.
    public internal(set) var cancelRequested = false
    /// Time spent with the gate open, for the budget.
    public internal(set) var openTime: Duration = .zero
    /// What the last attempt or search came to, in words.
    public internal(set) var lastResult: String?

    init(id: DeliveryID, session: SessionKey, route: Route, sequence: Int64, at now: Moment) {
        self.id = id
        self.session = session
        self.route = route
        self.sequence = sequence
        owedSince = now
        state = .held
        stateSince = now
    }

    /// The idempotency key of its sends, at most 25 characters: wake, kind and round.
    public var nonce: String {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        let tail = round == 0 ? "" : String(digits[(round / 62) % 62]) + String(digits[round % 62])
        return id.description + tail
    }

    /// Whether people may have seen it before.
    var saysPossibleRepeat: Bool { isPossibleRepeat || round > 0 }

    /// True while something may still happen to it by itself.
    public var isActive: Bool {
        switch state {
        case .held, .sending, .waiting, .reconciling: true
        case .delivered, .dead, .expired, .cancelled, .unresolved: false
        }
    }

    /// True where later deliveries of the session and kind wait for it.
    var blocksLater: Bool { isActive && !isOutOfOrder }

    /// The state's name, as in the drawings.
    public var stateName: String {
        switch state {
        case .held: "held"
        case .sending: "sending"
        case .waiting: "waiting"
        case .reconciling: "reconciling"
        case .delivered: "delivered"
        case .dead: "dead"
        case .expired: "expired"
        case .cancelled: "cancelled"
        case .unresolved: "unresolved"
        }
    }
}
