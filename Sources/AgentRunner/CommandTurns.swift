import Foundation
import Glibc
public import Logging
import Subprocess
import SystemPackage
public import WakeCore
public import WakeService

/// Takes turns by running commands: each in a folder and, where there is a service manager, in a unit of its own.
///
/// A turn is told by its nonce: started twice under the same one it runs once, and after an operator's retry anew.
public struct CommandTurns: TurnSink, TurnKeeper {
    /// How often a turn that runs is looked at.
    static let lookEvery: ClosedRange<Duration> = .milliseconds(20)...(.milliseconds(500))
    /// How long the process of a turn may take to show itself.
    static let showsWithin: Duration = .seconds(5)

    private let agents: [String: AgentCommand]
    private let folder: String
    private let executor: [String]
    private let units: (any TurnUnits)?
    private let moments: any MomentSource
    private let logger: Logger

    /// Joins them.
    ///
    /// - Parameters:
    ///   - agents: the commands, by agent.
    ///   - folder: where turns are kept; made if it is not there.
    ///   - executor: the command that runs a turn's folder, which comes as its last argument.
    ///   - units: where turns run; nil: in sessions of their own.
    ///   - moments: the clock.
    ///   - logger: where it tells what it does.
    public init(
        _ agents: [String: AgentCommand], folder: String, executor: [String], units: (any TurnUnits)?, moments: any MomentSource,
        logger: Logger
    ) {
        self.agents = agents
        self.folder = folder
        self.executor = executor
        self.units = units
        self.moments = moments
        self.logger = logger
    }

    // MARK: TurnSink

    /// Whether the session's agent is one of the commands, and no gateway has agents of its own there.
    public func serves(_ session: SessionKey, over channel: ChannelName) -> Bool {
        channel.gateway == nil && session.agent.map { agents[$0] != nil } ?? false
    }

