public import Logging
import NetSupport

/// A stand-in for an OpenClaw gateway: its wire protocol, its restarts, and what it does with a restart sentinel, with faults on demand.
///
/// A *life* is what one process of a gateway would be: it has its own start, connection numbers and idempotency keys, and forgets them
/// at its end. Sessions, transcripts, the configuration and what is still owed lie in the state directory, so that another process
/// with the same directory goes on where this one ended.
///
/// Nothing starts in `init`; ``run()`` owns every task and returns when it is cancelled.
///
///     let server = try OpenClawLoopbackServer(options: OpenClawOptions(stateDirectory: folder, token: "secret"))
///     async let running: Void = server.run()
///     let port = try await server.port
///
/// Over HTTP on the same port: `GET /healthz`, `GET /readyz`, and `POST /loopback/restart`, `kill-connections`, `begin-run`,
/// `discord-ready`, `fault`.
public final class OpenClawLoopbackServer: Sendable {
    /// The largest message that is taken once a client is known, in bytes.
    static let maximumPayloadBytes = 26_214_400
    /// The most bytes that are taken before.
    static let firstBytes = 64 << 10

    /// What happened, as it happens.
    public let log: OpenClawLog
    private let gateway: Gateway
    private let logger: Logger
    private let starts: AsyncStream<Void>
    private let startSignal: AsyncStream<Void>.Continuation

    /// Makes a stand-in; its state directory is made and read.
    ///
    /// - Parameters:
    ///   - options: what it is, where it listens, and how it behaves.
    ///   - logger: for what goes wrong in the plumbing.
    /// - Throws: ``OpenClawLoopbackError`` for a directory that can't be used and for a Discord address that is none.
    public init(
        options: OpenClawOptions, logger: Logger = Logger(label: "openclaw-loopback")
    ) throws(OpenClawLoopbackError) {
        log = OpenClawLog(writesOut: options.writesEvents)
        gateway = try Gateway(options: options, log: log)
        self.logger = logger
        (starts, startSignal) = AsyncStream.makeStream()
    }

    /// Lives one life after another until the task is cancelled.
    ///
    /// - Throws: ``OpenClawLoopbackError`` if the port can't be listened on.
    public func run() async throws {
        defer { log.record("stop") }
        let port = try ReservedPort(gateway.options.port)
        defer { port.release() }
        let web = WebServer(
            configuration: .init(
                port: port.number, maxBodyBytes: 1 << 20, maxMessageBytes: Self.maximumPayloadBytes, firstBytes: Self.firstBytes),
            logger: logger)
        let (openings, opened) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await web.run(GatewayHandler(gateway: self.gateway)) { opened.yield($0) } }
            group.addTask { await self.live(web, openings) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func live(_ web: WebServer, _ openings: AsyncStream<Int>) async {
        for await port in openings {
            await gateway.live(port: port)
            web.stopListening()
            guard await waitForNextLife() else { return }
            web.startListening()
        }
    }

    /// Waits until somebody is to listen again; false where nobody is.
    private func waitForNextLife() async -> Bool {
        guard gateway.withState({ $0.isStopped }) else { return await gateway.wait(gateway.options.downTime) }
        for await _ in starts where !gateway.withState({ $0.isStopped }) { break }
        return !Task.isCancelled
    }

    /// The port; waits until it is open. It is the same in all lives.
    ///
    /// - Throws: `CancellationError` where the stand-in ended before, as it does when the port is taken.
    public var port: Int {
        get async throws {
            for await event in log.stream() {
                if event.name == "listening", let port = event["port"].flatMap({ Int($0) }) { return port }
                if event.name == "stop" { break }
            }
            throw CancellationError()
        }
    }

    /// Everything that happened and happens; ends only with the task that reads it.
    public var events: AsyncStream<OpenClawEvent> { log.stream() }

    // MARK: - What a test or a demo may do

    /// Restarts in order, at once, as by signal: nothing of it is written down for the next life.
    public func restart(reason: String = "SIGUSR1") {
        gateway.withState { $0.restart(reason: reason) }
    }

    /// Ends the life as SIGKILL would, with no close frame; the next one begins after the down time.
    public func kill() {
        gateway.withState { $0.dropDead() }
    }

    /// Ends the life in order; nobody listens until ``start()``.
    public func stop() {
        gateway.withState { state in
            state.isStopped = true
            state.shutDown(cause: "stopped", reason: "gateway stopping", expectedMilliseconds: nil)
        }
    }

    /// Begins a life after ``stop()``.
    public func start() {
        gateway.withState { $0.isStopped = false }
        startSignal.yield()
    }

    /// Begins a turn that stays active until its life ends; the message is in the session's transcript when this returns.
    ///
    /// - Parameters:
    ///   - session: the key; the session is made if it is not there.
    ///   - message: what the user said.
    public func beginRun(session: String, message: String = "Work until you are interrupted.") {
        gateway.withState { state in
            guard state.life.isOn else { return }
            state.beginTurn(Turn(session: session, message: message, source: "test", isEndless: true))
        }
    }

    /// Makes a session without a transcript, or gives it a label and a route.
    ///
    /// - Parameters:
    ///   - key: the session's key.
    ///   - label: its label.
    ///   - to: the Discord target where it was last spoken with; by default what the key says.
    public func addSession(_ key: String, label: String? = nil, to: String? = nil) {
        gateway.withState { state in
            let route = to.map { Route(channel: "discord", to: $0, accountId: state.options.account) }
            state.addSession(key, label: label, route: route)
            state.save()
        }
    }

    /// The Discord account becomes running and connected now, for as long as this life lasts.
    public func discordReady() {
        gateway.withState { $0.discordBecomesReady() }
    }

    /// Something goes wrong when it next can.
    public func inject(_ fault: OpenClawFault) {
        gateway.withState { _ = $0.faults.insert(fault) }
    }

    /// Nothing more goes wrong on purpose.
    public func clearFaults() {
        gateway.withState { $0.faults = [] }
    }
}
