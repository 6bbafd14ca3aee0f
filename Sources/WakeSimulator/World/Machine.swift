internal import WakeCore
internal import WakeTesting

/// The machine's clocks. The world's own time is the truth; Discord lives by it.
struct Machine {
    private(set) var bootNumber = 0
    private(set) var boot = BootID("boot0")
    private(set) var bootedAt: Int64 = 0
    private(set) var wallOffsetMilliseconds: Int64 = 0
    private(set) var isSynchronised = true

    static let epochMilliseconds: Int64 = 1_800_000_000_000

    func moment(at time: Int64) -> Moment {
        Moment(
            wallMilliseconds: Self.epochMilliseconds + time / 1000 + wallOffsetMilliseconds, boot: boot,
            boottimeMicroseconds: time - bootedAt + 1_000_000, clockSynchronised: isSynchronised)
    }

    /// The world's time at which boottime reaches the given point.
    func time(ofBoottime microseconds: Int64) -> Int64 { microseconds - 1_000_000 + bootedAt }

    mutating func reboot(at time: Int64, synchronised: Bool, offsetMilliseconds: Int64) {
        bootNumber += 1
        boot = BootID("boot\(bootNumber)")
        bootedAt = time
        isSynchronised = synchronised
        wallOffsetMilliseconds = offsetMilliseconds
    }

    mutating func loseSynchronisation(offsetMilliseconds: Int64) {
        isSynchronised = false
        wallOffsetMilliseconds = offsetMilliseconds
    }

    mutating func synchronise(offsetMilliseconds: Int64) {
        isSynchronised = true
        wallOffsetMilliseconds = offsetMilliseconds
    }
}
