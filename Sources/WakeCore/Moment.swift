/// The kernel's random id of one boot (`/proc/sys/kernel/random/boot_id`), without dashes.
public struct BootID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits; any text in tests.
    public let description: String

    /// Takes a boot id as the kernel prints it, with or without dashes.
    public init(_ text: String) { description = text.lowercased().filter { $0 != "-" && !$0.isWhitespace } }

    /// Reads the plain text as it was written; a start reads many thousands.
    public init(from decoder: any Decoder) throws { description = try String(from: decoder) }

    /// Writes the plain text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

/// One point in time: wall time, boot id and boottime, always together.
///
/// Within one boot, boottime decides. Across boots wall time does, and nothing is known by it until the clock is synchronised.
public struct Moment: Hashable, Sendable, Codable {
    /// Milliseconds since 1970-01-01 UTC by the wall clock, which may be stepped.
    public var wallMilliseconds: Int64
    /// The boot in which it was read.
    public var boot: BootID
    /// Microseconds since boot, suspended time included (CLOCK_BOOTTIME).
    public var boottimeMicroseconds: Int64
    /// Whether the wall clock was synchronised when it was read (`adjtimex`: no TIME_ERROR).
    public var clockSynchronised: Bool

    /// Makes a moment.
    public init(wallMilliseconds: Int64, boot: BootID, boottimeMicroseconds: Int64, clockSynchronised: Bool = true) {
        self.wallMilliseconds = wallMilliseconds
        self.boot = boot
        self.boottimeMicroseconds = boottimeMicroseconds
        self.clockSynchronised = clockSynchronised
    }

    /// How long before this moment the other one was; never negative.
    ///
    /// - Returns: nil where it can't be known: another boot, and one of the two clocks was not synchronised.
    public func elapsed(since earlier: Moment) -> Duration? {
        if boot == earlier.boot {
            return .microseconds(max(0, boottimeMicroseconds - earlier.boottimeMicroseconds))
        }
        guard clockSynchronised, earlier.clockSynchronised else { return nil }
        return .milliseconds(max(0, wallMilliseconds - earlier.wallMilliseconds))
    }

    /// This moment and a duration later (or earlier), by both clocks; stays at the bounds of Int64.
    public func advanced(by duration: Duration) -> Moment {
        var later = self
        later.wallMilliseconds = later.wallMilliseconds.adding(duration.wholeMilliseconds)
        later.boottimeMicroseconds = later.boottimeMicroseconds.adding(duration.wholeMicroseconds)
        return later
    }
}

extension Int64 {
    fileprivate func adding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

extension Duration {
    /// The duration in microseconds, cut off towards zero; saturates at the bounds of Int64.
    public var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product.adding(attoseconds / 1_000_000_000_000)
    }

    /// The duration in milliseconds, cut off towards zero.
    public var wholeMilliseconds: Int64 { wholeMicroseconds / 1000 }
}
