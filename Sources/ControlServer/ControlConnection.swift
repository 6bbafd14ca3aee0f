import GatewayProtocol
import NetSupport
import Synchronization
import WakeCore

/// One client: its machine, and what waits to be written to it.
final class ControlConnection: Sendable {
    private struct State {
        var machine: ServerConnection
        var caller: ControlCaller?
        /// Bytes that the kernel has not taken yet.
        var pendingBytes = 0
        /// Whether anything of them was taken since the last tick.
        var hasMoved = true
        /// The requests under way that are being worked on.
        var works: [RequestID: Task<Answer, Never>] = [:]
        /// The requests that were given up before the work began.
        var givenUp: Set<RequestID> = []
    }

    typealias Answer = Result<JSONValue?, GatewayFault>

    /// What is left to do after the frames are sent.
    enum Errand: Sendable {
        case verify(ConnectParameters)
        case perform(GatewayRequest)
    }

    /// How long a client has to answer our close frame.
    static let grace: Duration = .seconds(2)
    /// How long one that reads slowly has to come to it: much lies before it.
    static let slowGrace: Duration = .seconds(8)

    let socket: WebServerSocket
    let nonce: String
    let challengedAt: Int64
    private let closed: @Sendable (GatewayClose) -> Void
    private let state: Mutex<State>

    init(_ socket: WebServerSocket, nonce: String, at now: Int64, closed: @escaping @Sendable (GatewayClose) -> Void) {
        self.socket = socket
        self.nonce = nonce
        self.closed = closed
        challengedAt = now
        state = Mutex(State(machine: ServerConnection(nonce: nonce, at: now)))
    }

    var caller: ControlCaller? { state.withLock(\.caller) }

    func begin() { _ = feed { $0.begin() } }

    /// It was let in.
    func admit(_ caller: ControlCaller, _ hello: Hello) {
        state.withLock { $0.caller = caller }
        _ = feed { $0.admitted(hello) }
    }

    /// Feeds the machine, sends what comes of it in order, and returns what takes longer.
    func feed(_ input: (inout ServerConnection) -> [ServerConnection.Directive]) -> [Errand] {
        state.withLock { step(&$0, input) }
    }

    private func step(
        _ state: inout State, _ input: (inout ServerConnection) -> [ServerConnection.Directive]
    ) -> [Errand] {
        var errands: [Errand] = []
        var directives = input(&state.machine)[...]
        while let directive = directives.popFirst() {
            switch directive {
            case .send(let frame): directives += send(frame, &state)
            case .allowLargeFrames: socket.allowLargeMessages()
            case .verify(let connect): errands.append(.verify(connect))
            case .perform(let request): errands.append(.perform(request))
            case .cancel(let id):
                if let work = state.works[id] { work.cancel() } else { state.givenUp.insert(id) }
            case .close(let close):
                socket.close(code: close.code, reason: close.reason, grace: close == .slowConsumer ? Self.slowGrace : Self.grace)
                closed(close)
            }
        }
        return errands
    }

    private func send(_ frame: GatewayFrame, _ state: inout State) -> [ServerConnection.Directive] {
        let bytes = frame.bytes
        let count = bytes.count
        // What waits already is what a slow reader has left; one large answer alone is none of its doing.
        guard state.pendingBytes <= GatewayLimits.bufferedBytes else { return state.machine.close(.slowConsumer) }
        state.pendingBytes += count
        socket.post(text: bytes) { [weak self] in
            self?.state.withLock { state in
                state.pendingBytes -= count
                state.hasMoved = true
            }
        }
        return []
    }

    /// Two ticks without a byte taken: it reads no more.
    func tick(_ event: GatewayEvent) {
        let isStuck = state.withLock { state in
            defer { state.hasMoved = false }
            return state.pendingBytes > 0 && !state.hasMoved
        }
        _ = feed { isStuck ? $0.close(.slowConsumer) : $0.published(event) }
    }

    /// Works on a request, until the caller gives it up, or its connection.
    func work(on id: RequestID, _ body: @escaping @Sendable () async -> Answer) async {
        let work = Task { await body() }
        state.withLock { state in
            if state.givenUp.remove(id) != nil { work.cancel() }
            state.works[id] = work
        }
        let answer = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        state.withLock { state in
            state.works[id] = nil
            state.givenUp.remove(id)
            _ = step(&state) { $0.answered(id, answer) }
        }
    }
}
