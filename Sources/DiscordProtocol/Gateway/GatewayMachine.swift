public import WakeCore

/// One Discord gateway connection after another, as a value: facts in, ordered directives out.
///
/// It keeps no token and knows no clock: `now` is time since boot, suspended time included, and chance is an argument.
/// Rules: Discord, events/gateway ("Connections", "Resuming", "Session Start Limit"), and the close-code table.
public struct GatewayMachine: Sendable {
    /// How often a session is tried before it is given up for a fresh Identify.
    public static let maximumResumeAttempts = 3

    /// How the next connection is going to open.
    public enum Opening: Hashable, Sendable {
        /// With op 6.
        case resume
        /// With op 2.
        case identify
    }

    /// Where the connection stands.
    public enum State: Hashable, Sendable {
        /// Nothing was asked of it yet. Can transition to: `fetching`, `connecting` (started), `stopped`.
        case idle
        /// `GET /gateway/bot` is under way.
        /// Can transition to: `connecting` (address known, budget left), `waiting` (it failed, or no budget), `blocked` (401),
        /// `stopped`.
        case fetching(Opening)
        /// A WebSocket is being opened. Can transition to: `greeting` (open), `waiting` (failed or too slow), `blocked`,
        /// `stopped`.
        case connecting(Opening)
        /// The WebSocket is open and Hello has not come.
        /// Can transition to: `opening` (Hello), `waiting` (lost, too slow, op 7), `blocked` (close code), `stopped`.
        case greeting(Opening)
        /// Identify or Resume was sent.
        /// Can transition to: `live` (READY, RESUMED), `waiting` (op 7, op 9, lost, too slow), `blocked` (close code), `stopped`.
        case opening(Opening)
        /// Events come. Can transition to: `waiting` (lost, zombie, op 7, op 9), `blocked` (close code, 401), `stopped`.
        case live
        /// Until the reconnect timer fires. Can transition to: `fetching`, `connecting` (timer, or a person asked), `blocked`,
        /// `stopped`.
        case waiting
        /// Until a person has acted. Can transition to: `fetching`, `connecting` (a person asked), `stopped`.
        case blocked(GatewayBlock)
        /// For good.
        case stopped
    }

    /// Where the connection stands.
    public internal(set) var state = State.idle
    /// The session, while there is one that may be resumed. Its sequence is the last received one.
    public internal(set) var session: StoredGatewaySession?
    /// How often READY or RESUMED has come.
    public internal(set) var generation: UInt64 = 0
    /// What is known of today's identifies.
    public internal(set) var budget: IdentifyBudget?
    /// The bot's own user, from READY or from the stored session.
    public var userID: Snowflake? { session?.userID ?? lastUserID }

    let configuration: GatewayConfiguration
    var baseURL: GatewayURL?
    var connection: GatewayConnectionID = 0
    var lastUserID: Snowflake?
    var failures = 0
    var resumeAttempts = 0
    var liveSince: Duration?
    var lastIdentifyAt: Duration?
    var heartbeatInterval = Duration.milliseconds(41_250)
    var nextBeatAt = Duration.zero
    var awaitsAcknowledgement = false
    var allowance = FrameAllowance()
    // Dispatches handed out and those reported done: the shell works in order, so two numbers say all.
    var handedOut: Int64 = -1
    var settledThrough: Int64 = -1
    var storedSequence: Int64 = -1
    var storedAt = Duration.zero

    /// A machine that waits for `started`.
    public init(configuration: GatewayConfiguration = .init()) {
        self.configuration = configuration
    }

    /// Takes a fact and says what to do about it, in order. Facts of older connections, and any after `stopped`, change nothing.
    public mutating func handle(_ input: GatewayInput, at now: Duration, jitter: UnitFraction) -> [GatewayDirective] {
        guard state != .stopped else { return [] }
        switch input {
        case .started(let stored):
            guard state == .idle else { return [] }
            return started(with: stored, now)
        case .gatewayFetched(let bot): return fetched(bot, now, jitter)
        case .gatewayFetchFailed(let failure): return fetchFailed(failure, now, jitter)
        case .connected(let id): return id == connection ? connected(now) : []
        case .connectionFailed(let id, let reason):
            guard id == connection, hasConnection else { return [] }
            return lose("connecting failed: \(reason)", now, jitter)
        case .frameReceived(let payload, let id):
            return id == connection && isOpen ? received(payload, now, jitter) : []
        case .frameUnreadable(let reason, let id):
            guard id == connection, isOpen else { return [] }
            return drop("Discord sent \(reason)", now, jitter)
        case .closed(let code, let id):
            guard id == connection, hasConnection else { return [] }
            return closed(code, now, jitter)
        case .timerFired(let timer): return fired(timer, now, jitter)
        case .settled(let sequence): return settled(through: sequence, now)
        case .tokenRejected: return block(.badToken, closing: true)
        case .retryRequested: return retry(now)
        case .stopRequested: return stop()
        }
    }