    /// Starts the turn's process; accepted once that has shown itself.
    public func start(_ order: SendOrder) async -> Outcome {
        guard let agent = order.session.agent.flatMap({ agents[$0] }) else {
            return .permanent(reason: "no command is configured for the agent of \(order.session)")
        }
        let turn = TurnFolder(path: "\(folder)/\(order.nonce)")
        if turn.claim == "revoked" { turn.remove() }
        if turn.claim == nil, turn.result == nil {
            if let problem = prepare(turn, order, agent) { return problem }
            do throws(WakeError) { try await launch(order.nonce, turn) } catch {
                return .transient(reason: error.message, retryAfter: nil)
            }
        }
        let due = moments.now().advanced(by: Self.showsWithin).boottimeMicroseconds
        while turn.process == nil, turn.result == nil {
            guard moments.now().boottimeMicroseconds < due else {
                return .ambiguous(reason: "the turn was to be started, and its process has not shown itself")
            }
            await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: .milliseconds(5)).boottimeMicroseconds)
        }
        return .accepted(Self.receipt(order.nonce, source: .reply))
    }

    private static func receipt(_ nonce: String, source: Receipt.Source) -> Receipt {
        Receipt(kind: .unit, id: "reveille-turn@\(nonce).service", source: source)
    }

    /// Makes the order durable; what went wrong is provably before anything ran.
    private func prepare(_ turn: TurnFolder, _ order: SendOrder, _ agent: AgentCommand) -> Outcome? {
        let text = order.text + "\n\n" + order.trailer + "\n"
        if agent.run.contains(TurnPlaceholder.text.written), text.utf8.count > AgentCommand.argumentBytes {
            return .permanent(
                reason:
                    "the text has \(text.utf8.count) bytes, too long for the argument {text}; use standard input, or {textFile}")
        }
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            return .transient(reason: "'\(folder)' can't be made: \(String(cString: strerror(errno)))", retryAfter: nil)
        }
        let values: [TurnPlaceholder: String] = [
            .sessionKey: order.session.description, .agent: agent.id, .wake: order.delivery.wake.description,
            .channel: order.route.channel.description, .to: "\(order.route.kind.rawValue):\(order.route.destination)",
            .textFile: turn.input, .text: text,
        ]
        let arguments = agent.run.map { argument in TurnPlaceholder(argument: argument).flatMap { values[$0] } ?? argument }
        let environment = agent.environment.merging([
            "REVEILLE_WAKE_ID": order.delivery.wake.description, "REVEILLE_IDEMPOTENCY_KEY": order.nonce,
            "REVEILLE_SESSION": order.session.description, "REVEILLE_AGENT": agent.id, "REVEILLE_TURN_FOLDER": turn.path,
            "REVEILLE_ROUTE": order.route.description,
        ]) { $1 }
        let what = TurnFolder.Order(
            arguments: arguments, directory: agent.directory, environment: environment, readsInput: agent.input == .stdin,
            timeLimitSeconds: agent.timeLimit.wholeMilliseconds / 1_000, outputBytes: agent.outputBytes)
        do { try turn.make(what, input: text) } catch { return .transient(reason: "\(error)", retryAfter: nil) }
        return nil
    }

    private func launch(_ nonce: String, _ turn: TurnFolder) async throws(WakeError) {
        let command = executor + [turn.path]
        if let units {
            _ = try await units.start(nonce, command)
            return
        }
        // Not a child task: a stop of the daemon must not end the turn.
        Task.detached { [logger] in
            var options = PlatformOptions()
            options.createSession = true
            do {
                _ = try await Subprocess.run(
                    .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())), platformOptions: options,
                    input: .none, output: .discarded, error: .discarded)
            } catch {
                logger.warning("a turn could not be started", metadata: [LogKey.delivery: "\(nonce)", LogKey.error: "\(error)"])
            }
        }
    }

    /// What became of a start whose answer never came.
    public func search(_ order: SearchOrder) async -> ReceiptSearch {
        let turn = TurnFolder(path: "\(folder)/\(order.nonce)")
        if turn.process != nil || turn.result != nil { return .found(Self.receipt(order.nonce, source: .history)) }
        switch await units?.state(of: order.nonce) ?? .none {
        case .active: return .found(Self.receipt(order.nonce, source: .history))
        case .unknown: return .tryAgain(reason: "the service manager could not be asked", retryAfter: nil)
        case .ended, .none: break
        }
        // What would be run is written before anything runs; and what nobody has claimed, nobody can any more after this.
        guard turn.order != nil else { return .absent }
        if turn.claim(as: "revoked") || turn.claim == "revoked" { return .prevented }
        guard turn.claim != nil else {
            return .tryAgain(
                reason: "nothing can be written in '\(turn.path)', so that nobody can be kept from it", retryAfter: nil)
        }
        return .cannotTell(reason: "the turn was claimed, and nothing of its process is there")
    }

    // MARK: TurnKeeper

    /// Whether the agent is one of the commands.
    public func runs(_ agent: String) -> Bool { agents[agent] != nil }

    /// Waits for the end.
    public func follow(_ turn: Turn) async -> Turn.End? {
        guard let (nonce, folder) = kept(turn) else { return .lost(reason: "nothing is kept of it") }
        let began = moments.now()
        var missing = 0
        while !Task.isCancelled {
            if let result = folder.result { return result.end }
            let isAlive = folder.process?.isAlive ?? false
            // The manager is asked only where the process does not answer for itself.
            let state = isAlive ? .active : await units?.state(of: nonce) ?? .none
            // Twice: it may have written its result and ended between the two looks.
            missing = state == .active || state == .unknown ? 0 : missing + 1
            if missing > 1 {
                endCommand(in: folder)
                return lost(state)
            }
            let now = moments.now()
            let pause = missing > 0 ? Self.lookEvery.upperBound : Self.pause(after: now.elapsed(since: began) ?? .zero)
            await moments.wait(untilBoottimeMicroseconds: now.advanced(by: pause).boottimeMicroseconds)
        }
        return nil
    }

    /// A command whose process was killed goes on without it: its result would be nobody's, and the session's next turn is not to meet it.
    private func endCommand(in folder: TurnFolder) {
        guard let command = folder.command, command.isAlive else { return }
        kill(-command.pid, SIGKILL)
    }

    /// The end of a short turn is seen soon, since others may wait for it; a long one costs no more looks than it must.
    static func pause(after elapsed: Duration) -> Duration {
        min(max(elapsed / 10, lookEvery.lowerBound), lookEvery.upperBound)
    }

    private func lost(_ state: TurnUnitState) -> Turn.End {
        switch state {
        case .ended(result: "oom-kill"): .lost(reason: "its unit was killed for want of memory")
        case .ended(let result) where result != "success": .lost(reason: "its unit ended as '\(result)' and left no result")
        default: .lost(reason: "its process is gone and left no result")
        }
    }

    /// Asks its processes to end; they are made to after 10 s.
    public func cancel(_ turn: Turn) async {
        guard let (nonce, folder) = kept(turn) else { return }
        folder.markCancelled()
        if let process = folder.process, process.isAlive { kill(process.pid, SIGTERM) } else { await units?.stop(nonce) }
    }

    /// The unit's remains go; output and result stay for people to read.
    public func forget(_ turn: Turn) async {
        guard let (nonce, _) = kept(turn) else { return }
        await units?.forget(nonce)
    }

    private func kept(_ turn: Turn) -> (nonce: String, folder: TurnFolder)? {
        guard turn.receipt.id.hasPrefix("reveille-turn@"), turn.receipt.id.hasSuffix(".service") else { return nil }
        let nonce = String(turn.receipt.id.dropFirst(14).dropLast(8))
        guard !nonce.isEmpty, nonce.utf8.allSatisfy({ (0x30...0x7A).contains($0) }) else { return nil }
        let folder = TurnFolder(path: "\(folder)/\(nonce)")
        return folder.exists ? (nonce, folder) : nil
    }

    /// Where a turn's output is kept.
    public static func output(of turn: Turn, in folder: String) -> String {
        "\(folder)/\(turn.receipt.id.dropFirst(14).dropLast(8))/output"
    }

    /// Removes what is kept of turns that ended long ago.
    ///
    /// - Parameter moment: those that ended before it, by the wall clock.
    public func prune(endedBefore moment: Moment) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let turn = TurnFolder(path: "\(folder)/\(name)")
            // One that was lost has no result; when it changed last is all there is.
            let ended = turn.result?.at ?? (turn.process?.isAlive == true ? nil : turn.changedAt)
            if let ended, ended < moment.wallMilliseconds { turn.remove() }
        }
    }
}
