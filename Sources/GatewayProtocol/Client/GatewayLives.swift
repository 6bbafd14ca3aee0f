public import WakeCore

/// Tells the lives of one gateway apart, over connections that come and go. A value without clock or I/O.
///
/// An open port proves nothing, and two processes may overlap. A gateway tells its uptime when it lets us in; between asking and answer
/// lies some time, so its start is known as a span, and two spans that touch are one process. A process that announced its end and is
/// still the same later has restarted within itself, or has not ended yet: its life counts only once it has lasted.
public struct GatewayLives: Hashable, Sendable, Codable {
    /// One life.
    public struct Life: Hashable, Sendable, Codable {
        /// What the core knows it by. Stays what it was when the life was first seen.
        public let epoch: Epoch
        /// The boot in which it is.
        public let boot: BootID
        /// When the life began at the latest, in microseconds of boottime.
        public let beganMicroseconds: Int64
        /// Between which the process began, in microseconds of boottime; of one that tells no uptime only the latest is known.
        var earliest: Int64
        var latest: Int64
        /// When it announced its end.
        public fileprivate(set) var goodbyeAt: Moment?
    }

    /// What a hello tells.
    public enum Sighting: Hashable, Sendable {
        /// The life that is known.
        case same
        /// Another one. Not settled: it must last before it counts.
        case new(Epoch, isSettled: Bool)
        /// A process that began before the one that is known: it is about to end. Leave it, and come again.
        case older
    }

    /// By how much the two clocks, and the times at which they are read, may differ beyond what is measured.
    public static let slackMicroseconds: Int64 = 500_000
    /// Epochs of two lives differ by more than this, however fast one followed the other: less would be one life to the core.
    static let epochStepMicroseconds: Int64 = 2_000_001

    /// The present life; nil before the first.
    public private(set) var life: Life?

    /// Knows none.
    public init() {}

    /// The gateway let us in.
    ///
    /// - Parameters:
    ///   - uptimeMilliseconds: how long it has been up, as it says; nil where it does not.
    ///   - asked: a moment before it was asked, in the present boot.
    ///   - answered: when its answer came.
    ///   - nobodyListened: whether nobody listened there at some time since the connection before.
    /// - Returns: whose hello it is.
    public mutating func greeted(
        uptimeMilliseconds: Int64?, asked: Moment, answered: Moment, nobodyListened: Bool
    ) -> Sighting {
        guard let uptime = uptimeMilliseconds, uptime >= 0, uptime <= Self.uptimeMaximumMilliseconds else {
            return greetedWithoutUptime(asked, answered, nobodyListened)
        }
        let earliest = asked.boottimeMicroseconds - uptime * 1_000
        let latest = answered.boottimeMicroseconds - uptime * 1_000
        guard var life, life.boot == answered.boot else { return begin(earliest, latest, at: latest, answered.boot) }
        if latest + Self.slackMicroseconds < life.earliest { return .older }
        guard earliest - Self.slackMicroseconds <= life.latest else { return begin(earliest, latest, at: latest, answered.boot) }
        if let goodbye = life.goodbyeAt {
            return begin(life.earliest, life.latest, at: goodbye.boottimeMicroseconds, answered.boot, isSettled: false)
        }
        (life.earliest, life.latest) = (max(life.earliest, earliest), max(max(life.earliest, earliest), min(life.latest, latest)))
        self.life = life
        return .same
    }

    /// It announced its end.
    public mutating func saidGoodbye(at now: Moment) {
        guard life?.goodbyeAt == nil else { return }
        life?.goodbyeAt = now
    }

    private static let uptimeMaximumMilliseconds: Int64 = 1_000 * 365 * 86_400_000

    /// Only a goodbye, or that nobody listened meanwhile, tells then.
    private mutating func greetedWithoutUptime(_ asked: Moment, _ answered: Moment, _ nobodyListened: Bool) -> Sighting {
        let now = asked.boottimeMicroseconds
        guard let life, life.boot == answered.boot else { return begin(.min, now, at: now, answered.boot) }
        guard life.goodbyeAt != nil || nobodyListened else { return .same }
        return begin(.min, now, at: now, answered.boot, isSettled: nobodyListened)
    }

    private mutating func begin(
        _ earliest: Int64, _ latest: Int64, at began: Int64, _ boot: BootID, isSettled: Bool = true
    ) -> Sighting {
        var mark = began
        if let life, life.boot == boot, case .startedAt(_, let before) = life.epoch {
            mark = max(mark, before + Self.epochStepMicroseconds)
        }
        let epoch = Epoch.startedAt(boot: boot, microseconds: mark)
        life = Life(epoch: epoch, boot: boot, beganMicroseconds: began, earliest: earliest, latest: max(earliest, latest))
        return .new(epoch, isSettled: isSettled)
    }
}
