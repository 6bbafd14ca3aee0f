public import WakeCore

/// How long to wait before connecting again: full jitter, random(0, min(cap, base × 2^n)).
///
/// Full jitter needs the fewest calls of all the usual rules (shared reference, reliability, "Retry and overload").
public struct ReconnectBackoff: Hashable, Sendable {
    /// The widest first wait. Default 1 s.
    public var base: Duration
    /// The widest wait of all. Default 30 s, so that an outage that ends is noticed within a minute, connecting included.
    public var cap: Duration

    /// Takes both bounds.
    public init(base: Duration = .seconds(1), cap: Duration = .seconds(30)) {
        self.base = base
        self.cap = cap
    }

    /// The wait after `failures` failed attempts in a row.
    public func delay(afterFailures failures: Int, jitter: UnitFraction) -> Duration {
        min(cap, base * (1 << min(max(failures, 0), 16))).scaled(by: jitter)
    }
}

extension Duration {
    /// This duration times a fraction.
    func scaled(by fraction: UnitFraction) -> Duration {
        .microseconds(Int64((Double(wholeMicroseconds) * fraction.value).rounded()))
    }

    /// Seconds from a JSON number or a header, clamped to 0...30 days; `nil` if it is no number.
    ///
    /// Rounded up: waiting a microsecond too long is free, too short is a 429.
    static func clamped(seconds: Double) -> Duration? {
        guard !seconds.isNaN else { return nil }
        return .microseconds(Int64((min(max(seconds, 0), 30 * 86_400) * 1_000_000).rounded(.up)))
    }
}
