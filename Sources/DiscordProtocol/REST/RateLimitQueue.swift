/// Many waiters before one ``RateLimiter``: first come, first served within a channel, and channels take turns, so that one busy
/// channel delays no other. 10,000 waiters over 200 channels cost one look at each channel per grant at most.
public struct RateLimitQueue: Sendable {
    /// Names a waiter; chosen by the caller.
    public typealias Waiter = UInt64

    /// What a look at the queue came to.
    public struct Grants: Sendable {
        /// Who may go now.
        public var granted: [(waiter: Waiter, permit: RateLimiter.Permit)] = []
        /// When to look again at the latest, as time since boot; `nil` if only a completion or a new waiter changes anything.
        public var wakeAt: Duration?
    }

    private struct Line {
        var waiters: [(waiter: Waiter, route: DiscordRoute)] = []
        var head = 0
        var notBefore = Duration.zero
        var isEmpty: Bool { head == waiters.count }
    }

    private struct LineKey: Hashable {
        let endpoint: RateLimiter.Endpoint
        let major: Snowflake?
    }

    /// The limits.
    public private(set) var limiter: RateLimiter
    private var lines: [LineKey: Line] = [:]
    private var order: [LineKey] = []
    private var turn = 0

    /// An empty queue.
    public init(limiter: RateLimiter = .init()) {
        self.limiter = limiter
    }

    /// How many wait.
    public var count: Int { lines.values.reduce(0) { $0 + $1.waiters.count - $1.head } }

    /// Adds a waiter at the end of its channel's line.
    public mutating func enqueue(_ waiter: Waiter, for route: DiscordRoute) {
        let key = LineKey(endpoint: .init(route), major: route.major)
        if lines[key] == nil { order.append(key) }
        lines[key, default: Line()].waiters.append((waiter, route))
    }

    /// A permit at once, past the lines of other channels but never past one's own; `nil` where one must wait.
    public mutating func take(_ route: DiscordRoute, at now: Duration) -> RateLimiter.Permit? {
        guard lines[LineKey(endpoint: .init(route), major: route.major)] == nil,
            case .granted(let permit) = limiter.permit(for: route, at: now)
        else { return nil }
        return permit
    }

    /// Takes a waiter out of the line; whether it was still there.
    @discardableResult
    public mutating func cancel(_ waiter: Waiter) -> Bool {
        for (key, line) in lines {
            guard let index = line.waiters[line.head...].firstIndex(where: { $0.waiter == waiter }) else { continue }
            lines[key]?.waiters.remove(at: index)
            if lines[key]?.isEmpty == true { remove(key) }
            return true
        }
        return false
    }

    /// A permit's request ended; look at the queue again afterwards.
    public mutating func complete(_ permit: RateLimiter.Permit, with completion: RateLimiter.Completion, at now: Duration) {
        limiter.complete(permit, with: completion, at: now)
        // An answer may have brought a limit nearer or told a new one.
        lines[LineKey(endpoint: .init(permit.route), major: permit.route.major)]?.notBefore = .zero
    }

    /// A permit was not used; look at the queue again afterwards.
    public mutating func giveBack(_ permit: RateLimiter.Permit) {
        limiter.giveBack(permit)
        lines[LineKey(endpoint: .init(permit.route), major: permit.route.major)]?.notBefore = .zero
    }

    /// Hands out every permit that the limits allow now.
    public mutating func grant(at now: Duration) -> Grants {
        var grants = Grants()
        var passedOver = 0
        while passedOver < order.count {
            if let closed = limiter.isGloballyClosed(at: now) {
                if case .wait(let until) = closed { grants.wakeAt = min(grants.wakeAt ?? until, until) }
                return grants
            }
            turn = turn < order.count ? turn : 0
            let key = order[turn]
            if serve(key, at: now, into: &grants) {
                passedOver = 0
                // A line that ended was taken out of the order, so the next one is at the same place.
                if lines[key] != nil { turn += 1 }
            } else {
                passedOver += 1
                turn += 1
            }
        }
        return grants
    }

    private mutating func serve(_ key: LineKey, at now: Duration, into grants: inout Grants) -> Bool {
        guard let line = lines[key] else { return false }
        if line.notBefore > now {
            grants.wakeAt = min(grants.wakeAt ?? line.notBefore, line.notBefore)
            return false
        }
        let (waiter, route) = line.waiters[line.head]
        switch limiter.permit(for: route, at: now) {
        case .granted(let permit):
            grants.granted.append((waiter, permit))
            lines[key]?.head += 1
            if lines[key]?.isEmpty == true { remove(key) }
            return true
        case .wait(let until):
            lines[key]?.notBefore = until
            grants.wakeAt = min(grants.wakeAt ?? until, until)
            return false
        case .waitForCompletion:
            return false
        }
    }

    private mutating func remove(_ key: LineKey) {
        lines[key] = nil
        guard let index = order.firstIndex(of: key) else { return }
        order.remove(at: index)
        if index < turn { turn -= 1 }
    }
}
