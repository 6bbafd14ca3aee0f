public import WakeCore

/// One connection as the client sees it: the challenge, the handshake, then requests and news, until one end.
///
/// A value without clock, chance or I/O: facts go in, and what the shell must do comes out, in order.
public struct ClientConnection: Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// The gateway has not sent its challenge.
        /// Can transition to: `proving` (it came), `closed` (time is over, either side left).
        case unchallenged
        /// The shell signs what the challenge asks for.
        /// Can transition to: `greeting` (signed), `closed`.
        case proving
        /// `connect` is sent.
        /// Can transition to: `open` (hello), `closed` (refused, no hello, a version that we don't speak, time is over).
        case greeting(RequestID)
        /// We are in.
        /// Can transition to: `closed` (either side left, no tick came).
        case open
        /// It is over. Nothing follows.
        case closed
    }

    /// What the shell must do.
    public enum Directive: Hashable, Sendable {
        /// Make the params of `connect` for this challenge, then call ``ClientConnection/proven(_:)``.
        case prove(nonce: String, challengedAt: Int64?)
        /// Send this frame.
        case send(GatewayFrame)
        /// The gateway let us in.
        case greet(Hello)
        /// It does not come to a hello.
        case giveUp(GatewayMishap)
        /// Tell whoever asked that the gateway has taken the request; the answer is still to come.
        case accept(RequestID, JSONValue?)
        /// Tell whoever asked.
        case answer(RequestID, Result<JSONValue?, GatewayFault>)
        /// Tell whoever asked that no answer will come, and whether the request may have been accepted.
        case cutOff(RequestID, mayBeAccepted: Bool)
        /// Tell whoever listens.
        case news(GatewayEvent)
        /// Send a close frame.
        case close(GatewayClose)
        /// It is over, for that reason. Always the last.
        case end(GatewayClose)
    }

    private struct Call {
        /// The how-manieth it is.
        var number: Int64
        /// Whether a first answer that says `accepted` is not the last one.
        var expectsFinal: Bool
        var isAccepted = false
    }

    /// Where it stands.
    public private(set) var state = State.unchallenged
    /// What the gateway said when it let us in.
    public private(set) var hello: Hello?
    /// What the gateway said of its end, where it announced it.
    public private(set) var shutdown: GatewayEvent?
    /// How it ended; nil while it lasts.
    public private(set) var closed: GatewayClose?
    private var calls: [RequestID: Call] = [:]
    /// What the gateway had taken when it announced its end, where it said so.
    private var lastTaken: Set<RequestID>?
    private var nextID: Int64 = 0
    private var heardAt: Int64

    /// Begins.
    ///
    /// - Parameter now: milliseconds by a clock that is never stepped.
    public init(at now: Int64) { heardAt = now }

    /// After how many milliseconds `restartExpectedMs` promises the next life, where the gateway announced its end and said so.
    public var restartExpectedMilliseconds: Int64? { shutdown?.payload?["restartExpectedMs"]?.integer }

    /// How many requests have no answer yet.
    public var underWayCount: Int { calls.count }

    // MARK: What comes from the gateway

    /// A text message came.
    ///
    /// - Parameters:
    ///   - frame: what it says; nil where it can't be understood: a newer gateway may say more than we know.
    ///   - now: the time.
    /// - Returns: what to do.
    public mutating func received(_ frame: GatewayFrame?, at now: Int64) -> [Directive] {
        guard state != .closed else { return [] }
        heardAt = max(heardAt, now)
        switch frame {
        case .event(let event): return heard(event)
        case .response(let response): return answered(response)
        case .request, .cancel, nil: return []
        }
    }

    /// A message came that is no text.
    public mutating func receivedBinary() -> [Directive] { leave(.notText) }

    /// The gateway closed the connection, or it broke: 1006 where no close frame came, 1005 where it had no code.
    public mutating func gatewayLeft(_ close: GatewayClose) -> [Directive] { finish(close, because: .closed(close)) }

    private mutating func heard(_ event: GatewayEvent) -> [Directive] {
        switch (event.name, state) {
        case ("connect.challenge", .unchallenged):
            guard let nonce = event.payload?["nonce"]?.string else {
                return leave(
                    .invalid("a challenge without a nonce"),
                    because: .impossible(GatewayError(.failed, "the gateway's challenge has no nonce")))
            }
            state = .proving
            return [.prove(nonce: nonce, challengedAt: event.payload?["ts"]?.integer)]
        case ("connect.challenge", _): return []
        case (_, .open):
            if event.name == "shutdown" {
                shutdown = event
                lastTaken = event.payload?["underWay"]?.array.map { Set($0.compactMap { RequestID($0) }) }
            }
            return [.news(event)]
        default: return []
        }
    }

    private mutating func answered(_ response: GatewayResponse) -> [Directive] {
        if case .greeting(response.id) = state { return greeted(response.result) }
        // Late, said before, or never asked.
        guard let call = calls[response.id] else { return [] }
        if call.expectsFinal, !call.isAccepted, case .success(let payload) = response.result,
            payload?["status"]?.string == "accepted"
        {
            calls[response.id]?.isAccepted = true
            return [.accept(response.id, payload)]
        }
        calls[response.id] = nil
        return [.answer(response.id, response.result)]
    }

    private mutating func greeted(_ result: Result<JSONValue?, GatewayFault>) -> [Directive] {
        let payload: JSONValue?
        switch result {
        case .success(let given): payload = given
        case .failure(let fault): return leave(.normal, because: .notLetIn(fault))
        }
        guard let hello = Hello(payload) else {
            let error = GatewayError(.failed, "the gateway's answer to connect is no hello")
            return leave(.invalid("no hello"), because: .impossible(error))
        }
        guard GatewayLimits.versions.contains(hello.version) else {
            return leave(.protocolMismatch, because: .impossible(.mismatch(cause: "it chose version \(hello.version)")))
        }
        self.hello = hello
        state = .open
        return [.greet(hello)]
    }

    // MARK: What comes from the shell

    /// The params of `connect` are made.
    public mutating func proven(_ connect: ConnectParameters) -> [Directive] {
        guard state == .proving else { return [] }
        let id = makeID()
        state = .greeting(id)
        return [.send(.request(GatewayRequest(id: id, method: "connect", params: connect.json)))]
    }

    /// Somebody asks for something.
    ///
    /// - Parameters:
    ///   - method: what for.
    ///   - params: with what.
    ///   - expectsFinal: whether a first answer with `status: accepted` is only a promise, and the next one counts.
    /// - Returns: what ties the answer to it, and what to do; nil where the connection is not open.
    public mutating func asked(
        _ method: String, _ params: JSONValue? = nil, expectsFinal: Bool = false
    ) -> (id: RequestID, directives: [Directive])? {
        guard state == .open else { return nil }
        let id = makeID()
        calls[id] = Call(number: nextID, expectsFinal: expectsFinal)
        return (id, [.send(.request(GatewayRequest(id: id, method: method, params: params)))])
    }

    /// Whoever asked is no longer interested.
    public mutating func cancelled(_ id: RequestID) -> [Directive] {
        calls.removeValue(forKey: id) == nil ? [] : [.send(.cancel(id))]
    }

    /// The time for the handshake is over.
    public mutating func handshakeTimedOut() -> [Directive] {
        switch state {
        case .unchallenged: leave(.challengeTimeout, because: .silent("the gateway sent no challenge in time"))
        case .proving, .greeting: leave(.handshakeTimeout, because: .silent("the gateway did not finish the handshake in time"))
        case .open, .closed: []
        }
    }

    /// When ``ticksAwaited(at:)`` is to be called; nil while nothing is promised.
    public var tickDue: Int64? {
        guard state == .open, let hello else { return nil }
        return heardAt + 2 * min(hello.tickIntervalMilliseconds, Self.tickMaximumMilliseconds)
    }

    /// A gateway that has been silent for twice the interval of its ticks is gone, whatever TCP says. Anything it says is as good as a tick.
    public mutating func ticksAwaited(at now: Int64) -> [Directive] {
        guard let due = tickDue, now >= due else { return [] }
        return leave(.tickTimeout)
    }

    /// We leave.
    public mutating func leave() -> [Directive] { leave(.normal) }

    /// The longest interval of ticks that is believed.
    private static let tickMaximumMilliseconds: Int64 = 3_600_000

    private mutating func makeID() -> RequestID {
        nextID += 1
        return .text(String(nextID))
    }

    private mutating func leave(_ close: GatewayClose, because mishap: GatewayMishap? = nil) -> [Directive] {
        guard state != .closed else { return [] }
        return [.close(close)] + finish(close, because: mishap ?? .closed(close))
    }

    private mutating func finish(_ close: GatewayClose, because mishap: GatewayMishap) -> [Directive] {
        guard state != .closed else { return [] }
        let wasOpen = state == .open
        state = .closed
        closed = close
        defer { calls = [:] }
        guard wasOpen else { return [.giveUp(mishap), .end(close)] }
        let cut = calls.sorted { $0.value.number < $1.value.number }.map { id, call in
            Directive.cutOff(id, mayBeAccepted: call.isAccepted || lastTaken?.contains(id) ?? true)
        }
        return cut + [.end(close)]
    }
}
