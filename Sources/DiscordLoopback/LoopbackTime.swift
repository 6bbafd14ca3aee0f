#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the loopback takes its time from: two readings and a way to wait.
public struct LoopbackTime: Sendable {
    /// Milliseconds since 1970.
    public var wallMilliseconds: @Sendable () -> Int64
    /// Nanoseconds on a clock that never steps back.
    public var monotonicNanoseconds: @Sendable () -> UInt64
    /// Waits; throws `CancellationError` when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// Makes a time source of these three functions.
    public init(
        wallMilliseconds: @escaping @Sendable () -> Int64,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.monotonicNanoseconds = monotonicNanoseconds
        self.sleep = sleep
    }

    /// Makes a time source that follows any clock, e.g. a manual one; wall time starts at the given moment.
    public init<C: Clock>(following clock: C, wallMillisecondsAtStart: Int64) where C.Duration == Duration {
        let start = clock.now
        let elapsed: @Sendable () -> UInt64 = { start.duration(to: clock.now).nanoseconds }
        self.init(
            wallMilliseconds: { wallMillisecondsAtStart + Int64(elapsed() / 1_000_000) },
            monotonicNanoseconds: elapsed,
            sleep: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) })
    }

    /// The machine's clocks. The monotonic one is `CLOCK_MONOTONIC`, so that logs of several processes compare.
    public static let live = LoopbackTime(
        wallMilliseconds: { Int64(read(CLOCK_REALTIME) / 1_000_000) },
        monotonicNanoseconds: { read(CLOCK_MONOTONIC) },
        sleep: { try await Task.sleep(for: $0) })

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds; negative durations count as none.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 || attoseconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }

    var milliseconds: Int { Int(nanoseconds / 1_000_000) }

    /// Seconds with a fraction.
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
