/// Decides when a request may go, so that Discord never answers 429. A value without a clock.
///
/// **Theory.** Discord counts requests in *fixed windows*: the first request that reaches a bucket opens a window of W seconds,
/// in which L requests pass. A bucket is named by the server (`X-RateLimit-Bucket`), which endpoints share it is known only from
/// answers, and every major parameter (channel, guild) has its own count. On top, 50 requests a second pass in all. We see
/// neither the server's clock nor when a request arrives; we know only that it arrived *after we sent it and before its answer
/// came*. From that:
///
/// 1. *When a window ends.* `now + Reset-After` at the time of the answer is never before the server's own reset, whatever the
///    latency. Of several answers the latest counts: an answer may belong to the next window already.
/// 2. *What is left in it.* We take one off at each send, and never believe more than the server's `Remaining`. When the
///    window has ended, what is in flight counts against the new one: it may arrive there.
/// 3. *An endpoint never seen.* One request at a time for each channel until an answer names the bucket; its limit then
///    holds for every other channel of the endpoint from its first request on.
/// 4. *The global limit.* A request holds its slot from its send until 1 s after its answer. It arrived before the answer, and
///    what takes its slot arrives later than that second: no second of the server's, wherever it begins, sees more than 50.
///
/// The price is about one round trip for each window; the gain is that no 429 is ever needed to find a limit. A 429 comes only if
/// somebody else uses the same token (`user`, `global`) or the same place (`shared`), and then what it asks for is obeyed.
public struct RateLimiter: Sendable {
    /// Requests that pass in a second over all endpoints. Rule: Discord, topics/rate-limits, "Global Rate Limit".
    public static let globalLimit = 50
    /// How long a permit may be out before it counts as sent and lost.
    public static let permitLifetime = Duration.seconds(60)
    /// How many idle windows are remembered.
    static let maximumWindows = 4_096

    /// A request that may go now. Must be handed to ``complete(_:with:at:)`` or ``giveBack(_:)``; forgotten ones lapse.
    public struct Permit: Hashable, Sendable {
        /// Tells it from every other permit.
        public let id: UInt64
        /// What it is for.
        public let route: DiscordRoute
    }

    /// The answer to a request for a permit.
    public enum Decision: Hashable, Sendable {
        /// Go.
        case granted(Permit)
        /// Not before this time since boot, and then ask again.
        case wait(until: Duration)
        /// Not before a request that is under way has ended.
        case waitForCompletion
    }

    /// What became of a permit.
    public enum Completion: Hashable, Sendable {
        /// An answer came.
        case answered(status: Int, RateLimitHeaders)
        /// It was sent, or may have been, and no answer came.
        case unanswered
    }

    struct Endpoint: Hashable {
        let method: String
        let template: String
        init(_ route: DiscordRoute) { (method, template) = (route.method, route.template) }
    }

    struct Key: Hashable {
        /// A bucket's name, or the endpoint's until an answer has named it.
        let bucket: String
        let major: Snowflake?
    }

    struct Window {
        /// `nil` until an answer told it.
        var limit: Int?
        var remaining = 1
        var resetAt: Duration?
        var blockedUntil = Duration.zero
        var inFlight = 0

        mutating func roll(at now: Duration) {
            guard let resetAt, resetAt <= now else { return }
            self.resetAt = nil
            // What is in flight may arrive in the new window.
            remaining = max(0, (limit ?? 1) - inFlight)
        }

        func decision(at now: Duration) -> (mayGo: Bool, wakeAt: Duration?) {
            if blockedUntil > now { return (false, blockedUntil) }
            if limit == nil { return (inFlight == 0, resetAt) }
            return (remaining > 0, resetAt)
        }
    }

    private var buckets: [Endpoint: String] = [:]
    private var limits: [String: Int] = [:]
    private var windows: [Key: Window] = [:]
    private var outstanding: [UInt64: (key: Key, sentAt: Duration)] = [:]
    private var slotFreeAt: [Duration] = []
    private var globallyBlockedUntil = Duration.zero
    private var invalid: InvalidRequestGuard
    private var lastPermit: UInt64 = 0

    /// A limiter that knows nothing yet.
    public init(invalidRequests: InvalidRequestGuard = .init()) {
        invalid = invalidRequests
    }

    /// How many permits are out.
    public var permitsOut: Int { outstanding.count }

    /// Asks for a permit.
    public mutating func permit(for route: DiscordRoute, at now: Duration) -> Decision {
        lapse(at: now)
        if let wait = globalWait(at: now) { return wait }
        let key = key(for: route)
        var window = windows[key] ?? Window(limit: limits[key.bucket], remaining: limits[key.bucket] ?? 1)
        window.roll(at: now)
        let (mayGo, wakeAt) = window.decision(at: now)
        guard mayGo else {
            windows[key] = window
            return wakeAt.map { .wait(until: $0) } ?? .waitForCompletion
        }
        window.remaining = max(0, window.remaining - 1)
        window.inFlight += 1
        windows[key] = window
        lastPermit += 1
        outstanding[lastPermit] = (key, now)
        prune(at: now)
        return .granted(Permit(id: lastPermit, route: route))
    }

    /// When a request for the route may go at the earliest, as far as can be known: `now`, a later time, or `nil` if that depends
    /// on an answer that is still out.
    public func earliest(for route: DiscordRoute, at now: Duration) -> Duration? {
        var copy = self
        switch copy.permit(for: route, at: now) {
        case .granted: return now
        case .wait(let until): return until
        case .waitForCompletion: return nil
        }
    }

