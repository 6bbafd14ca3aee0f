import GatewayClient
import GatewayProtocol
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// A change of a gateway's configuration with its wake: the sentinel is on disk before the gateway is asked, and taken back where no
/// restart comes of it.
///
/// The gateway is told no session and no note: it would ping a second time. It may be killed at any point: what it promised is in the
/// ledger, and what it had not promised yet was not asked for.
struct GatewayChange: Sendable {
    /// Which of the gateway's methods it is.
    enum Method: String, Sendable {
        case patch = "config.patch"
        case apply = "config.apply"
    }

    /// What came of it.
    enum Ending: Sendable {
        /// The gateway is in use of it and stays up; nobody is woken. Where it changed something, as far as it told.
        case applied(changed: [String]?)
        /// The gateway restarts; the request is durable, where there is one.
        case restarts(in: Duration, RestartRequest?)
        /// Nobody knows whether it was taken; the request stays.
        case unclear(reason: String, RestartRequest?)
    }

    /// How long a gateway restarts later at most.
    static let longestDelay = Duration.seconds(60)
    /// How long the answer may take.
    static let answerWithin = Duration.seconds(60)
    /// The most paths that are asked about; beyond, a restart is counted on.
    static let leavesMaximumCount = 64

    let door: GatewayDoor
    let method: Method
    /// The text, and what it says.
    let raw: String
    let document: JSONValue
    var replacePaths: [String] = []
    let delay: Duration
    /// Whom to wake; nil: nobody. Its epoch is filled in.
    let request: RestartRequest?
    let ledger: LedgerClient
    let moments: any MomentSource

    /// Does it.
    ///
    /// - Throws: ``Complaint`` where nothing restarts, and nobody is woken.
    func run(over caller: GatewayCaller, options: GatewayCaller.Options) async throws -> Ending {
        do {
            return try await caller.withConnection(options: options) { try await carryOut($0) }
        } catch { throw door.complaint(any: error) }
    }

    private func carryOut(_ connection: GatewayConnection) async throws -> Ending {
        let greeted = moments.now()
        let shown = try await connection.call("config.get", [:])
        guard var request, await needsRestart(connection, shown) else {
            return try await changeQuietly(connection, shown, greeted)
        }
        request.epoch = try epoch(connection.hello, at: greeted)
        try append(.request(request))
        return try await change(connection, shown, request)
    }

    private func append(_ item: InboxItem) throws { _ = try ledger.append(item) }

    /// The gateway's life: as the daemon has it, where that is the same one, else by its uptime.
    private func epoch(_ hello: Hello, at now: Moment) throws -> Epoch? {
        guard let target = request?.target else { return nil }
        return Self.epoch(
            uptimeMilliseconds: hello.snapshot["uptimeMs"]?.integer, at: now,
            known: try ledger.reader.epochs().first { $0.target == target }?.epoch)
    }

    /// The life that a gateway is in.
    ///
    /// The daemon's own mark counts where it is of this boot and not more than 2 s older: it may be later than the process, since a
    /// gateway can restart within one.
    static func epoch(uptimeMilliseconds: Int64?, at now: Moment, known: Epoch?) -> Epoch? {
        guard let uptime = uptimeMilliseconds, (0...Int64(1) << 40).contains(uptime) else { return known }
        let start = now.boottimeMicroseconds - uptime * 1_000
        if case .startedAt(now.boot, let mark) = known, mark >= start - 2_000_000 { return known }
        return .startedAt(boot: now.boot, microseconds: start)
    }

    // MARK: Whether it restarts

    /// Whether the gateway must be expected to restart for it: unless it says of each path that it does not.
    private func needsRestart(_ connection: GatewayConnection, _ shown: JSONValue?) async -> Bool {
        guard connection.hello.methods.contains("config.schema.lookup") else { return true }
        let current = shown?["config"] ?? shown?["parsed"]
        let leaves =
            method == .patch ? GatewayPatch.leaves(of: document, in: current) : GatewayPatch.leaves(from: current, to: document)
        guard leaves.count <= Self.leavesMaximumCount, leaves.allSatisfy(\.isAskable) else { return true }
        for leaf in leaves {
            let found = try? await connection.call("config.schema.lookup", ["path": .string(leaf.path)])
            guard let kind = found?["reloadKind"]?.string, kind == "hot" || kind == "none" else { return true }
        }
        return false
    }

