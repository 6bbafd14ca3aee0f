import CLinux
import Glibc
import Synchronization
public import WakeCore

/// The machine's own clocks: CLOCK_REALTIME, CLOCK_BOOTTIME and the kernel's boot id.
public struct SystemMoments: MomentSource {
    /// One hour.
    private static let longestSleepMicroseconds: Int64 = 3_600_000_000

    private let boot: BootID
    private let witness: ClockWitness
    private let sleep: @Sendable (Duration) async -> Void

    /// Reads the boot id once: from `REVEILLE_BOOT_ID`, which a unit hands in as `%b` (under ProcSubset=pid the kernel's own file is hidden),
    /// else from the kernel.
    ///
    /// - Parameters:
    ///   - environment: where `REVEILLE_BOOT_ID` may be.
    ///   - witness: who says whether the clock is set, where the kernel may not be asked; default one that says it is.
    ///   - sleep: waits that long, or until its task is cancelled; by default Swift's own, which begins a pool of threads.
    /// - Throws: ``WakeError`` where there is neither.
    public init(
        environment: [String: String], witness: ClockWitness = ClockWitness(isSynchronised: true),
        sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0, clock: .continuous) }
    ) throws(WakeError) {
        self.witness = witness
        self.sleep = sleep
        if let text = environment["REVEILLE_BOOT_ID"], !text.isEmpty {
            boot = BootID(text)
        } else if let text = Self.read("/proc/sys/kernel/random/boot_id"), !text.isEmpty {
            boot = BootID(text)
        } else {
            throw WakeError(
                .notFound, "the boot id can't be read from /proc/sys/kernel/random/boot_id",
                hint: "Set REVEILLE_BOOT_ID, in a unit with Environment=REVEILLE_BOOT_ID=%b.")
        }
    }

    /// Now, by both clocks.
    public func now() -> Moment {
        Moment(
            wallMilliseconds: Self.microseconds(CLOCK_REALTIME) / 1000, boot: boot,
            boottimeMicroseconds: Self.microseconds(CLOCK_BOOTTIME), clockSynchronised: isSynchronised)
    }

    /// Sleeps until then; suspended time counts.
    public func wait(untilBoottimeMicroseconds deadline: Int64) async {
        while !Task.isCancelled {
            let left = deadline.subtractingReportingOverflow(Self.microseconds(CLOCK_BOOTTIME))
            guard !left.overflow, left.partialValue > 0 else { return }
            // In pieces: the sleep's own clock may stand still while the machine is suspended.
            await sleep(.microseconds(min(left.partialValue, Self.longestSleepMicroseconds)))
        }
    }

    /// What the kernel tells.
    public func steps() -> AsyncStream<Void> { ClockSteps.stream() }

    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// adjtimex(2) says TIME_ERROR while nothing disciplines the clock.
    private var isSynchronised: Bool {
        switch reveille_clock_is_synchronised() {
        case 0: false
        case 1: true
        default: witness.isSynchronised
        }
    }

    /// Whether the kernel tells by itself that the clock is set.
    public static var kernelTellsSynchronised: Bool { reveille_clock_is_synchronised() >= 0 }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = Glibc.read(file, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}

/// Somebody's word that the wall clock is set, for sandboxes in which the kernel may not be asked.
public final class ClockWitness: Sendable {
    private let word: Atomic<Bool>

    /// Begins with that word.
    public init(isSynchronised: Bool) { word = Atomic(isSynchronised) }

    /// The word.
    public var isSynchronised: Bool { word.load(ordering: .acquiring) }

    /// It is set; it stays so.
    public func testify() { word.store(true, ordering: .releasing) }
}

/// The system's random numbers.
public struct SystemDice: DiceSource {
    /// The system's random numbers.
    public init() {}

    /// 128 fresh random bits.
    public func roll() -> Dice {
        var random = SystemRandomNumberGenerator()
        return Dice(high: random.next(), low: random.next())
    }
}
