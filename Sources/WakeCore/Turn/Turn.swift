/// A turn of an agent that is a command: from its start to its result. It outlives the delivery that started it, and the daemon.
public struct Turn: Hashable, Sendable, Codable {
    /// What became of it.
    public enum End: Hashable, Sendable, Codable {
        /// Exit code 0.
        case done
        /// Exit code 75: nothing was done, and it may be asked for again.
        case tryLater
        /// Any other end, in words: an exit code, a signal, the time limit.
        case failed(reason: String)
        /// A person took it back.
        case cancelled
        /// It is gone without a result: nobody can say how far it came.
        case lost(reason: String)
    }

    /// The delivery that started it.
    public let id: DeliveryID
    /// The session.
    public let session: SessionKey
    /// The agent's id, as configured.
    public let agent: String
    /// Where the session is talked to.
    public let route: Route
    /// What it was started for, 1 byte to 8 KiB: with this it is asked again if it can't now.
    public let note: String
    /// What it runs in: a unit and its invocation, or a process and its start time.
    public let receipt: Receipt
    /// When it started.
    public let startedAt: Moment
    /// What became of it; nil while it runs.
    public internal(set) var end: End?
    /// When it ended, as far as we know.
    public internal(set) var endedAt: Moment?

    /// Its state in a word, as in the drawings.
    public var stateName: String {
        switch end {
        case nil: "running"
        case .done: "done"
        case .tryLater: "tryLater"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .lost: "lost"
        }
    }

    /// Makes one that runs.
    public init(
        id: DeliveryID, session: SessionKey, agent: String, route: Route, note: String, receipt: Receipt, startedAt: Moment
    ) {
        self.id = id
        self.session = session
        self.agent = agent
        self.route = route
        self.note = note
        self.receipt = receipt
        self.startedAt = startedAt
    }
}
