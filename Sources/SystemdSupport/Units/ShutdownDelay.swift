import Glibc
public import Logging
import WakeService

/// Holds a shutdown that others began for a moment, until what is open is on disk. Taken from logind, at most its
/// InhibitDelayMaxSec (5 s); a forced reboot asks nobody.
///
/// Rule: systemd.io, "Inhibitor Locks"; org.freedesktop.login1(5).
public struct ShutdownDelay: Sendable {
    private let bus: Bus
    private let logger: Logger
    private let finish: @Sendable () async -> Void
    private let calledOff: @Sendable () async -> Void

    /// Prepares one.
    ///
    /// - Parameters:
    ///   - bus: the system's.
    ///   - logger: for what was done.
    ///   - finish: returns when all that is open is on disk.
    ///   - calledOff: hears that the shutdown won't come after all.
    public init(
        _ bus: Bus, logger: Logger, finish: @escaping @Sendable () async -> Void,
        calledOff: @escaping @Sendable () async -> Void
    ) {
        self.bus = bus
        self.logger = logger
        self.finish = finish
        self.calledOff = calledOff
    }

    /// Holds the lock until cancelled.
    public func run() async {
        let events = bus.events()
        bus.watch(Logind.shutdownRule)
        var lock: Int32?
        for await event in events {
            switch event {
            case .connected:
                release(&lock)
                lock = await take()
            case .signal(let signal) where signal.member == "PrepareForShutdown":
                if signal.arguments.first?.boolean == true {
                    await finish()
                    release(&lock)
                    logger.notice("a shutdown was held until all was on disk")
                } else if lock == nil {
                    await calledOff()
                    lock = await take()
                }
            default: break
            }
        }
        release(&lock)
    }

    private func take() async -> Int32? {
        do {
            let answer = try await bus.call(
                Logind.call(
                    "Inhibit",
                    [.string("shutdown"), .string("Reveille"), .string("open sentinels are being written"), .string("delay")]))
            guard case .descriptor(let lock)? = answer.first else { return nil }
            return lock
        } catch {
            guard error != .notWaitedFor else { return nil }
            logger.info("a shutdown can't be held", metadata: [LogKey.error: "\(error)"])
            return nil
        }
    }

    private func release(_ lock: inout Int32?) {
        if let descriptor = lock { close(descriptor) }
        lock = nil
    }
}
