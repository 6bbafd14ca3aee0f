/// How often a caller may change something: so many calls of one method within a minute. Old calls are forgotten.
public struct WriteLimiter: Sendable {
    private struct Place: Hashable {
        let caller: String
        let method: String
    }

    /// The most callers and methods that are kept; where there are more, the longest idle is forgotten.
    public static let maximumPlaces = 4_096

    private let count: Int
    private let window: Int64
    private var calls: [Place: [Int64]] = [:]

    /// Makes a limiter.
    ///
    /// - Parameters:
    ///   - count: how many calls, ``GatewayLimits/writes`` by default.
    ///   - windowMilliseconds: within which time, ``GatewayLimits/writeWindowMilliseconds`` by default.
    public init(count: Int = GatewayLimits.writes, windowMilliseconds: Int64 = GatewayLimits.writeWindowMilliseconds) {
        self.count = count
        window = windowMilliseconds
    }

    /// Counts a call, if it may be made.
    ///
    /// - Parameters:
    ///   - method: the method.
    ///   - caller: the caller's key.
    ///   - now: milliseconds by a clock that is never stepped.
    /// - Returns: nil where it may be made, else after how many milliseconds the next one may.
    public mutating func take(_ method: String, by caller: String, at now: Int64) -> Int64? {
        let place = Place(caller: caller, method: method)
        var recent = (calls[place] ?? []).filter { now - $0 < window }
        if recent.count >= count, let oldest = recent.first {
            calls[place] = recent
            return max(1, window - (now - oldest))
        }
        recent.append(now)
        calls[place] = recent
        if calls.count > Self.maximumPlaces {
            calls = calls.filter { now - ($0.value.last ?? 0) < window }
            if calls.count > Self.maximumPlaces, let idle = calls.min(by: { ($0.value.last ?? 0) < ($1.value.last ?? 0) }) {
                calls[idle.key] = nil
            }
        }
        return nil
    }
}
