import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille cron`: jobs, once or again and again.
struct CronVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cron",
        abstract: "Wake a session at a time, or again and again: add, list, show, run and remove jobs.",
        subcommands: [CronAdd.self, CronList.self, CronShow.self, CronRun.self, CronRemove.self, CronRuns.self])
}

struct CronList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the jobs, those that are due next first.")

    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 10_000
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let jobs = try client.reader.jobs(limit: limit)
        let last = try client.reader.lastJobRuns()
        let waiting = try client.reader.pendingJobs()
        if output.json {
            return Printing.json([
                "jobs": .array(jobs.map { .object($0.json(last[$0.id])) }),
                "inbox": .array(waiting.map { .object($0.json(nil)) }),
            ])
        }
        if jobs.isEmpty, waiting.isEmpty { return Printing.line("no jobs; to add one: reveille cron add --help") }
        if !jobs.isEmpty { table(jobs, last) }
        for job in waiting { Printing.line("\(job.id)  inbox: waits for the daemon  \(Printing.oneLine(job.name))") }
    }

    private func table(_ jobs: [Job], _ last: [JobID: JobRun]) {
        Printing.table(
            ["JOB", "NAME", "NEXT", "SCHEDULE", "LAST", "SESSION"],
            jobs.map { job in
                [
                    job.id.description, Printing.oneLine(job.name), job.nextWords(last[job.id]), job.scheduleWords,
                    last[job.id].map { "\($0.result.rawValue) \(WallTime.text(milliseconds: $0.at))" } ?? "-", job.sessionWords,
                ]
            })
    }
}

struct CronShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one job.")

    @Argument(help: "Its name, its id, or a unique beginning of that.") var job: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let job = try client.reader.knownJob(job)
        let last = try client.reader.jobRuns(of: job.id, limit: 1).first
        if output.json { return Printing.json(.object(job.json(last))) }
        let announcing =
            switch job.announcing {
            case .always: "each run is announced in the channel"
            case .ifNeeded: "told in the channel where nobody takes turns of the session"
            case .never: "never told in the channel"
            }
        Printing.rows([
            ("job", job.id.description), ("name", Printing.oneLine(job.name)), ("schedule", job.scheduleWords),
            ("next", job.nextWords(last)), ("session", job.sessionWords),
            ("route", (job.route ?? job.session.route)?.description),
            ("announce", announcing), ("context", job.isLight ? "light: the message and nothing else" : nil),
            ("grace", "\(DurationText.format(job.grace)), then: \(job.missedPolicy.rawValue)"),
            ("last", last.map { "\($0.result.rawValue) \(WallTime.text(milliseconds: $0.at))" }),
            ("wake", job.wake?.description), ("added", WallTime.text(job.createdAt)),
            ("message", Printing.oneLine(job.message, maximumCharacters: 10_000)),
        ])
    }
}

struct CronRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a job now, beside its times, which stay as they are.")

    @Argument(help: "Its name, its id, or a unique beginning of that.") var job: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try JobOrders.append(job, configuration, "runs now") { .run($0) }
    }
}

struct CronRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a job back. What it has already woken stays.")

    @Argument(help: "Its name, its id, or a unique beginning of that.") var job: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try JobOrders.append(job, configuration, "is being removed") { .remove($0) }
    }
}

struct CronRuns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "What became of the times of a job, or of all, newest first.",
        discussion: """
            fired: its session was woken, or is as soon as its channel is ready (reveille
            sentinel show ID). missed: its grace was over. skipped: the wake of an earlier
            time was still held. refused: nobody could be told.
            """)

    @Argument(
        help: "Its name, its id, or a unique beginning of that. Without one, all jobs; those that are gone by their whole id.")
    var job: String?
    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 50
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let id = try job.map { try client.reader.jobIdentifier($0) }
        let runs = try client.reader.jobRuns(of: id, limit: limit)
        if output.json { return Printing.json(["runs": .array(runs.map { .object($0.json) })]) }
        Printing.table(
            ["JOB", "DUE", "RESULT", "AT", "SENTINEL"],
            runs.map {
                [
                    $0.job.description, WallTime.text(milliseconds: $0.due), $0.result.rawValue,
                    WallTime.text(milliseconds: $0.at),
                    $0.sentinel?.description ?? "-",
                ]
            })
    }
}

/// Orders about jobs that are there.
enum JobOrders {
    static func append(
        _ text: String, _ options: ConfigurationOptions, _ words: String, _ make: (JobID) -> JobOrder
    ) throws {
        let client = try LedgerAccess.open(options)
        defer { client.close() }
        let job = try client.reader.knownJob(text)
        _ = try client.append(.job(make(job.id)))
        let isUp = try client.daemon() != nil
        Printing.line(
            "job \(job.id) (\(Printing.oneLine(job.name))) \(words)" + (isUp ? "" : ": recorded, and done when the daemon starts")
        )
    }
}
