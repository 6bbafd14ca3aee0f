import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// What every verb takes that reads the configuration.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Read this file instead of the usual one; drop-ins come from reveille.d beside it.", valueName: "file")
    )
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Set one key, e.g. --set delivery.backoffCap=30s; may be repeated.", valueName: "path=value"))
    var overrides: [String] = []

    @Option(name: .long, help: ArgumentHelp("Where the ledger lives; short for --set ledger.directory=…", valueName: "folder"))
    var ledger: String?

    var sources: ConfigurationSources { ConfigurationSources(config: config, overrides: overrides, ledger: ledger) }

    func load(in surroundings: Surroundings = .ofThisProcess()) throws -> Configuration { try sources.load(in: surroundings) }

    func store(in surroundings: Surroundings = .ofThisProcess()) throws -> ConfigurationStore {
        try ConfigurationStore(loader: sources.loader(in: surroundings))
    }
}

/// For verbs that print state.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON, one document, stable keys.")
    var json = false
}

/// What a sentinel is made from.
struct RequestOptions: ParsableArguments {
    // Values that begin with a dash are values: notes often are lists, and a negative delay deserves its own complaint.
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "The session to wake, as the gateway lists it, e.g. agent:infra:discord:channel:1234.", valueName: "key"))
    var session: String

    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("What the agent is to be told, 1 byte to 8 KiB; - reads it from standard input.", valueName: "text"))
    var note: String

    @Option(
        name: .customLong("to"),
        help: ArgumentHelp(
            "Where to wake it, if not where the session key says, e.g. discord:default/channel:1234.", valueName: "route"))
    var route: String?

    var wish: RequestWish { RequestWish(session: session, note: note, route: route) }
}

/// Durations on the command line.
enum DurationArgument {
    /// Reads one; the complaint names the flag.
    static func parse(_ text: String, flag: String) throws -> Duration {
        do { return try DurationText.parse(text) } catch {
            throw Complaint(.usage, "\(flag): '\(text)' \(error.message)", hint: error.hint)
        }
    }
}