    // MARK: The change itself

    private func params(_ shown: JSONValue?) -> JSONValue {
        var params: JSONObject = ["raw": .string(raw), "restartDelayMs": .integer(delay.wholeMilliseconds)]
        params["baseHash"] = shown?["hash"]?.string.map { .string($0) }
        if !replacePaths.isEmpty { params["replacePaths"] = .array(replacePaths.map { .string($0) }) }
        return .object(params)
    }

    /// Nothing restarts, as far as the gateway knows; or nobody is to be woken.
    private func changeQuietly(_ connection: GatewayConnection, _ shown: JSONValue?, _ greeted: Moment) async throws -> Ending {
        let reply: JSONValue?
        do { reply = try await answer(connection, shown) } catch let fault as GatewayFault {
            throw complaint(fault)
        } catch let closed as GatewayClosed {
            return .unclear(reason: closed.description, nil)
        } catch is AnswerMissing { return .unclear(reason: Self.noAnswer, nil) }
        switch GatewayPatch.answer(reply) {
        case .staysUp(let changed): return .applied(changed: changed)
        case .restartRefused(let reason): throw restartRefused(reason)
        case .restarts(let wait):
            guard var request else { return .restarts(in: wait, nil) }
            // It restarts after all: there is time to write the sentinel before it does.
            request.epoch = try epoch(connection.hello, at: greeted)
            request.delay = min(wait, Limits.restartDelay)
            try append(.request(request))
            return .restarts(in: wait, request)
        }
    }

    /// The sentinel is written; from here on each way out either leaves it or takes it back.
    private func change(
        _ connection: GatewayConnection, _ shown: JSONValue?, _ request: RestartRequest
    ) async throws -> Ending {
        do {
            let reply = try await answer(connection, shown)
            switch GatewayPatch.answer(reply) {
            case .restarts(let wait): return .restarts(in: wait, request)
            case .staysUp(let changed):
                try append(.command(.cancelSentinel(request.id)))
                return .applied(changed: changed)
            case .restartRefused(let reason):
                try append(.command(.cancelSentinel(request.id)))
                throw restartRefused(reason)
            }
        } catch let fault as GatewayFault {
            guard GatewayPatch.refusal(fault) != .writtenOnly else {
                return .unclear(reason: "it is written, and the gateway could not put it into use: \(fault.message)", request)
            }
            try append(.command(.cancelSentinel(request.id)))
            throw complaint(fault)
        } catch let closed as GatewayClosed {
            guard closed.mayBeAccepted else {
                try append(.command(.cancelSentinel(request.id)))
                throw Complaint(
                    .tryLater, "\(door.words) is about to end and took nothing more; nothing was changed",
                    hint: "Ask again when it is back.")
            }
            return .unclear(reason: closed.description, request)
        } catch is AnswerMissing { return .unclear(reason: Self.noAnswer, request) }
    }

    private struct AnswerMissing: Error {}
    private static var noAnswer: String { "no answer came within \(DurationText.format(answerWithin))" }

    private func answer(_ connection: GatewayConnection, _ shown: JSONValue?) async throws -> JSONValue? {
        let params = params(shown)
        return try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask { try await connection.call(method.rawValue, params) }
            group.addTask {
                await moments.wait(
                    untilBoottimeMicroseconds: moments.now().advanced(by: Self.answerWithin).boottimeMicroseconds)
                throw AnswerMissing()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    // MARK: What went wrong

    private func restartRefused(_ reason: String) -> Complaint {
        Complaint(
            .unavailable, "the change is written, but \(door.words) does not restart for it: \(reason)",
            hint: "Restart it when that is mended; nobody is woken for this change.")
    }

    private func complaint(_ fault: GatewayFault) -> Complaint {
        switch GatewayPatch.refusal(fault) {
        case .conflict:
            Complaint(
                .tryLater, "somebody else changed the configuration of \(door.words) meanwhile; nothing was changed",
                hint: "Look at it (reveille config get), and ask again.")
        case .invalid(let issues):
            Complaint(
                .data, "\(door.words) refuses the change: " + ([fault.message] + issues).joined(separator: "; "),
                hint: "Nothing was changed, and nobody is woken. Mend it and ask again.")
        case .writtenOnly, .other: door.complaint(GatewayMishap.fault(fault).error)
        }
    }
}
