public import WakeCore

/// Who may report on which channel.
public struct ReporterGrant: Hashable, Sendable {
    /// The channel.
    public let channel: ChannelName
    /// Users, by number.
    public let uids: Set<UInt32>
    /// Units, by name.
    public let units: Set<String>

    /// Makes one.
    public init(channel: ChannelName, uids: Set<UInt32>, units: Set<String>) {
        self.channel = channel
        self.uids = uids
        self.units = units
    }

    func allows(_ reporter: Reporter) -> Bool { uids.contains(reporter.uid) || reporter.unit.map { units.contains($0) } == true }
}

/// What others say of their channels, and how long it holds. Pure: who is alive comes from outside.
///
/// A claim holds as long as the run of the unit that made it, and no longer than it promised. Where there is no such unit, what it
/// promised decides alone (`systemd-notify` exits at once), and without a promise the process. Then its channel is down, whatever was
/// said last.
public struct ChannelClaims: Sendable {
    /// One channel's newest claim.
    public struct Claim: Hashable, Sendable, Codable {
        /// Who made it.
        public var reporter: Reporter
        /// What the channel is.
        public var state: ChannelState
        /// When it is void unless renewed, in microseconds of boottime.
        public var dueMicroseconds: Int64?
        /// The boot in which all this holds.
        public var boot: BootID

        /// Whether it hangs on its process: nothing else tells when it ends.
        var hangsOnProcess: Bool { reporter.invocation == nil && dueMicroseconds == nil }

        func holds(_ isAlive: Bool) -> Bool { isAlive || (reporter.invocation == nil && dueMicroseconds != nil) }
    }

    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// The channel is this now.
        case report(ChannelName, ChannelState)
        /// The claim is this now; nil, there is none.
        case store(ChannelName, Claim?)
    }

    /// Why a report was turned away.
    public enum Refusal: Error, Hashable, Sendable {
        /// Nobody may report on this channel.
        case unknownChannel
        /// The sender may not.
        case notGranted
    }

    private let grants: [ChannelName: ReporterGrant]
    private var generations: [ChannelName: UInt64] = [:]
    /// The claims that hold.
    public private(set) var claims: [ChannelName: Claim] = [:]

    /// Begins with no claims.
    public init(_ grants: [ReporterGrant]) { self.grants = Dictionary(grants.map { ($0.channel, $0) }) { $1 } }

    /// The channels that somebody may report on.
    public var channels: [ChannelName] { grants.keys.sorted() }

    /// When the next claim is void, in microseconds of boottime.
    public var nextDueMicroseconds: Int64? { claims.values.compactMap(\.dueMicroseconds).min() }

    /// What is said of a channel on which no claim holds at the start: whoever is bound to it must not think it ready.
    public func unclaimed(_ channel: ChannelName) -> [Directive] {
        [.report(channel, .down(reason: "nobody has reported on it yet", retryAt: nil))]
    }

    /// Takes back what an earlier life of the daemon stored, as far as it still holds.
    public mutating func restored(_ claim: Claim, of channel: ChannelName, isAlive: Bool, at now: Moment) -> [Directive] {
        guard let grant = grants[channel] else { return [.store(channel, nil)] }
        if case .ready(let generation) = claim.state { generations[channel] = generation }
        let isOver = claim.boot != now.boot || (claim.dueMicroseconds.map { $0 <= now.boottimeMicroseconds } ?? false)
        guard !isOver, claim.holds(isAlive), grant.allows(claim.reporter) else {
            return [
                .store(channel, nil),
                .report(channel, .down(reason: "\(claim.reporter.words), which reported on it, is gone", retryAt: nil)),
            ]
        }
        claims[channel] = claim
        return [.report(channel, claim.state)]
    }

    /// Somebody reported.
    public mutating func reported(_ message: NotifyMessage, by reporter: Reporter, at now: Moment) -> Result<[Directive], Refusal>
    {
        guard let grant = grants[message.channel] else { return .failure(.unknownChannel) }
        guard grant.allows(reporter) else { return .failure(.notGranted) }
        let channel = message.channel
        let old = claims[channel]
        let due = message.life.map { now.advanced(by: $0).boottimeMicroseconds }
        let claim = Claim(reporter: reporter, state: state(message, old: old), dueMicroseconds: due, boot: now.boot)
        claims[channel] = claim
        var directives: [Directive] = []
        if claim.state != old?.state { directives.append(.report(channel, claim.state)) }
        // A renewal that changes nothing but its end is not worth a write: at the next start the old end is the stricter one.
        if claim.state != old?.state || claim.reporter != old?.reporter { directives.append(.store(channel, claim)) }
        return .success(directives)
    }

    private mutating func state(_ message: NotifyMessage, old: Claim?) -> ChannelState {
        switch message.state {
        case .connecting: return .connecting
        case .down: return .down(reason: message.status ?? "its reporter says so", retryAt: nil)
        case .blocked: return .blocked(reason: message.status ?? "its reporter says so")
        case .ready:
            let last = generations[message.channel] ?? 0
            if let old, old.state.isReady, message.generation.map({ $0 <= last }) ?? true { return old.state }
            // It grows, whatever its owner says.
            let generation = max(message.generation ?? 0, last + 1)
            generations[message.channel] = generation
            return .ready(generation: generation)
        }
    }

    /// Time went by, or somebody may have ended.
    public mutating func looked(isAlive: (Reporter) -> Bool, at now: Moment) -> [Directive] {
        var directives: [Directive] = []
        for (channel, claim) in claims.sorted(by: { $0.key < $1.key }) {
            let reason: String
            if let due = claim.dueMicroseconds, due <= now.boottimeMicroseconds {
                reason = "\(claim.reporter.words) has not reported on it for as long as it promised to"
            } else if !claim.holds(isAlive(claim.reporter)) {
                reason = "\(claim.reporter.words), which reported on it, has ended"
            } else {
                continue
            }
            claims[channel] = nil
            directives += [.report(channel, .down(reason: reason, retryAt: nil)), .store(channel, nil)]
        }
        return directives
    }
}
