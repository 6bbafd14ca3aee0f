import DiscordProtocol
import Logging
import NIOCore
import NetSupport
import WakeCore
import WakeService

/// Drives the gateway machine: hands it facts one at a time and carries out its directives in order, without waiting in between.
///
/// What takes time is handed out as errands to whoever runs the driver.
actor GatewayDriver {
    /// Something that takes time.
    enum Errand: Sendable {
        case fetchGateway
        case connect(WebSocketAddress, GatewayConnectionID)
        case abandon(GatewayConnectionID)
        case wait(GatewayTimer, until: Duration, number: UInt64)
        case look(at: Duration)
        case report(GatewayInput)
        case forget(GatewayConnectionID)
        case stop
    }

    /// How long a receipt may take to reach the disk. Until then the sequence that brought it is not stored.
    static let settleAfter = Duration.seconds(5)

    private var machine: GatewayMachine
    private let settings: DiscordSettings
    private let moments: any MomentSource
    private let dice: any DiceSource
    private let logger: Logger
    private let errands: AsyncStream<Errand>.Continuation
    private let sessions: AsyncStream<StoredGatewaySession?>.Continuation
    private var sink: (any ReadinessSink)?
    private var open: (id: GatewayConnectionID, connection: WebSocketConnection)?
    private var timers: [GatewayTimer: UInt64] = [:]
    private var lastTimer: UInt64 = 0
    private var unsettled: (sequence: Int64, since: Duration)?
    private var lastHandedOut: Int64 = 0

    init(
        settings: DiscordSettings, moments: any MomentSource, dice: any DiceSource, logger: Logger,
        errands: AsyncStream<Errand>.Continuation, sessions: AsyncStream<StoredGatewaySession?>.Continuation
    ) {
        machine = GatewayMachine(configuration: settings.gateway)
        self.settings = settings
        self.moments = moments
        self.dice = dice
        self.logger = logger
        self.errands = errands
        self.sessions = sessions
    }

    /// The bot's own user, once it is known.
    var userID: Snowflake? { machine.userID }

    func start(with session: StoredGatewaySession?, reportingTo sink: any ReadinessSink) {
        self.sink = sink
        feed(.started(session))
    }

    func feed(_ input: GatewayInput) {
        let moment = moments.now()
        let now = Duration.microseconds(moment.boottimeMicroseconds)
        var dice = dice.roll()
        for directive in machine.handle(input, at: now, jitter: dice.fraction()) { carryOut(directive, now, moment) }
    }

    /// A connection opened; `false` if nobody wants it any more.
    func opened(_ connection: WebSocketConnection, _ id: GatewayConnectionID) -> Bool {
        guard id == wanted else { return false }
        open = (id, connection)
        feed(.connected(id))
        return true
    }

    func received(_ message: WebSocketConnection.Message, on id: GatewayConnectionID) {
        guard case .text(let text) = message else {
            return feed(.frameUnreadable(reason: "a binary frame, which was not asked for", on: id))
        }
        do {
            feed(.frameReceived(try GatewayPayload(parsing: text.readableBytesView), on: id))
        } catch {
            feed(.frameUnreadable(reason: "\(error)", on: id))
        }
    }

    func ended(_ id: GatewayConnectionID, with input: GatewayInput) {
        if open?.id == id { open = nil }
        feed(input)
    }

    func timerCame(_ timer: GatewayTimer, number: UInt64) {
        guard timers[timer] == number else { return }
        timers[timer] = nil
        let now = Duration.microseconds(moments.now().boottimeMicroseconds)
        if timer == .heartbeat, let waiting = unsettled, now - waiting.since >= Self.settleAfter {
            // What came later than the one that was waited for begins its own wait now.
            unsettled = lastHandedOut > waiting.sequence ? (lastHandedOut, now) : nil
            feed(.settled(through: waiting.sequence))
        }
        feed(.timerFired(timer))
    }

    private var wanted: GatewayConnectionID?

    private func carryOut(_ directive: GatewayDirective, _ now: Duration, _ moment: Moment) {
        switch directive {
        case .fetchGateway:
            errands.yield(.fetchGateway)
        case .connect(let url, let id):
            wanted = id
            connect(url, id)
        case .send(let command, let id):
            guard let open, open.id == id else { return }
            open.connection.send(text: ByteBuffer(bytes: command.encoded(token: settings.token.value)))
        case .close(let code, let id):
            if let open, open.id == id { open.connection.close(code: code) } else { errands.yield(.abandon(id)) }
            open = nil
            wanted = nil
        case .armTimer(let timer, let at):
            lastTimer += 1
            timers[timer] = lastTimer
            errands.yield(.wait(timer, until: at, number: lastTimer))
        case .cancelTimer(let timer):
            timers[timer] = nil
        case .publish(let status):
            publish(status, now, moment)
        case .store(let session):
            sessions.yield(session)
        case .forgetSession:
            sessions.yield(nil)
        case .dispatch(let event, let sequence):
            take(event)
            lastHandedOut = sequence
            if unsettled == nil { unsettled = (sequence, now) }
        }
    }

    private func connect(_ url: String, _ id: GatewayConnectionID) {
        do {
            errands.yield(.connect(try WebSocketAddress(url), id))
        } catch {
            // Not from here: the machine is in the middle of its directives.
            errands.yield(.report(.connectionFailed(id, reason: "\(error)")))
        }
    }

    private func take(_ event: GatewayEvent) {
        if case .personWrote(let place) = event {
            sink?.reportActivity(Route(channel: settings.channel, kind: .channel, destination: place.description))
        }
        guard case .ownMessage(let echo) = event else { return }
        // The nonce is the delivery's id, and two more characters in later rounds.
        guard let delivery = echo.nonce.flatMap({ DeliveryID(String($0.prefix(Identifier.characterCount + 1))) }) else { return }
        sink?.reportReceipt(delivery, Receipt(id: echo.id.description, source: .echo))
    }

    private func publish(_ status: GatewayStatus, _ now: Duration, _ moment: Moment) {
        func at(_ time: Duration) -> Moment { moment.advanced(by: time - now) }
        let state: ChannelState
        switch status {
        case .connecting: state = .connecting
        case .ready(let generation): state = .ready(generation: generation)
        case .down(let reason, let retryAt): state = .down(reason: reason, retryAt: retryAt.map(at))
        case .blocked(let block, let retryAt):
            let goesOn = retryAt.map { "; goes on by itself in \(($0 - now).components.seconds) s" } ?? "; \(block.hint)"
            state = .blocked(reason: block.reason + goesOn)
        }
        // Words come second: whoever waits for READY does not wait for whoever reads the log.
        sink?.report(settings.channel, state)
        logger.info("Discord channel changed", metadata: [LogKey.place: "\(settings.channel)", LogKey.reason: "\(state.words)"])
    }
}
