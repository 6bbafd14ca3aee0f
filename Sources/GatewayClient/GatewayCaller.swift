import GatewayProtocol
import Synchronization
public import WakeCore
public import WakeService

/// Calls a gateway, each call over a connection of its own, and does not fall over a restart: see ``GatewayProtocol/CallMachine``.
public struct GatewayCaller: Sendable {
    /// How one call is made.
    public struct Options: Sendable {
        /// How long it is tried, all waits together, in milliseconds.
        public var budgetMilliseconds = GatewayLimits.callMilliseconds
        /// Makes a repetition harmless, where the method knows such keys; put into the params.
        public var idempotencyKey: String?
        /// Whether a first answer that says `accepted` is only a promise, and the call ends with what came of it.
        public var expectsFinal = false

        /// The defaults.
        public init() {}
    }

    private let address: GatewayAddress
    private let credentials: GatewayCredentials
    private let configuration: GatewayConnection.Configuration
    private let moments: any MomentSource
    private let dice: any DiceSource

    /// Makes a caller; it connects only to call.
    ///
    /// - Parameters:
    ///   - address: where the gateway is.
    ///   - credentials: who calls.
    ///   - configuration: the bounds of each connection.
    ///   - moments: the clock.
    ///   - dice: the chance in the waits.
    public init(
        _ address: GatewayAddress, _ credentials: GatewayCredentials, _ configuration: GatewayConnection.Configuration = .init(),
        moments: any MomentSource, dice: any DiceSource
    ) {
        self.address = address
        self.credentials = credentials
        self.configuration = configuration
        self.moments = moments
        self.dice = dice
    }

    /// Asks the gateway, as often as its restarts make it necessary.
    ///
    /// - Parameters:
    ///   - method: what for.
    ///   - params: with what.
    ///   - options: how long, and with which idempotency key.
    ///   - progress: told each wait, and why, in words.
    /// - Returns: the answer.
    /// - Throws: ``GatewayError``, or `CancellationError`.
    public func call(
        _ method: String, _ params: JSONValue? = nil, options: Options = .init(),
        progress: @Sendable (String) -> Void = { _ in }
    ) async throws -> JSONValue? {
        let params = Self.params(params, key: options.idempotencyKey)
        let drive = Drive(
            CallMachine(params: params, budgetMilliseconds: options.budgetMilliseconds, at: now), moments, dice)
        let request = GatewayRequest(id: .number(0), method: method, params: params)
        var directive = drive.feed { machine, _, _ in machine.begin() }
        while true {
            try Task.checkCancellation()
            switch directive {
            case .connect(let deadline): directive = try await attempt(request, options, drive, until: deadline)
            case .wait(let due, let reason):
                progress(reason)
                await moments.wait(untilBoottimeMicroseconds: due * 1_000)
                try Task.checkCancellation()
                directive = drive.feed { machine, now, _ in machine.waited(at: now) }
            case .send: preconditionFailure("a request without a connection")
            case .end(let result): return try result.get()
            }
        }
    }

    /// Connects, as often as the gateway's restarts make it necessary, and hands the connection over once.
    ///
    /// - Parameters:
    ///   - options: how long it is tried; the rest of them does not matter.
    ///   - progress: told each wait, and why, in words.
    ///   - body: what to do with the connection. It is closed afterwards.
    /// - Returns: what the body returns.
    /// - Throws: ``GatewayError`` where it comes to no connection; what the body throws; `CancellationError`.
    public func withConnection<T: Sendable>(
        options: Options = .init(), progress: @Sendable (String) -> Void = { _ in },
        _ body: @escaping @Sendable (GatewayConnection) async throws -> T
    ) async throws -> T {
        let drive = Drive(CallMachine(params: nil, budgetMilliseconds: options.budgetMilliseconds, at: now), moments, dice)
        var directive = drive.feed { machine, _, _ in machine.begin() }
        while true {
            try Task.checkCancellation()
            switch directive {
            case .connect(let deadline):
                do {
                    return try await GatewayConnection.with(
                        address, credentials, bounds(until: deadline), moments: moments, body)
                } catch let mishap as GatewayMishap {
                    directive = drive.feed { $0.failed(mishap, at: $1, jitter: $2) }
                }
            case .wait(let due, let reason):
                progress(reason)
                await moments.wait(untilBoottimeMicroseconds: due * 1_000)
                try Task.checkCancellation()
                directive = drive.feed { machine, now, _ in machine.waited(at: now) }
            case .end(.failure(let error)): throw error
            case .send, .end: preconditionFailure("nothing was asked")
            }
        }
    }

