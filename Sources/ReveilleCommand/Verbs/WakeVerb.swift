import ArgumentParser
import Foundation
import LedgerSQLite
import WakeCore
import WakeService

/// `reveille wake`: now, list, show, retry, cancel, mark-delivered.
struct WakeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake", abstract: "Wake a session, list wakes, show one's whole story, or decide about one by hand.",
        subcommands: [WakeNow.self, WakeList.self, WakeShow.self, WakeRetry.self, WakeCancel.self, WakeMarkDelivered.self])
}

struct WakeNow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now", abstract: "Wake a session although nothing restarts, when its channel can hear it.",
        discussion: """
            Returns as soon as it is on disk; works while the daemon is down.

              reveille wake now --session agent:infra:discord:channel:1234 --note "the backup is done; go on with step 4"
            """)

    @OptionGroup var request: RequestOptions
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long to wait before the wake, 0s to 10min; default 0s.", valueName: "duration"))
    var delay: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try RequestOrder(
            deed: .wake(delay: delay), wish: request.wish, json: output.json, sources: configuration.sources
        ).run()
    }
}

struct WakeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List wakes, newest first; open ones by default.")

    @Flag(name: .long, help: "Ended ones too.") var all = false
    @Flag(name: .long, help: "Only those with a part that waits for your word.") var unresolved = false
    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 50
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let gates = try LedgerAccess.gates(client)
        let wakes = try client.reader.wakes(unresolved ? .unresolved : all ? .all : .live, limit: limit)
        if output.json {
            return Printing.json(["wakes": .array(wakes.map { .object($0.json(gates)) })])
        }
        Printing.table(
            ["WAKE", "SESSION", "NOTES", "DELIVERIES"],
            wakes.map { record in
                let deliveries = record.deliveries.map { "\($0.id.kind.rawValue) \($0.words(waitsFor: gates.shut($0)))" }
                return [
                    record.wake.id.description, record.wake.session.description, "\(record.wake.notes.count)",
                    Printing.oneLine(deliveries.joined(separator: "; "), maximumCharacters: 160),
                ]
            })
    }
}

struct WakeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one wake's whole story: notes, deliveries, attempts, and what it waits for.")

    @Argument(help: "Its id, or a unique beginning of it: the small print of a notice holds it.") var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let gates = try LedgerAccess.gates(client)
        let record = try client.reader.wake(id)
        if output.json { return Printing.json(.object(record.json(gates))) }
        Printing.line("wake \(record.wake.id), \(record.wake.state.rawValue), opened \(WallTime.text(record.wake.openedAt))")
        Printing.line("session \(record.wake.session)")
        Printing.line("route \(record.wake.route)")
        for note in record.wake.notes {
            Printing.line("")
            Printing.line("note of sentinel \(note.sentinel), \(note.target): \(note.cause.words)")
            Printing.line("  asked \(WallTime.text(note.requestedAt)), fired \(WallTime.text(note.firedAt))")
            for line in note.text.split(separator: "\n", omittingEmptySubsequences: false) {
                Printing.line("  > " + Printing.oneLine(String(line), maximumCharacters: 10_000))
            }
        }
        for delivery in record.deliveries {
            Printing.line("")
            Printing.line("\(delivery.id.kind.rawValue): \(delivery.words(waitsFor: gates.shut(delivery)))")
            Printing.line("  since \(WallTime.text(delivery.stateSince)), attempts \(delivery.attempts), nonce \(delivery.nonce)")
            for attempt in record.attempts where attempt.delivery == delivery.id {
                Printing.line(
                    "  attempt \(attempt.number) at \(WallTime.text(attempt.at)): \(Printing.oneLine(attempt.result, maximumCharacters: 500))"
                )
            }
        }
    }
}

struct WakeRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract:
            "Send the unresolved, dead or expired parts of a wake again, as a new message; if it was sent before, it says that it may be a repeat."
    )

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws { try LedgerAccess.commandWake(id, configuration, { .retryWake($0) }, "is being retried") }
}

struct WakeCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take back the parts of a wake that have not arrived; drops an unresolved one.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws { try LedgerAccess.commandWake(id, configuration, { .cancelWake($0) }, "is being cancelled") }
}

struct WakeMarkDelivered: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mark-delivered", abstract: "Say that the unresolved parts of a wake did arrive: you saw them.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws { try LedgerAccess.commandWake(id, configuration, { .markDelivered($0) }, "is marked as delivered") }
}
