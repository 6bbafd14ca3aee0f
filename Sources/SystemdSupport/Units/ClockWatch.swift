public import Logging
import WakeCore
public import WakeService

/// Finds out over the bus whether the wall clock is set, where a sandbox keeps the kernel from telling.
///
/// Rule: org.freedesktop.timedate1(5), `NTPSynchronized`.
public struct ClockWatch: Sendable {
    private let bus: Bus
    private let witness: ClockWitness
    private let moments: any MomentSource
    private let logger: Logger

    /// How often it is asked again: nobody tells when it changes.
    private static let askEvery: Duration = .seconds(10)

    /// Prepares a watch; `bus` is the system's.
    public init(_ bus: Bus, witness: ClockWitness, moments: any MomentSource, logger: Logger) {
        self.bus = bus
        self.witness = witness
        self.moments = moments
        self.logger = logger
    }

    /// Asks until the clock is set, or cancelled.
    ///
    /// - Parameter synchronised: called once, when it is known to be set.
    public func run(_ synchronised: @Sendable () -> Void) async {
        for await case .connected in bus.events() { break }
        while !Task.isCancelled, !witness.isSynchronised {
            do {
                let call = BusCall(
                    "org.freedesktop.timedate1", "/org/freedesktop/timedate1", Systemd.properties, "Get",
                    [.string("org.freedesktop.timedate1"), .string("NTPSynchronized")])
                if try await bus.call(call).first?.boolean == true {
                    witness.testify()
                    return synchronised()
                }
            } catch {
                guard error != .notWaitedFor else { return }
                // Nobody here can tell: better taken for set than waited for without end.
                logger.notice("nobody tells whether the clock is set; it is taken to be", metadata: [LogKey.error: "\(error)"])
                witness.testify()
                return synchronised()
            }
            await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: Self.askEvery).boottimeMicroseconds)
        }
    }
}