    /// A key that is there already is kept.
    private static func params(_ params: JSONValue?, key: String?) -> JSONValue? {
        guard let key else { return params }
        var object = params?.object ?? [:]
        if object["idempotencyKey"] == nil { object["idempotencyKey"] = .string(key) }
        return .object(object)
    }

    private var now: Int64 { moments.now().boottimeMicroseconds / 1_000 }

    private func bounds(until deadline: Int64) -> GatewayConnection.Configuration {
        var bounds = configuration
        let left = Duration.milliseconds(max(1, deadline - now))
        bounds.connectTimeout = min(bounds.connectTimeout, left)
        bounds.helloTimeout = min(bounds.helloTimeout, left)
        return bounds
    }

    /// One connection, from the first packet to what comes of it.
    private func attempt(
        _ request: GatewayRequest, _ options: Options, _ drive: Drive, until deadline: Int64
    ) async throws -> CallMachine.Directive {
        do {
            return try await GatewayConnection.with(
                address, credentials, bounds(until: deadline), moments: moments
            ) { connection in
                let directive = drive.feed { machine, now, jitter in
                    machine.greeted(GatewayEpoch(connection.hello.snapshot, at: now), at: now, jitter: jitter)
                }
                guard case .send(let deadline) = directive else { return directive }
                return try await send(request, options, connection, drive, until: deadline)
            }
        } catch let mishap as GatewayMishap {
            return drive.feed { $0.failed(mishap, at: $1, jitter: $2) }
        }
    }

    private func send(
        _ request: GatewayRequest, _ options: Options, _ connection: GatewayConnection, _ drive: Drive, until deadline: Int64
    ) async throws -> CallMachine.Directive {
        let outcome: Result<JSONValue?, any Error>? = await withTaskGroup(of: Result<JSONValue?, any Error>?.self) { group in
            group.addTask {
                do {
                    guard options.expectsFinal else { return .success(try await connection.call(request.method, request.params)) }
                    let answer = try await connection.callForFinal(request.method, request.params) { _ in
                        drive.note { $0.accepted() }
                    }
                    return .success(answer)
                } catch { return .failure(error) }
            }
            group.addTask {
                await moments.wait(untilBoottimeMicroseconds: deadline * 1_000)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        try Task.checkCancellation()
        if connection.shutdown != nil { drive.note { $0.shutdownAnnounced() } }
        switch outcome {
        case .success(let payload): return drive.feed { machine, _, _ in machine.answered(payload) }
        case nil: return drive.feed { machine, _, _ in machine.timedOut() }
        case .failure(let fault as GatewayFault): return drive.feed { $0.failed(.fault(fault), at: $1, jitter: $2) }
        case .failure(let closed as GatewayClosed):
            return drive.feed { $0.failed(.closed(closed.close), mayBeAccepted: closed.mayBeAccepted, at: $1, jitter: $2) }
        case .failure(let error): throw error
        }
    }
}

/// The machine of one call, with its clock and its chance.
private final class Drive: Sendable {
    private let machine: Mutex<CallMachine>
    private let moments: any MomentSource
    private let dice: any DiceSource

    init(_ machine: CallMachine, _ moments: any MomentSource, _ dice: any DiceSource) {
        self.machine = Mutex(machine)
        self.moments = moments
        self.dice = dice
    }

    func feed(_ input: (inout CallMachine, Int64, UnitFraction) -> CallMachine.Directive) -> CallMachine.Directive {
        var roll = dice.roll()
        let now = moments.now().boottimeMicroseconds / 1_000
        return machine.withLock { input(&$0, now, roll.fraction()) }
    }

    func note(_ input: (inout CallMachine) -> Void) { machine.withLock { input(&$0) } }
}
