public import WakeCore

/// One connection as the server sees it: a challenge, the handshake, then requests and news, until one close with a reason.
///
/// A value without clock, chance or I/O: facts go in, and what the shell must do comes out, in order.
public struct ServerConnection: Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// The challenge is sent, and `connect` has not come.
        /// Can transition to: `verifying` (connect came), `closed` (anything else came, no version in common, time is over, a stop).
        case challenged
        /// It is found out who that is.
        /// Can transition to: `open` (let in), `closed` (not let in, time is over, a stop).
        case verifying(RequestID)
        /// Requests are taken.
        /// Can transition to: `draining` (a stop), `closed` (a frame without meaning, the client said goodbye).
        case open
        /// No more requests are taken; those under way are answered.
        /// Can transition to: `closed`.
        case draining
        /// The close frame is sent, or the peer is gone. Nothing follows.
        case closed
    }

    /// What the shell must do.
    public enum Directive: Hashable, Sendable {
        /// Send this frame.
        case send(GatewayFrame)
        /// Find out who that is, then call ``ServerConnection/admitted(_:at:)`` or ``ServerConnection/refused(_:close:)``.
        case verify(ConnectParameters)
        /// From now on frames may have ``GatewayLimits/frameBytes``.
        case allowLargeFrames
        /// Do this, then call ``ServerConnection/answered(_:_:)``.
        case perform(GatewayRequest)
        /// The caller is no longer interested.
        case cancel(RequestID)
        /// Send a close frame, and end the connection when the peer has answered it or after a grace period.
        case close(GatewayClose)
    }

    /// How many requests of one connection may be under way.
    public static let maximumUnderWay = 64

    /// Where it stands.
    public private(set) var state = State.challenged
    /// What the client challenged us with: nothing; what we challenged it with.
    public let nonce: String
    /// When the challenge was made, in milliseconds since 1970: what a device signs.
    public let challengedAt: Int64
    /// The requests that are under way.
    public private(set) var underWay: Set<RequestID> = []
    private var version: Int64 = 0
    private var seq: Int64 = 0

    /// Begins; ``begin()`` says what to send first.
    ///
    /// - Parameters:
    ///   - nonce: of this connection alone, not to be guessed.
    ///   - now: milliseconds since 1970.
    public init(nonce: String, at now: Int64) {
        self.nonce = nonce
        challengedAt = now
    }

    /// The challenge, which comes before everything.
    public func begin() -> [Directive] {
        let payload: JSONValue = ["nonce": .string(nonce), "ts": .integer(challengedAt)]
        return [.send(.event(GatewayEvent("connect.challenge", payload: payload)))]
    }

    // MARK: What comes from the client

    /// A text message came.
    public mutating func received(_ bytes: some Collection<UInt8>) -> [Directive] {
        guard state != .closed else { return [] }
        let isKnown = state == .open || state == .draining
        guard isKnown || bytes.count <= GatewayLimits.unauthenticatedFrameBytes else {
            return close(.tooLarge(GatewayLimits.unauthenticatedFrameBytes))
        }
        let frame: GatewayFrame
        do { frame = try GatewayFrame(bytes) } catch {
            guard isKnown, let id = error.id else { return close(.invalid(error.description)) }
            return [.send(answer(id, GatewayFault(.invalidRequest, error.description)))]
        }
        switch frame {
        case .request(let request): return isKnown ? requested(request) : connect(request)
        case .cancel(let id):
            guard isKnown else { return close(.invalid("the first frame must be connect")) }
            return underWay.contains(id) ? [.cancel(id)] : []
        case .response, .event:
            return isKnown ? [] : close(.invalid("the first frame must be connect"))
        }
    }

    /// A message came that is no text, or no UTF-8.
    public mutating func receivedUnreadable(isBinary: Bool) -> [Directive] { close(isBinary ? .notText : .notUTF8) }

    /// The peer sent its close frame, or is gone.
    public mutating func peerLeft() -> [Directive] { close(.normal) }

    private mutating func connect(_ request: GatewayRequest) -> [Directive] {
        guard state == .challenged else { return close(.invalid("a frame came before the answer to connect")) }
        guard request.method == "connect" else {
            let fault = GatewayFault(.invalidRequest, "the first request must be connect, not \(request.method)")
            return [.send(answer(request.id, fault))] + close(.invalid("the first frame must be connect"))
        }
        let connect: ConnectParameters
        do { connect = try ConnectParameters(request.params) } catch {
            return [.send(answer(request.id, error))] + close(.invalid("connect: \(error.message)"))
        }
        let ours = GatewayLimits.versions
        let common = min(connect.maxProtocol, ours.upperBound)
        guard connect.minProtocol <= common, common >= ours.lowerBound else {
            let fault = GatewayFault(
                .invalidRequest, "protocol mismatch", details: ["expectedProtocol": .integer(ours.upperBound)])
            return [.send(answer(request.id, fault))] + close(.protocolMismatch)
        }
        guard connect.role == "operator" else {
            let fault = GatewayFault(.invalidRequest, "the role \(connect.role) is not served here; operator is")
            return [.send(answer(request.id, fault))] + close(.invalid("role"))
        }
        version = common
        state = .verifying(request.id)
        return [.verify(connect)]
    }

    private mutating func requested(_ request: GatewayRequest) -> [Directive] {
        func no(_ fault: GatewayFault) -> [Directive] { [.send(answer(request.id, fault))] }
        guard state == .open else { return no(.restarting()) }
        guard request.method != "connect" else { return no(GatewayFault(.invalidRequest, "connected already")) }
        guard underWay.count < Self.maximumUnderWay else {
            return no(
                GatewayFault(
                    .unavailable, "\(Self.maximumUnderWay) requests of this connection are under way",
                    details: ["reason": "too-many"],
                    isRetryable: true, retryAfterMilliseconds: 500))
        }
        guard underWay.insert(request.id).inserted else {
            return no(GatewayFault(.invalidRequest, "the id \(request.id) is in use by a request under way"))
        }
        return [.perform(request)]
    }

    // MARK: What comes from the shell

    /// The client may come in.
    public mutating func admitted(_ hello: Hello) -> [Directive] {
        guard case .verifying(let id) = state else { return [] }
        state = .open
        var hello = hello
        hello.version = version
        return [.allowLargeFrames, .send(.response(GatewayResponse(id: id, result: .success(hello.json))))]
    }

    /// The client may not come in.
    public mutating func refused(_ fault: GatewayFault, close reason: GatewayClose) -> [Directive] {
        guard case .verifying(let id) = state else { return [] }
        return [.send(answer(id, fault))] + close(reason)
    }

    /// A request is done.
    public mutating func answered(_ id: RequestID, _ result: Result<JSONValue?, GatewayFault>) -> [Directive] {
        guard underWay.remove(id) != nil, state == .open || state == .draining else { return [] }
        return [.send(.response(GatewayResponse(id: id, result: result)))] + closeIfDrained()
    }

    private mutating func closeIfDrained() -> [Directive] {
        state == .draining && underWay.isEmpty ? close(.serviceRestart) : []
    }

    /// There is news for everybody who may hear it.
    public mutating func published(_ event: GatewayEvent) -> [Directive] {
        guard state == .open || state == .draining else { return [] }
        seq += 1
        var event = event
        event.seq = seq
        return [.send(.event(event))]
    }

    /// The time for the handshake is over.
    public mutating func handshakeTimedOut() -> [Directive] {
        switch state {
        case .challenged, .verifying: close(.handshakeTimeout)
        default: []
        }
    }

    /// The server will stop: what is under way is answered, nothing else is taken. Who is not let in yet is closed at once.
    ///
    /// - Parameter shutdown: what those who are in are told.
    /// - Returns: what to do.
    public mutating func stopping(_ shutdown: GatewayEvent) -> [Directive] {
        switch state {
        case .challenged, .verifying: return close(.serviceRestart)
        case .open:
            let told = published(telling(shutdown))
            state = .draining
            return told + closeIfDrained()
        case .draining, .closed: return []
        }
    }

    /// Nothing is taken after this: what is not named here and gets no answer was never carried out, and may be asked again elsewhere.
    private func telling(_ shutdown: GatewayEvent) -> GatewayEvent {
        var event = shutdown
        var payload = event.payload?.object ?? [:]
        payload["underWay"] = .array(underWay.map(\.json))
        event.payload = .object(payload)
        return event
    }

    /// Ends it, for that reason.
    public mutating func close(_ reason: GatewayClose) -> [Directive] {
        guard state != .closed else { return [] }
        state = .closed
        underWay = []
        return [.close(reason)]
    }

    private func answer(_ id: RequestID, _ fault: GatewayFault) -> GatewayFrame {
        .response(GatewayResponse(id: id, result: .failure(fault)))
    }
}
