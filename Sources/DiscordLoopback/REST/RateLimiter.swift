/// A bucket's rule: so many requests per window, counted from the first request of the window.
struct BucketRule: Sendable {
    var name: String
    var requests: Int
    var windowNanoseconds: UInt64

    init(_ name: String, _ requests: Int, perSeconds seconds: Int) {
        self.name = name
        self.requests = requests
        self.windowNanoseconds = UInt64(seconds) * 1_000_000_000
    }

    /// An opaque id, as Discord gives one: the route's own hash without the channel.
    var hash: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The rate limits of REST: a window per (bucket, channel or guild), one for all, and the count of refused requests.
struct RateLimiter {
    struct Key: Hashable {
        var bucket: String
        var major: Snowflake
        var who: String
    }

    /// Where a window stands after a request was counted or refused.
    struct Standing {
        var rule: BucketRule
        var admitted: Bool
        var remaining: Int
        var resetAfterNanoseconds: UInt64
    }

    private struct Window {
        var start: UInt64
        var used: Int
    }

    private var windows: [Key: Window] = [:]
    private var global: [String: Window] = [:]
    private var invalid = Window(start: 0, used: 0)

    /// Counts a request, or refuses it when its window is full.
    mutating func admit(_ key: Key, _ rule: BucketRule, now: UInt64) -> Standing {
        if windows.count > LoopbackLimits.rateLimitBuckets {
            windows = windows.filter { now < $0.value.start + 600_000_000_000 }
        }
        var window = windows[key] ?? Window(start: now, used: 0)
        if now >= window.start + rule.windowNanoseconds { window = Window(start: now, used: 0) }
        let admitted = window.used < rule.requests
        if admitted { window.used += 1 }
        windows[key] = window
        return Standing(
            rule: rule, admitted: admitted, remaining: rule.requests - window.used,
            resetAfterNanoseconds: window.start + rule.windowNanoseconds - now)
    }

    /// Counts a request against the limit over all routes; returns how long to wait when it is full.
    mutating func admitGlobally(_ who: String, limit: Int, now: UInt64) -> UInt64? {
        let second: UInt64 = 1_000_000_000
        var window = global[who] ?? Window(start: now, used: 0)
        if now >= window.start + second { window = Window(start: now, used: 0) }
        defer { global[who] = window }
        guard window.used < limit else { return window.start + second - now }
        window.used += 1
        return nil
    }

    /// Counts a response 401, 403 or 429 (scope `shared` excepted).
    mutating func countInvalid(now: UInt64) {
        let length = UInt64(LoopbackLimits.invalidRequestWindowSeconds) * 1_000_000_000
        if now >= invalid.start + length { invalid = Window(start: now, used: 0) }
        invalid.used += 1
    }

    /// How long the ban for too many invalid requests still lasts; `nil` without one.
    func ban(limit: Int, now: UInt64) -> UInt64? {
        let end = invalid.start + UInt64(LoopbackLimits.invalidRequestWindowSeconds) * 1_000_000_000
        return invalid.used >= limit && now < end ? end - now : nil
    }

    var invalidRequests: Int { invalid.used }
}
