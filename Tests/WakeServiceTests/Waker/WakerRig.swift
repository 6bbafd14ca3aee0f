import Logging
import WakeCore
import WakeService
import WakeTesting

/// A waker between doubles: everything it needs, and what it logged.
struct WakerRig: Sendable {
    static let route = Route(channel: .discord(), kind: .channel, destination: "1234")

    let ledger = InMemoryLedger()
    let moments = ManualMoments()
    let transport: ScriptedNoticeTransport
    let check = ScriptedRouteCheck()
    let lookup = ScriptedReceiptLookup()
    let restarter = ScriptedRestarter([.daemon, .exec, .unit("web.service")])
    let epochs = ScriptedEpochSource([.unit("web.service"), .host])
    let bus = ReadinessBus()
    let log = CapturedLog()
    var policy = Policy()
    var turns: [any TurnSink] = []

    init(grantsAtOnce: Bool = true) { transport = ScriptedNoticeTransport(grantsAtOnce: grantsAtOnce) }

    func waker(_ instance: String = "first") -> Waker {
        Waker(
            ledger: ledger,
            outside: .init(
                transports: [transport], turns: turns, routeChecks: [check], lookups: [lookup], epochs: [epochs],
                restarts: RestartCoordinator([restarter])),
            bus: bus, moments: moments, dice: SeededDice(), policy: policy, instance: .token(instance), logger: log.logger)
    }

    /// One life of the daemon: recovered before the body, stopped after it.
    func life(_ instance: String = "first", _ body: @Sendable (Waker) async throws -> Void) async throws {
        let waker = waker(instance)
        let isReady = Witness(false)
        let run = Task { try await waker.run { isReady.change { $0 = true } } }
        await isReady.wait { $0 }
        do {
            try await body(waker)
        } catch {
            waker.stop()
            _ = await run.result
            throw error
        }
        waker.stop()
        try await run.value
    }

    func request(
        _ number: UInt64 = 1, target: RestartTarget = .daemon, delay: Duration = .zero, command: [String]? = nil,
        session: String = "agent:infra:discord:channel:1234", note: String = "go on with the patch"
    ) throws -> RestartRequest {
        RestartRequest(
            id: Identifier(high: 1, low: number), session: try SessionKey(session), note: note, target: target,
            command: command.map { .init(arguments: $0, directory: "/") }, delay: delay, requestedAt: moments.now())
    }

    /// A wake that is held: asked for in one life, fired by the start of the next. The waker of the body is the second one.
    func held(count: UInt64 = 1, _ body: @Sendable (Waker, DeliveryID) async throws -> Void) async throws {
        for number in 1...count {
            var request = try request(number)
            request.epoch = .token("an earlier life")
            try ledger.append(request)
        }
        try await life { waker in
            let delivery = try await delivery()
            try await body(waker, delivery)
        }
    }

    /// The first delivery, once there is one.
    func delivery() async throws -> DeliveryID {
        let line = await log.line(.deliveryHeld)
        guard let id = line.metadata[LogKey.delivery].flatMap({ DeliveryID("\($0)") }) else { throw NoDelivery() }
        return id
    }

    func openGate(generation: UInt64 = 1) { bus.report(.discord(), .ready(generation: generation)) }

    func state(of id: DeliveryID) -> String? { ledger.tables.deliveries[id]?.stateName }

    struct NoDelivery: Error {}
}

extension InMemoryLedger {
    func append(_ request: RestartRequest) throws { _ = try append(.request(request)) }
}

/// A log that tests can read and wait for.
struct CapturedLog: Sendable {
    struct Line: Sendable {
        let message: String
        let metadata: Logger.Metadata
        var event: String? { metadata[LogKey.event].map { "\($0)" } }
        var reason: String? { metadata[LogKey.reason].map { "\($0)" } }
    }

    private struct Handler: LogHandler {
        let lines: Witness<[Line]>
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(message: "\(event.message)", metadata: event.metadata ?? [:])
            lines.change { $0.append(line) }
        }
    }

    let lines = Witness<[Line]>([])

    var logger: Logger { Logger(label: "test") { [lines] _ in Handler(lines: lines) } }

    /// The n-th line of that decision, once it is there.
    @discardableResult
    func line(_ code: Decision.Code, _ number: Int = 1) async -> Line {
        await lines.wait { $0.count { $0.event == code.rawValue } >= number }
        return lines.value.filter { $0.event == code.rawValue }[number - 1]
    }

    func wait(forMessage text: String) async { await lines.wait { $0.contains { $0.message.contains(text) } } }

    func count(_ code: Decision.Code) -> Int { lines.value.count { $0.event == code.rawValue } }
}
