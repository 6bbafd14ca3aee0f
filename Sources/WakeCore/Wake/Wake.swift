/// What is owed to one session over one route.
public struct Wake: Hashable, Sendable, Codable {
    /// Where it stands.
    public enum State: String, Hashable, Sendable, Codable {
        /// Sentinels that fire may still join it. At most one per session and route.
        /// Can transition to: `sealed` (its first attempt is recorded), `ended` (every delivery ended without an attempt).
        case open
        /// Its text and members are fixed. Can transition to: `ended` (every delivery ended).
        case sealed
        /// Nothing of it moves by itself. Can transition to: `sealed` (an operator retries a delivery).
        case ended
    }

    /// One sentinel that joined it.
    public struct Note: Hashable, Sendable, Codable {
        /// The sentinel.
        public let sentinel: SentinelID
        /// What the session is to be told.
        public let text: String
        /// What restarted.
        public let target: RestartTarget
        /// Why the wake is owed.
        public let cause: Sentinel.Cause
        /// How the sentinel came to be.
        public let origin: Sentinel.Origin
        /// When the restart was asked for.
        public let requestedAt: Moment
        /// When the sentinel fired.
        public let firedAt: Moment
        /// How the target came into its new epoch, where that is known.
        public let story: RestartStory?
        /// What it is called in its headline; nil: by its origin and cause.
        public var title: String?
        /// Whether a turn is told the note and nothing else; nil: no.
        public var isLight: Bool?
    }

    /// Its name.
    public let id: WakeID
    /// The session that is owed.
    public let session: SessionKey
    /// Where it goes.
    public let route: Route
    /// Its place in the session's order.
    public let sequence: Int64
    /// When it was opened.
    public let openedAt: Moment
    /// The sentinels that joined it, oldest first.
    public internal(set) var notes: [Note]
    /// Its parts.
    public internal(set) var owes: Set<DeliveryKind>
    /// Where it stands.
    public internal(set) var state: State
    /// Since when.
    public internal(set) var stateSince: Moment

    /// Its deliveries' names, notice first.
    public var deliveries: [DeliveryID] { owes.sorted().map { DeliveryID(wake: id, kind: $0) } }

    /// Whether another sentinel may join.
    var takesNotes: Bool { state == .open && notes.count < Limits.notesPerWake }

    /// Whether the session's own restarts caused it.
    public var isByOwnRestart: Bool {
        notes.contains { $0.origin == .requested && ($0.cause == .restarted || $0.cause == .commandSucceeded) }
    }

    /// Whether its turn is told its notes and nothing else.
    public var isLight: Bool { notes.allSatisfy { $0.isLight == true } }

    mutating func move(to next: State, at now: Moment) {
        guard state != next else { return }
        state = next
        stateSince = now
    }
}
