import ArgumentParser
import Glibc
import LedgerSQLite
import ReveilleConfiguration
import RunStateFiles
import RunStates
import Subprocess
import SystemPackage
import WakeCore
import WakeService

/// `reveille run guard`: the whole ritual around a command that may cut its caller off.
struct RunGuard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Checkpoint, sentinel, command, honest end: for a command that may cut you off.",
        discussion: """
            First the step after this one is next in the run state, then the sentinel is
            on disk, then the command begins. With --target this program runs it, and the
            next restart of the target wakes the run's session. Without, the daemon runs
            it, out of reach of the restart, and its end wakes the session, which is told
            how to go back a step where the command failed.

            If the command that this program runs fails, the sentinel is taken back, the
            step is next again, and its exit code is ours. If it ends well and its target
            never restarts, the sentinel stays for 24 h (sentinel.lifetimeObserved), and
            the session is told that then.

              reveille run guard --target nginx.service -- systemctl restart nginx
              reveille run guard -- apt-get -y upgrade
            """)

    @Option(name: .long, help: ArgumentHelp("Which step is next after it, from 1; else one further.", valueName: "step"))
    var next: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "What the command restarts: self, host, gateway:NAME, or a unit such as nginx.service.", valueName: "target"))
    var target: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("What the session is told; else the step that is next.", valueName: "text"))
    var note: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "Without --target: how long the daemon waits before it runs the command, 0s to 10min.", valueName: "duration"))
    var delay: String?
    @OptionGroup var file: RunFileOptions
    @Argument(parsing: .postTerminator, help: "The command and its arguments.") var command: [String]

    func validate() throws {
        if command.isEmpty { throw ValidationError("no command; write it after --") }
        if target != nil, delay != nil {
            throw ValidationError("--delay goes without --target: with it the command runs at once")
        }
    }

    func run() async throws {
        let time = RunAccess.time()
        var before = 1
        let state = try file.change { state throws(RunStateError) in
            before = state.nextStep
            try state.step(to: next, "about to run: \(command.joined(separator: " "))", at: time)
        }
        let sentinel: SentinelID
        do {
            guard let target else {
                return try order(.ours(delay: delay ?? "0s", command: command), state, ifNot: before).run()
            }
            sentinel = try order(try await TargetArgument.awaited(target), state).record()
        } catch {
            stepBack(to: before, from: state.nextStep, "it was not run")
            throw error
        }
        Printing.line("sentinel \(sentinel) is durable")
        let end = await Self.end(of: command)
        guard end.code != 0 else { return try tellGoodEnd() }
        say("Error: the command failed: \(end.words)")
        takeBack(sentinel)
        stepBack(to: before, from: state.nextStep, "the command failed: \(end.words)")
        throw ExitCode(end.code)
    }

    private func tellGoodEnd() throws {
        let lifetime = DurationText.format(try file.configuration.load().restarts.sentinelLifetimeObserved)
        Printing.line(
            "the command has ended well; once its target has restarted, the session is woken; if it does not within \(lifetime), "
                + "the session is told that")
    }

    private func order(_ deed: RequestOrder.Deed, _ state: RunState, ifNot before: Int? = nil) -> RequestOrder {
        RequestOrder(deed: deed, wish: wish(state, ifNot: before), sources: file.configuration.sources)
    }

    /// What the session is told, with the step to go back to where the command may fail out of our sight.
    private func wish(_ state: RunState, ifNot before: Int?) -> RequestWish {
        let step = state.nextStep - 1
        var next =
            state.plan.indices.contains(step) ? "Next: \(state.plan[step])" : "All steps are done: check, then reveille run done."
        if let before { next += "\nIf the command failed, its step is not done: reveille run step \(before)" }
        return RequestWish(
            session: state.session?.description ?? "", note: note ?? "\(state.operation). \(next)",
            route: state.route?.description)
    }

    /// Makes the step next again that was; not where the command, or somebody else, has gone on meanwhile.
    private func stepBack(to step: Int, from ours: Int, _ words: String) {
        do {
            _ = try file.change { state throws(RunStateError) in
                guard state.isPending, state.nextStep == ours else { return state.log(words, at: RunAccess.time()) }
                try state.step(to: step, words, at: RunAccess.time())
            }
        } catch { say("The run state still says that step \(ours) is next.\n\(Complaint(any: error).text)") }
    }

    private func takeBack(_ sentinel: SentinelID) {
        do {
            let client = try LedgerAccess.open(file.configuration)
            defer { client.close() }
            _ = try client.append(.command(.cancelSentinel(sentinel)))
            say("The sentinel is taken back.")
        } catch {
            say("The sentinel stays: reveille sentinel cancel \(sentinel)\n\(Complaint(any: error).text)")
        }
    }

    // What went wrong on the way back must not hide what went wrong first, nor its exit code.
    private func say(_ text: String) { _ = StandardStream.write(text + "\n", to: STDERR_FILENO) }

    /// Runs it with our own input and output.
    private static func end(of command: [String]) async -> (code: Int32, words: String) {
        do {
            let result = try await Subprocess.run(
                .name(command[0]), arguments: Arguments(Array(command.dropFirst())),
                input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            return switch result.terminationStatus {
            case .exited(let code): (code, "exit code \(code)")
            case .signaled(let number): (128 + number, "signal \(number)")
            }
        } catch { return (127, "'\(command[0])' could not be started: \(error)") }
    }
}
