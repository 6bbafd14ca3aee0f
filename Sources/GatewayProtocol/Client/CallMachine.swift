public import WakeCore

/// One call of a gateway, through as many connections as it takes: a restart is waited out, everything else is told at once.
///
/// A value without clock, chance or I/O. A request is repeated only where it was never accepted, or where an idempotency key makes
/// the repetition harmless.
public struct CallMachine: Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// A connection is being made.
        /// Can transition to: `sent` (hello of a life that stays), `waiting` (what a restart causes), `ended`.
        case connecting
        /// The request has left, or may have.
        /// Can transition to: `ended` (answered, or cut off), `waiting` (not accepted, or cut off with an idempotency key).
        case sent
        /// Time passes until the next try.
        /// Can transition to: `connecting`.
        case waiting
        /// The caller has its answer.
        case ended
    }

    /// What the shell must do.
    public enum Directive: Hashable, Sendable {
        /// Connect, and give up at that time.
        case connect(until: Int64)
        /// Send the request over the connection that is open, and give up at that time.
        case send(until: Int64)
        /// End the connection that is open, wait until then, and call ``CallMachine/waited(at:)``. Why, in words.
        case wait(until: Int64, reason: String)
        /// The call is done.
        case end(Result<JSONValue?, GatewayError>)
    }

    /// The bounds between which `retryAfterMs` is obeyed, in milliseconds.
    public static let retryAfterMilliseconds: ClosedRange<Int64> = 100...2_000
    /// By how much chance lengthens a wait at most, so that many callers do not come at once.
    static let jitter = 0.2

    /// Where it stands.
    public private(set) var state = State.connecting
    /// How many tries have failed.
    public private(set) var failures = 0
    /// When it gives up.
    public let deadline: Int64
    private let isRepeatable: Bool
    private let budget: Int64
    /// The life that the open connection belongs to.
    private var epoch: GatewayEpoch?
    /// The life that said it would end.
    private var leaving: GatewayEpoch?
    /// Whether the gateway has promised an answer to the request that is under way.
    private var isAccepted = false
    /// Whether an earlier try was cut off, so that nobody knows what became of it.
    private var isUnclear = false

    /// Makes a call.
    ///
    /// - Parameters:
    ///   - params: the request's params: an `idempotencyKey` in them makes it repeatable.
    ///   - budgetMilliseconds: how long it is tried, all waits together.
    ///   - now: milliseconds by a clock that is never stepped.
    public init(params: JSONValue?, budgetMilliseconds: Int64 = GatewayLimits.callMilliseconds, at now: Int64) {
        isRepeatable = params?["idempotencyKey"]?.string?.isEmpty == false
        budget = budgetMilliseconds
        deadline = now + budgetMilliseconds
    }

    /// The first thing to do.
    public func begin() -> Directive { .connect(until: deadline) }

    /// The gateway let us in.
    ///
    /// - Parameters:
    ///   - epoch: its life, where it tells it.
    ///   - now: the time.
    ///   - jitter: chance.
    /// - Returns: what to do.
    public mutating func greeted(_ epoch: GatewayEpoch?, at now: Int64, jitter: UnitFraction) -> Directive {
        guard state == .connecting else { return outOfTurn("greeted") }
        if let epoch, let leaving, epoch.isSame(as: leaving) {
            let error = GatewayError(
                .unavailable, "the gateway announced a restart and has not restarted",
                hint: "Ask again later, or give it more time with --wait.")
            return retry(after: nil, "the gateway has not restarted yet", at: now, jitter, else: error)
        }
        self.epoch = epoch
        isAccepted = false
        state = .sent
        return .send(until: deadline)
    }

    /// The gateway says that it is about to end; its answers still count.
    public mutating func shutdownAnnounced() { leaving = epoch }

    /// The gateway has taken the request, and will answer it: from now on a fault is the answer, and never a reason to ask again.
    public mutating func accepted() { isAccepted = state == .sent }

    /// The gateway answered well.
    public mutating func answered(_ payload: JSONValue?) -> Directive {
        guard state == .sent else { return outOfTurn("answered") }
        return end(.success(payload))
    }

    /// The time is over, and nothing came.
    public mutating func timedOut() -> Directive {
        switch state {
        case .sent: end(.failure(cutOff("no answer came within \(Self.span(budget))")))
        default: giveUp(exhausted("it did not answer"))
        }
    }

    /// The wait is over.
    public mutating func waited(at now: Int64) -> Directive {
        guard state == .waiting else { return outOfTurn("waited") }
        state = .connecting
        return .connect(until: deadline)
    }

    /// This try failed.
    ///
    /// - Parameters:
    ///   - mishap: how.
    ///   - mayBeAccepted: whether the request may have been accepted: the connection may have ended before.
    ///   - now: the time.
    ///   - jitter: chance.
    /// - Returns: what to do.
    public mutating func failed(
        _ mishap: GatewayMishap, mayBeAccepted: Bool = true, at now: Int64, jitter: UnitFraction
    ) -> Directive {
        let isUnderWay = state == .sent && mayBeAccepted
        if isUnderWay, case .closed(let close) = mishap {
            guard isRepeatable, mishap.isOfRestart else {
                // What is closed for its own fault was not carried out: it could not even be read.
                return close.isOfFrame ? giveUp(mishap.error) : end(.failure(cutOff(mishap.description)))
            }
            isUnclear = true
        }
        if isUnderWay, isAccepted, case .fault = mishap {
            return end(.failure(mishap.isOfRestart ? cutOff(mishap.description) : mishap.error))
        }
        guard mishap.isOfRestart else {
            if case .fault = mishap { return end(.failure(mishap.error)) }
            return giveUp(mishap.error)
        }
        var told: Int64?
        switch mishap {
        case .fault(let fault) where fault.isRateLimit, .notLetIn(let fault) where fault.isRateLimit:
            return retryLimited(fault, mishap, at: now)
        case .fault(let fault), .notLetIn(let fault): told = fault.retryAfterMilliseconds
        default: break
        }
        let error = exhausted(mishap.description)
        return retry(after: told, mishap.description, at: now, jitter, else: error)
    }

    private mutating func retry(
        after told: Int64?, _ reason: String, at now: Int64, _ jitter: UnitFraction, else error: GatewayError
    ) -> Directive {
        let schedule = GatewayLimits.retryMilliseconds
        var wait = schedule[min(failures, schedule.count - 1)]
        if let told { wait = min(max(told, Self.retryAfterMilliseconds.lowerBound), Self.retryAfterMilliseconds.upperBound) }
        failures += 1
        let due = now + wait + Int64(Double(wait) * Self.jitter * jitter.value)
        guard due < deadline else { return giveUp(error) }
        state = .waiting
        return .wait(until: due, reason: reason)
    }

    /// A limit is kept to the millisecond: coming sooner is refused again.
    private mutating func retryLimited(_ fault: GatewayFault, _ mishap: GatewayMishap, at now: Int64) -> Directive {
        let told = max(Self.retryAfterMilliseconds.lowerBound, fault.retryAfterMilliseconds ?? 0)
        failures += 1
        let due = now.addingReportingOverflow(told)
        guard !due.overflow, due.partialValue < deadline else {
            return giveUp(
                GatewayError(
                    .unavailable, "the gateway takes no more of these requests for \(Self.span(told))",
                    cause: fault.message, hint: "Ask again then, or give it the time with --wait.", fault: fault))
        }
        state = .waiting
        return .wait(until: due.partialValue, reason: mishap.description)
    }

    private func cutOff(_ cause: String) -> GatewayError {
        GatewayError(
            .unclear, "the call was cut off; it may have been carried out", cause: cause,
            hint: isRepeatable
                ? "Ask again with the same idempotency key: it is carried out once."
                : "Look whether it was done before you ask again; a call with --idempotency-key may be repeated safely.")
    }

    private func exhausted(_ cause: String) -> GatewayError {
        GatewayError(
            .unavailable, "the gateway was not available for \(Self.span(budget))", cause: cause,
            hint: "See whether it runs, or give it more time with --wait.")
    }

    /// Ends without an answer of the gateway to the request.
    private mutating func giveUp(_ error: GatewayError) -> Directive {
        end(.failure(isUnclear ? cutOff(error.description) : error))
    }

    private mutating func end(_ result: Result<JSONValue?, GatewayError>) -> Directive {
        state = .ended
        return .end(result)
    }

    private mutating func outOfTurn(_ what: String) -> Directive {
        preconditionFailure("\(what) in state \(state) after \(failures) failures")
    }

    /// Milliseconds, as people read them.
    static func span(_ milliseconds: Int64) -> String {
        guard milliseconds >= 1_000 else { return "\(milliseconds) ms" }
        let tenths = milliseconds % 1_000 / 100
        return tenths == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds / 1_000).\(tenths) s"
    }
}

extension GatewayClose {
    /// Whether it says that a frame could not be taken at all.
    fileprivate var isOfFrame: Bool { [1003, 1007, 1009].contains(code) }
}