    /// Whether the global limit alone holds every request back now.
    public mutating func isGloballyClosed(at now: Duration) -> Decision? {
        lapse(at: now)
        return globalWait(at: now)
    }

    /// The request was sent and this came of it. A permit that is not out changes nothing but what the answer says.
    public mutating func complete(_ permit: Permit, with completion: Completion, at now: Duration) {
        let held = outstanding.removeValue(forKey: permit.id)
        if let held {
            windows[held.key]?.inFlight -= 1
            slotFreeAt.append(now + .seconds(1))
        }
        guard case .answered(let status, let headers) = completion else {
            holdUnknownWindow(held?.key, at: now)
            return
        }
        invalid.note(status: status, scope: headers.scope, at: now)
        learn(headers, for: permit.route, at: now)
        if headers.bucket == nil { holdUnknownWindow(held?.key, at: now) }
        if status == 429 { obey(headers, for: permit.route, at: now) }
    }

    /// The request was never sent.
    public mutating func giveBack(_ permit: Permit) {
        guard let held = outstanding.removeValue(forKey: permit.id), var window = windows[held.key] else { return }
        window.inFlight -= 1
        window.remaining += 1
        if let limit = window.limit { window.remaining = min(window.remaining, limit - window.inFlight) }
        windows[held.key] = window
    }
}

// MARK: - Inside

extension RateLimiter {
    private func key(for route: DiscordRoute) -> Key {
        let endpoint = Endpoint(route)
        return Key(bucket: buckets[endpoint] ?? Self.provisional(endpoint), major: route.major)
    }

    private static func provisional(_ endpoint: Endpoint) -> String { "\(endpoint.method) \(endpoint.template)" }

    private mutating func globalWait(at now: Duration) -> Decision? {
        if let until = invalid.closedUntil(at: now) { return .wait(until: until) }
        if globallyBlockedUntil > now { return .wait(until: globallyBlockedUntil) }
        if let first = slotFreeAt.first, first <= now { slotFreeAt.removeAll { $0 <= now } }
        guard outstanding.count + slotFreeAt.count >= Self.globalLimit else { return nil }
        return slotFreeAt.first.map { .wait(until: $0) } ?? .waitForCompletion
    }

    /// Takes in what an answer says of its bucket.
    private mutating func learn(_ headers: RateLimitHeaders, for route: DiscordRoute, at now: Duration) {
        guard let bucket = headers.bucket, let limit = headers.limit else { return }
        name(Endpoint(route), bucket)
        limits[bucket] = limit
        let key = Key(bucket: bucket, major: route.major)
        var window = windows[key] ?? Window(limit: limit, remaining: limit)
        window.roll(at: now)
        // Others that were sent before the limit was known are not in `Remaining` for certain.
        if window.limit == nil { window.remaining = max(0, limit - window.inFlight) }
        window.limit = limit
        window.remaining = min(window.remaining, headers.remaining ?? window.remaining)
        if let resetAfter = headers.resetAfter { window.resetAt = max(window.resetAt ?? .zero, now + resetAfter) }
        windows[key] = window
    }

    /// An endpoint's bucket is known now: what was counted under the endpoint's own name moves there.
    private mutating func name(_ endpoint: Endpoint, _ bucket: String) {
        guard buckets[endpoint] != bucket else { return }
        let isFirst = buckets.updateValue(bucket, forKey: endpoint) == nil
        guard isFirst else { return }
        let old = Self.provisional(endpoint)
        for (key, window) in windows where key.bucket == old {
            let new = Key(bucket: bucket, major: key.major)
            windows[key] = nil
            var merged = windows[new] ?? Window()
            merged.inFlight += window.inFlight
            merged.remaining = max(0, merged.remaining - window.inFlight)
            merged.blockedUntil = max(merged.blockedUntil, window.blockedUntil)
            windows[new] = merged
        }
        for (id, held) in outstanding where held.key.bucket == old {
            outstanding[id] = (Key(bucket: bucket, major: held.key.major), held.sentAt)
        }
    }

    /// A request that ended without headers opened a window whose end nobody told: take it for the usual 5 s.
    private mutating func holdUnknownWindow(_ key: Key?, at now: Duration) {
        guard let key, var window = windows[key], window.limit != nil, window.resetAt == nil else { return }
        window.resetAt = now + .seconds(5)
        windows[key] = window
    }

    private mutating func obey(_ headers: RateLimitHeaders, for route: DiscordRoute, at now: Duration) {
        let until = now + (headers.retryAfter ?? .seconds(5))
        if headers.scope == .global {
            globallyBlockedUntil = max(globallyBlockedUntil, until)
            return
        }
        let key = key(for: route)
        windows[key, default: Window(limit: limits[key.bucket])].blockedUntil = max(windows[key]?.blockedUntil ?? .zero, until)
    }

    private mutating func lapse(at now: Duration) {
        // Permits are few (the global limit), and lapse only if their holder forgot them.
        for (id, held) in outstanding where now - held.sentAt >= Self.permitLifetime {
            outstanding[id] = nil
            windows[held.key]?.inFlight -= 1
            holdUnknownWindow(held.key, at: now)
        }
    }

    private mutating func prune(at now: Duration) {
        guard windows.count > Self.maximumWindows else { return }
        windows = windows.filter { _, window in
            window.inFlight > 0 || window.blockedUntil > now || (window.resetAt ?? .zero) > now
        }
    }
}
