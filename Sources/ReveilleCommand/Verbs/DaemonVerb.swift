import ArgumentParser
import Foundation
import ReveilleConfiguration
import SystemdSupport
import WakeService

/// `reveille daemon`: holds wakes until their channels are ready, then delivers them.
struct DaemonVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "Run the daemon in the foreground; its supervisor must start it again whenever it ends.",
        discussion: """
            SIGTERM and SIGINT stop it cleanly: sends under way are waited for,
            Discord's session is kept for a resume. It also ends by itself, with exit
            code 0, when a restart of `self` is due: a unit for it needs Restart=always.
            SIGHUP reads the configuration again: what can be applied at once is, and what
            needs a restart is named. One daemon at a time may hold a ledger.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess()
        let manager = ServiceManager()
        do {
            let loader = try configuration.sources.loader(in: surroundings)
            let daemon = Daemon(configuration: try loader.load(), loader: loader, manager: manager)
            try await daemon.run()
        } catch {
            let complaint = Complaint(any: error)
            manager.tell(.status(complaint.text), .failure(complaint.errorNumber))
            throw error
        }
    }
}
