import ArgumentParser
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille doctor`: what is wrong, why it matters, and how to mend it.
struct DoctorVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find out why nobody is woken, or will not be: what is wrong, why it matters, and the fix.",
        discussion: """
            Reads our configuration and the gateways', and asks what runs: Discord, the
            gateways, systemd, the ledger. Changes nothing, sends nothing, opens no
            session; the daemon may be up or down. Run it as the user that they run as.

            Exit code 0: nothing worse than a note. 1: there are warnings. 2: there are
            errors. What could not be looked at is said, and does not count.
            """)

    @Option(name: .long, help: ArgumentHelp("Of the gateways, look at this one alone.", valueName: "name"))
    var gateway: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let report = DoctorReport(findings: try await findings())
        if output.json {
            Printing.json(report.json)
        } else {
            for line in report.lines { Printing.line(line) }
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    private func findings() async throws -> [Finding] {
        let surroundings = Surroundings.ofThisProcess()
        let loaded: Configuration
        do { loaded = try configuration.load(in: surroundings) } catch let problems as ConfigurationProblems {
            return Finding.faults(problems)
        }
        let moments = try SystemMoments(environment: surroundings.variables)
        return await DoctorRounds(loaded, gateways: try chosen(loaded, surroundings), in: surroundings, moments: moments)
            .findings()
    }

    private func chosen(_ configuration: Configuration, _ surroundings: Surroundings) throws -> [GatewaySettings] {
        guard let gateway else { return configuration.gateways.values.sorted { $0.name < $1.name } }
        return [try GatewayAccess.find(gateway, configuration, in: surroundings).settings]
    }
}
