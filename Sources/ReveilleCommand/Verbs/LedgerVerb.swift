import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille ledger`: check, backup, adopt, starts.
struct LedgerVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Check the ledger, back it up, adopt a copy, or list the daemon's lives.",
        subcommands: [LedgerCheck.self, LedgerBackup.self, LedgerAdopt.self, LedgerStarts.self])
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

struct LedgerStarts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starts", abstract: "List the daemon's lives, newest first: when each began, and how it ended.")

    @Option(name: .long, help: "At most so many, 1 to 1000.") var limit = 20
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let starts = try client.reader.starts(limit: limit)
        let running = try client.daemon()?.instance
        if output.json { return Printing.json(["starts": .array(starts.map { $0.json(isRunning: $0.instance == running) })]) }
        Printing.table(
            ["STARTED", "LAST SEEN", "END", "BOOT", "INSTANCE"],
            starts.map { start in
                [
                    WallTime.text(start.started), WallTime.text(start.alive),
                    start.endWords(isRunning: start.instance == running),
                    String(start.started.boot.description.prefix(8)), start.instance,
                ]
            })
    }
}

extension StartRecord {
    /// How it ended, in words.
    fileprivate func endWords(isRunning: Bool) -> String {
        if isRunning { return "runs" }
        return ended.map { "\($0.kind.rawValue): \(Printing.oneLine($0.reason))" } ?? "cut off"
    }

    fileprivate func json(isRunning: Bool) -> JSONValue {
        var object: JSONObject = [
            "instance": .string(instance), "boot": .string(started.boot.description), "started": .string(WallTime.text(started)),
            "alive": .string(WallTime.text(alive)), "running": .bool(isRunning),
        ]
        object["shutdown"] = shutdown.map { .string(WallTime.text($0)) }
        object["end"] = isRunning ? nil : .string(ended?.kind.rawValue ?? "cut off")
        object["reason"] = ended.map { .string($0.reason) }
        object["ended"] = ended.map { .string(WallTime.text($0.at)) }
        return .object(object)
    }
}
