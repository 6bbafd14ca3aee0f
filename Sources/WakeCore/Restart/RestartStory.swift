/// How a target came into its new epoch, as far as its supervisor tells.
public struct RestartStory: Hashable, Sendable, Codable {
    /// What kind of end the old epoch had.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// Somebody had it restarted.
        case restart
        /// It ended by itself, and its supervisor started it again.
        case crash
        /// The machine was booted anew.
        case reboot
        /// Only user space was started anew; the kernel ran on.
        case softReboot
    }

    /// The kind.
    public var kind: Kind
    /// The true cause in a few words, such as "killed by signal 9 (KILL)"; nil where nothing more is known.
    public var detail: String?
    /// How long it was down; nil where that is not known.
    public var down: Duration?
    /// For a reboot: between what the machine was away; nil where that is not known.
    public var absence: Absence?

    /// From when to when the machine was away. How long that was may be told only later: right after a boot its clock is mostly not
    /// set yet.
    public struct Absence: Hashable, Sendable, Codable {
        /// The last sign of life before it, in an earlier boot.
        public var lastSeen: Moment
        /// Whether that was at the beginning of the machine's end; else it was away since then at most.
        public var isExact: Bool
        /// The first sign of life after it.
        public var back: Moment

        /// Makes an absence.
        ///
        /// - Parameters:
        ///   - lastSeen: the last sign of life before it, in an earlier boot.
        ///   - isExact: whether that was at the beginning of the machine's end.
        ///   - back: the first sign of life after it.
        public init(lastSeen: Moment, isExact: Bool, back: Moment) {
            self.lastSeen = lastSeen
            self.isExact = isExact
            self.back = back
        }

        /// How long it was, as far as that can be told now; nil where no clock can tell.
        public func length(toldAt now: Moment) -> Duration? {
            if let known = back.elapsed(since: lastSeen) { return known }
            guard now.boot == back.boot, let all = now.elapsed(since: lastSeen), let after = now.elapsed(since: back) else {
                return nil
            }
            return max(.zero, all - after)
        }
    }

    /// Makes a story.
    ///
    /// - Parameters:
    ///   - kind: the kind.
    ///   - detail: the true cause in a few words.
    ///   - down: how long it was down.
    ///   - absence: for a reboot, between what the machine was away.
    public init(_ kind: Kind, detail: String? = nil, down: Duration? = nil, absence: Absence? = nil) {
        self.kind = kind
        self.detail = detail
        self.down = down
        self.absence = absence
    }
}
