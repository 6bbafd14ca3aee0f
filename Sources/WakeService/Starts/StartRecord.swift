public import WakeCore

/// One life of the daemon, from its start to its end, as the ledger keeps it.
public struct StartRecord: Hashable, Sendable {
    /// How a life ended in good order.
    public enum EndKind: String, Hashable, Sendable {
        /// To start again: a restart that somebody had asked us for.
        case planned
        /// Because it was told to: a signal, the service manager, a shutdown.
        case stopped
    }

    /// An end in good order.
    public struct End: Hashable, Sendable {
        /// How.
        public var kind: EndKind
        /// Why, in words.
        public var reason: String
        /// When.
        public var at: Moment

        /// Makes an end.
        public init(_ kind: EndKind, reason: String, at: Moment) {
            self.kind = kind
            self.reason = reason
            self.at = at
        }
    }

    /// The daemon's instance id.
    public var instance: String
    /// When it started; tells the boot too.
    public var started: Moment
    /// When it was last known to live.
    public var alive: Moment
    /// When a shutdown of the machine was seen to begin; nil where none was, or it was called off.
    public var shutdown: Moment?
    /// Its end; nil while it lives, and for ever where it was cut off.
    public var ended: End?

    /// Makes a record.
    ///
    /// - Parameters:
    ///   - instance: the daemon's instance id.
    ///   - started: when it started.
    ///   - alive: when it was last known to live; default: when it started.
    ///   - shutdown: when a shutdown of the machine was seen to begin.
    ///   - ended: its end in good order, where it had one.
    public init(instance: String, started: Moment, alive: Moment? = nil, shutdown: Moment? = nil, ended: End? = nil) {
        self.instance = instance
        self.started = started
        self.alive = alive ?? started
        self.shutdown = shutdown
        self.ended = ended
    }
}

/// What a daemon finds at its start about the lives before its own.
public struct StartBook: Hashable, Sendable {
    /// The lives before this one, newest first; at most ``maximumPrevious``.
    public var previous: [StartRecord]

    /// The most lives that are looked back on.
    public static let maximumPrevious = 20

    /// Makes a book.
    public init(previous: [StartRecord]) { self.previous = previous }

    /// From when to when the machine was away before the present boot; nil where no life in an earlier boot is known.
    ///
    /// - Parameter started: when this life started.
    /// - Returns: the absence; how long it was may be known only later.
    public func absence(before started: Moment) -> RestartStory.Absence? {
        guard let index = previous.firstIndex(where: { $0.started.boot != started.boot }) else { return nil }
        let last = previous[index]
        let back = index == 0 ? started : previous[index - 1].started
        return RestartStory.Absence(
            lastSeen: last.shutdown ?? last.ended?.at ?? last.alive, isExact: last.shutdown != nil, back: back)
    }
}