    /// Whether a WebSocket is asked for or open.
    var hasConnection: Bool {
        switch state {
        case .connecting, .greeting, .opening, .live: true
        case .idle, .fetching, .waiting, .blocked, .stopped: false
        }
    }

    /// Whether frames may come.
    var isOpen: Bool {
        switch state {
        case .greeting, .opening, .live: true
        case .idle, .fetching, .connecting, .waiting, .blocked, .stopped: false
        }
    }
}

// MARK: - Beginning and ending

extension GatewayMachine {
    private mutating func started(with stored: StoredGatewaySession?, _ now: Duration) -> [GatewayDirective] {
        session = stored
        lastUserID = stored?.userID
        if let stored {
            (handedOut, settledThrough, storedSequence) = (stored.sequence, stored.sequence, stored.sequence)
            storedAt = now
        }
        return [.publish(.connecting)] + attempt(now)
    }

    /// Begins the next connection: a resume while the session is worth it, else an Identify.
    mutating func attempt(_ now: Duration) -> [GatewayDirective] {
        guard let session, resumeAttempts < Self.maximumResumeAttempts else {
            return forgetSession() + fetch(for: .identify)
        }
        let url = session.resumeURL.flatMap { GatewayURL($0) }.flatMap { isTrusted($0) ? $0 : nil } ?? baseURL
        guard let url else { return fetch(for: .resume) }
        resumeAttempts += 1
        return connect(to: url, .resume, now)
    }

    mutating func fetch(for opening: Opening) -> [GatewayDirective] {
        state = .fetching(opening)
        return [.fetchGateway]
    }

    mutating func connect(to url: GatewayURL, _ opening: Opening, _ now: Duration) -> [GatewayDirective] {
        connection += 1
        state = .connecting(opening)
        awaitsAcknowledgement = false
        allowance = FrameAllowance()
        return [
            .connect(url: url.connectURL, connection),
            .armTimer(.handshake, at: now + configuration.handshakeTimeout),
        ]
    }

    mutating func forgetSession() -> [GatewayDirective] {
        resumeAttempts = 0
        guard let session else { return [] }
        lastUserID = session.userID ?? lastUserID
        self.session = nil
        storedSequence = -1
        return [.forgetSession]
    }

    func isTrusted(_ url: GatewayURL) -> Bool { url.isTrusted(loopback: configuration.trustedLoopback) }

    private mutating func retry(_ now: Duration) -> [GatewayDirective] {
        switch state {
        case .waiting, .blocked:
            failures = 0
            return [.cancelTimer(.reconnect), .publish(.connecting)] + attempt(now)
        case .idle, .fetching, .connecting, .greeting, .opening, .live, .stopped:
            return []
        }
    }

    private mutating func stop() -> [GatewayDirective] {
        var directives = storeIfMoved()
        directives += GatewayTimer.allCases.map { .cancelTimer($0) }
        if hasConnection { directives.append(.close(code: GatewayCloseCode.keepSession, on: connection)) }
        directives.append(.publish(.down(reason: "the daemon is stopping", retryAt: nil)))
        state = .stopped
        return directives
    }

    mutating func block(_ reason: GatewayBlock, closing: Bool) -> [GatewayDirective] {
        var directives: [GatewayDirective] =
            closing && hasConnection ? [.close(code: GatewayCloseCode.keepSession, on: connection)] : []
        directives += GatewayTimer.allCases.map { .cancelTimer($0) }
        // A rejected token ends its sessions; the other blocks mend with a new Identify anyway.
        directives += forgetSession()
        state = .blocked(reason)
        liveSince = nil
        return directives + [.publish(.blocked(reason, retryAt: nil))]
    }
}

// MARK: - The way to the gateway

