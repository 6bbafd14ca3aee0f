/// Keeps the machine's address from being banned: Discord blocks an IP after 10,000 answers of 401, 403 or 429 in 10 minutes.
///
/// We stop at a twentieth of that, because other programs may share the address. 429s of scope `shared` don't count.
/// Rule: Discord, topics/rate-limits, "Invalid Request Limit".
public struct InvalidRequestGuard: Hashable, Sendable {
    /// After how many we stop. Default 500.
    public var stopsAt: Int
    /// The window that Discord counts in.
    public static let window = Duration.seconds(600)
    /// Counted in steps of this length, so that memory has a bound.
    static let step = Duration.seconds(10)

    private var counts: [(start: Duration, count: Int)] = []

    /// Takes the number to stop at.
    public init(stopsAt: Int = 500) {
        self.stopsAt = max(1, stopsAt)
    }

    /// Counts an answer, if it is one that counts.
    public mutating func note(status: Int, scope: RateLimitHeaders.Scope?, at now: Duration) {
        guard status == 401 || status == 403 || (status == 429 && scope != .shared) else { return }
        counts.removeAll { now - $0.start >= Self.window + Self.step }
        if let last = counts.last, now - last.start < Self.step {
            counts[counts.count - 1].count += 1
        } else {
            counts.append((now, 1))
        }
    }

    /// Until when no request may be sent; `nil` while there is room.
    public func closedUntil(at now: Duration) -> Duration? {
        let live = counts.filter { now - $0.start < Self.window + Self.step }
        var excess = live.reduce(0) { $0 + $1.count } - stopsAt + 1
        guard excess > 0 else { return nil }
        for (start, count) in live {
            excess -= count
            if excess <= 0 { return start + Self.window + Self.step }
        }
        return nil
    }

    /// By the counts.
    public static func == (left: Self, right: Self) -> Bool {
        left.stopsAt == right.stopsAt && left.counts.elementsEqual(right.counts) { $0 == $1 }
    }

    /// By the counts.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(stopsAt)
        for (start, count) in counts {
            hasher.combine(start)
            hasher.combine(count)
        }
    }
}
