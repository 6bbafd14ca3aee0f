import ArgumentParser
import Dispatch
import Glibc
import NetSupport
import ReveilleConfiguration
import WakeService

/// Where the program begins.
@main
enum Main {
    static func main() {
        StandardStream.occupy()
        // Before anything starts a thread: this is all that most processes of this program ever do.
        if let order = PlainLine.read(CommandLine.arguments.dropFirst()) {
            do { try order.run() } catch { leave(error) }
            exit(0)
        }
        do {
            let command = try Reveille.parseAsRoot()
            // Before the first task: the daemon sleeps only where Swift's own pool was never begun.
            if command is DaemonVerb { EventLoopTasks.takeOver() }
            run(command)
        } catch {
            leave(error)
        }
    }

    private static func run(_ command: sending any ParsableCommand) -> Never {
        Task {
            do { try await carryOut(command) } catch { leave(error) }
            exit(0)
        }
        dispatchMain()
    }

    private static func carryOut(_ command: any ParsableCommand) async throws {
        var command = command
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    private static func leave(_ error: any Error) -> Never {
        switch error {
        case let problems as ConfigurationProblems: Complaint(problems).leave()
        case let problem as ConfigurationProblem: Complaint(ConfigurationProblems(problem)).leave()
        case let error as WakeError: Complaint(error).leave()
        case let complaint as Complaint: complaint.leave()
        default: Reveille.exit(withError: error)
        }
    }
}

/// `reveille`: everything the program can do.
struct Reveille: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reveille",
        abstract: "Wakes an agent that a restart cut off: exactly once, with its note, and only when its channel can hear it.",
        discussion: """
            A restart is asked for with `reveille restart`: its sentinel is on disk
            before anything restarts. After the restart the daemon holds the wake until
            the session's channel is ready, then delivers it and keeps the receipt.

              reveille install         set it up under systemd, and start it
              reveille daemon          run the daemon (a supervisor starts it again)
              reveille restart --session KEY --note "go on with step 3" --delay 2s
              reveille status          what is held, and for what
              reveille wake show ID    one wake's whole story
              reveille send KEY TEXT   a message for a session, once and in order
              reveille cron add --help a message at a time, or again and again
              reveille run --help      checkpoints of an operation that is to go on
              reveille doctor          what is wrong, and how to mend it

            Exit codes are those of sysexits(3): 0 done, 64 wrong usage, 65 damaged
            data, 66 no such thing, 69 not available, 70 internal error, 73 can't
            create, 74 input/output error, 75 try again later, 76 protocol mismatch, 77
            permission denied, 78 configuration.
            """,
        version: Version.text,
        subcommands: [
            DaemonVerb.self, RestartVerb.self, RebootVerb.self, SentinelVerb.self, WakeVerb.self, StatusVerb.self, WaitVerb.self,
            DoctorVerb.self, CallVerb.self, LedgerVerb.self, PairVerb.self, ConfigVerb.self, SessionsVerb.self, RunVerb.self,
            TurnVerb.self, SendVerb.self, CronVerb.self, InstallVerb.self, UninstallVerb.self,
            DiscordLoopbackVerb.self, OpenClawLoopbackVerb.self, TurnExecVerb.self, DemoVerb.self,
        ])
}

/// The program's version.
enum Version {
    static let text = "0.1.0"
}