extension GatewayMachine {
    private mutating func fetched(_ bot: GatewayBot, _ now: Duration, _ jitter: UnitFraction) -> [GatewayDirective] {
        guard case .fetching(let opening) = state else { return [] }
        guard let url = GatewayURL(bot.url), isTrusted(url) else {
            return lose("Discord named a gateway address that is not its own; the token was not sent there", now, jitter)
        }
        baseURL = url
        let budget = IdentifyBudget(
            total: bot.total, remaining: bot.remaining, resetAfterMilliseconds: bot.resetAfterMilliseconds, now: now)
        self.budget = budget
        if opening == .resume {
            resumeAttempts += 1
            return connect(to: url, .resume, now)
        }
        guard budget.allowsIdentify(at: now) else {
            state = .waiting
            // Spread over a minute: every bot of a host comes back at the same reset.
            let retryAt = max(budget.resetAt, now + .seconds(60)) + Duration.seconds(60).scaled(by: jitter)
            let reason = GatewayBlock.identifyBudget(remaining: budget.remaining, total: budget.total)
            return [.publish(.blocked(reason, retryAt: retryAt)), .armTimer(.reconnect, at: retryAt)]
        }
        if let last = lastIdentifyAt, now < last + IdentifyBudget.spacing {
            state = .waiting
            return [.armTimer(.reconnect, at: last + IdentifyBudget.spacing)]
        }
        return connect(to: url, .identify, now)
    }

    private mutating func fetchFailed(
        _ failure: GatewayFetchFailure, _ now: Duration, _ jitter: UnitFraction
    ) -> [GatewayDirective] {
        guard case .fetching = state else { return [] }
        switch failure {
        case .unauthorised:
            return block(.badToken, closing: false)
        case .rateLimited(let retryAfter):
            return lose("GET /gateway/bot is rate limited", now, jitter, atLeast: retryAfter)
        case .unusable(let reason):
            return lose("GET /gateway/bot failed: \(reason)", now, jitter)
        }
    }

    private mutating func connected(_ now: Duration) -> [GatewayDirective] {
        guard case .connecting(let opening) = state else { return [] }
        state = .greeting(opening)
        return [.armTimer(.handshake, at: now + configuration.handshakeTimeout)]
    }

    private mutating func closed(_ code: UInt16?, _ now: Duration, _ jitter: UnitFraction) -> [GatewayDirective] {
        let meaning = GatewayCloseCode.meaning(of: code)
        switch GatewayCloseCode.action(after: code) {
        case .resume:
            return lose(meaning, now, jitter)
        case .resumeLater:
            return lose(meaning, now, jitter, atLeast: .seconds(5))
        case .identify:
            return forgetSession() + lose(meaning, now, jitter)
        case .block(let reason):
            return block(reason, closing: false)
        }
    }

    /// Gives up an open connection ourselves, keeping the session.
    mutating func drop(
        _ reason: String, _ now: Duration, _ jitter: UnitFraction, atLeast: Duration = .zero, atOnce: Bool = false
    ) -> [GatewayDirective] {
        [.close(code: GatewayCloseCode.keepSession, on: connection)]
            + lose(reason, now, jitter, atLeast: atLeast, atOnce: atOnce)
    }

    /// The connection (or the attempt) is over: says so and arms the next attempt.
    ///
    /// The first loss after a stable time may go on at once when Discord asked for it; every other one waits with full jitter.
    mutating func lose(
        _ reason: String, _ now: Duration, _ jitter: UnitFraction, atLeast: Duration = .zero, atOnce: Bool = false
    ) -> [GatewayDirective] {
        if let liveSince, now - liveSince >= configuration.stableAfter { failures = 0 }
        let isFirst = failures == 0
        let wait = atOnce && isFirst ? .zero : configuration.backoff.delay(afterFailures: failures, jitter: jitter)
        let retryAt = now + max(wait, atLeast)
        failures = min(failures + 1, 32)
        liveSince = nil
        state = .waiting
        return storeIfMoved() + [
            .cancelTimer(.heartbeat), .cancelTimer(.handshake), .publish(.down(reason: reason, retryAt: retryAt)),
            .armTimer(.reconnect, at: retryAt),
        ]
    }

    private mutating func fired(_ timer: GatewayTimer, _ now: Duration, _ jitter: UnitFraction) -> [GatewayDirective] {
        switch timer {
        case .heartbeat: return isOpen ? beatDue(now, jitter) : []
        case .handshake:
            switch state {
            case .connecting: return drop("the gateway could not be reached in time", now, jitter)
            case .greeting: return drop("the gateway did not say Hello in time", now, jitter)
            case .opening: return drop("the gateway did not answer Identify or Resume in time", now, jitter)
            case .idle, .fetching, .live, .waiting, .blocked, .stopped: return []
            }
        case .reconnect:
            guard state == .waiting else { return [] }
            return [.publish(.connecting)] + attempt(now)
        }
    }
}
