import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille ledger`: check, backup, adopt.
struct LedgerVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Check the ledger, back it up, or adopt a copy.",
        subcommands: [LedgerCheck.self, LedgerBackup.self, LedgerAdopt.self])
}

struct LedgerCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look for damage and broken promises; changes nothing. Exit code 65 if there is any.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let report = client.check()
        let isSound = report.problems.isEmpty
        if output.json {
            Printing.json([
                "sound": .bool(isSound), "ledger": .string(client.folder.databasePath),
                "problems": .array(report.problems.map { .string($0) }), "remarks": .array(report.remarks.map { .string($0) }),
                "schema": .integer(Int64(report.schema)), "databaseBytes": .integer(report.databaseBytes),
                "logBytes": .integer(report.logBytes), "freeBytes": report.freeBytes.map { .integer($0) } ?? nil,
                "sqlite": .string(report.sqliteVersion),
            ])
        } else {
            for problem in report.problems { Printing.line("FAULT  \(problem)") }
            for remark in report.remarks { Printing.line("note   \(remark)") }
            Printing.line("\(client.folder.databasePath): \(isSound ? "sound" : "damaged")")
            if !isSound {
                Printing.line(
                    "Try: stop the daemon, move ledger.sqlite and ledger.sqlite-wal away (keep them), copy a backup in their place, then "
                        + "reveille ledger adopt")
            }
        }
        if !isSound { throw ExitCode(Complaint.Code.data.rawValue) }
    }
}

struct LedgerBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a consistent copy of the ledger, also while the daemon runs. Never overwrites a file.")

    @Argument(help: "The file to write.") var file: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        try client.backUp(to: file)
        Printing.line("written: \(file)")
    }
}

struct LedgerAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Take over a ledger that was copied or restored: what is owed in it may be sent again from here.",
        discussion: """
            The daemon must be down. Make sure first that the ledger which this is a
            copy of does not run anywhere: else both deliver.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let ledger = try SQLiteLedger(
            at: try configuration.load().ledger.directory,
            moments: try SystemMoments(environment: ProcessInfo.processInfo.environment))
        defer { ledger.close() }
        guard try ledger.adoptionReason() != nil else {
            return Printing.line("nothing to adopt: this ledger is this machine's own")
        }
        let adopted = try ledger.adopt()
        Printing.line("adopted: \(adopted.deliveries) deliveries and \(adopted.sentinels) sentinels go on when the daemon starts")
    }
}
