import ArgumentParser
import Foundation
import ReveilleConfiguration
import WakeService

/// Where the program begins.
@main
enum Main {
    static func main() async {
        do {
            var command = try Reveille.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let problems as ConfigurationProblems {
            Complaint(problems).leave()
        } catch let problem as ConfigurationProblem {
            Complaint(ConfigurationProblems(problem)).leave()
        } catch let error as WakeError {
            Complaint(error).leave()
        } catch let complaint as Complaint {
            complaint.leave()
        } catch {
            Reveille.exit(withError: error)
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

            Exit codes are those of sysexits(3): 0 done, 64 wrong usage, 65 damaged
            data, 66 no such thing, 69 not available, 70 internal error, 73 can't
            create, 74 input/output error, 75 try again later, 77 permission denied, 78
            configuration.
            """,
        version: Version.text,
        subcommands: [
            DaemonVerb.self, RestartVerb.self, RebootVerb.self, SentinelVerb.self, WakeVerb.self, StatusVerb.self, WaitVerb.self,
            LedgerVerb.self,
            ConfigVerb.self, InstallVerb.self, UninstallVerb.self, DiscordLoopbackVerb.self, DemoVerb.self,
        ])
}

/// The program's version.
enum Version {
    static let text = "0.1.0"
}
