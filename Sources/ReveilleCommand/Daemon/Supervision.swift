import Logging
import ServiceLifecycle
import SystemdSupport
import WakeCore
import WakeService

/// Tells the service manager and the bus how we are: ready, what is waited for, and that the loop which does the work keeps up.
struct Supervision {
    private enum Input: Sendable {
        case channel(ChannelName, ChannelState)
        case changed
        case recovered
        case tellAgain
        case due(Int)
    }

    /// How soon after a change it is told: what changes often is told at most so often.
    private static let settleMicroseconds: Int64 = 200_000
    /// How often words that hold a span of time are told anew.
    private static let refreshMicroseconds: Int64 = 5_000_000
    /// How much longer the service manager is to wait for us than until we tell it again.
    private static let patience: Duration = .seconds(20)

    private let manager: ServiceManager
    private let readyWhen: [ChannelName]
    private let moments: any MomentSource
    private let logger: Logger
    private let face: BusFace
    private let inputs: AsyncStream<Input>
    private let input: AsyncStream<Input>.Continuation

    init(_ manager: ServiceManager, readyWhen: [ChannelName], moments: any MomentSource, logger: Logger, face: BusFace) {
        self.manager = manager
        self.readyWhen = readyWhen
        self.moments = moments
        self.logger = logger
        self.face = face
        (inputs, input) = AsyncStream.makeStream()
    }

    /// Whom it asks and listens to; set before it runs.
    func watching(_ waker: Waker, _ bus: ReadinessBus) -> some Service { Runner(supervision: self, waker: waker, bus: bus) }

    /// The waker did something.
    func changed() { input.yield(.changed) }

    /// The ledger is open, and what an earlier life left is taken up.
    func recovered() { input.yield(.recovered) }

    /// The service manager was told something else meanwhile.
    func tellAgain() { input.yield(.tellAgain) }

    /// The end has begun.
    func stopping() { manager.tell(.stopping, .status("stopping: sends under way are waited for")) }

    /// Tells who holds the end up.
    func stopping(waitsFor part: String) {
        manager.tell(.status("stopping: \(part) is waited for"))
        logger.warning(
            "the stop waits for a part that does not end", metadata: [LogKey.event: "stopHeldUp", LogKey.place: "\(part)"])
    }

    private struct Runner: NamedService {
        var description: String { "supervision" }
        let supervision: Supervision
        let waker: Waker
        let bus: ReadinessBus

        func run() async throws {
            await cancelWhenGracefulShutdown { await supervision.work(waker, bus) }
        }
    }

    // MARK: The loop

    private struct Seen {
        var channels: [ChannelName: (state: ChannelState, since: Moment)] = [:]
        var outlook = Outlook()
        var isRecovered = false
        var isReady = false
        var told = ""
        /// When the outlook is to be asked for, in microseconds of boottime; nil: not now.
        var lookAt: Int64?
        var watchdogAt: Int64?
        var timer: (due: Int64, task: Task<Void, Never>)?
        var timers = 0
    }

    private func work(_ waker: Waker, _ bus: ReadinessBus) async {
        var seen = Seen()
        seen.watchdogAt = manager.watchdogPeriod.map { _ in now }
        manager.tell(.status("recovering the ledger"))
        let reports = bus.watch()
        await withDiscardingTaskGroup { group in
            group.addTask { [input] in
                for await case .channel(let name, let state) in reports { input.yield(.channel(name, state)) }
            }
            for await next in inputs {
                take(next, &seen)
                if (seen.lookAt.map { $0 <= now } ?? false) || (seen.watchdogAt.map { $0 <= now } ?? false) {
                    await look(waker, &seen)
                }
                arm(&seen)
            }
            seen.timer?.task.cancel()
            group.cancelAll()
        }
    }

    private var now: Int64 { moments.now().boottimeMicroseconds }

    private func take(_ next: Input, _ seen: inout Seen) {
        switch next {
        case .channel(let name, let state):
            seen.channels[name] = (state, moments.now())
            face.show(name, state, since: moments.now())
            lookSoon(&seen)
        case .changed: lookSoon(&seen)
        case .recovered:
            seen.isRecovered = true
            seen.lookAt = now
        case .tellAgain:
            seen.told = ""
            lookSoon(&seen)
        case .due(let number): if number == seen.timers { seen.timer = nil }
        }
    }

    private func lookSoon(_ seen: inout Seen) {
        let soon = now + Self.settleMicroseconds
        if seen.isRecovered { seen.lookAt = min(seen.lookAt ?? .max, soon) }
    }

    /// One timer at a time, for whatever is due first.
    private func arm(_ seen: inout Seen) {
        guard let due = [seen.lookAt, seen.watchdogAt].compactMap({ $0 }).min() else { return }
        if let timer = seen.timer, timer.due <= due { return }
        seen.timer?.task.cancel()
        seen.timers += 1
        let number = seen.timers
        seen.timer = (
            due,
            Task { [moments, input] in
                await moments.wait(untilBoottimeMicroseconds: due)
                if !Task.isCancelled { input.yield(.due(number)) }
            }
        )
    }

    /// Asks the waker: its answer is also the proof that it keeps up. One that hangs gives none, and the watchdog ends us.
    private func look(_ waker: Waker, _ seen: inout Seen) async {
        guard let outlook = await waker.outlook() else {
            // It has ended: a stop is under way, and there is nothing more to look at.
            (seen.lookAt, seen.watchdogAt, seen.isRecovered) = (nil, nil, false)
            return
        }
        seen.outlook = outlook
        face.show(outlook)
        var messages: [ServiceManager.Message] = []
        if let period = manager.watchdogPeriod {
            messages.append(.watchdog)
            seen.watchdogAt = now + period.wholeMicroseconds / 2
        }
        let missing = readyWhen.filter { seen.channels[$0]?.state.isReady != true }
        if seen.isRecovered, !seen.isReady {
            if missing.isEmpty {
                seen.isReady = true
                messages.append(.ready)
            } else {
                messages.append(.extendTimeout(Self.patience))
            }
        }
        let words = words(seen, missing)
        if words != seen.told {
            messages.append(.status(words))
            seen.told = words
            face.show(words)
        }
        manager.tell(messages)
        let isWaiting = outlook.isWaiting(seen.channels.values.map(\.state)) || !seen.isReady
        seen.lookAt = isWaiting && manager.isPresent ? now + Self.refreshMicroseconds : nil
    }

    private func words(_ seen: Seen, _ missing: [ChannelName]) -> String {
        let words = seen.outlook.words(seen.channels, at: moments.now())
        guard seen.isRecovered else { return "recovering the ledger" }
        return seen.isReady ? words : "not ready before \(missing.map(\.description).joined(separator: ", ")): \(words)"
    }
}
