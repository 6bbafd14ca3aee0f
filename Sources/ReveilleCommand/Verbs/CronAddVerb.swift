import ArgumentParser
import GatewayProtocol
import LedgerSQLite
import ReveilleConfiguration
import Schedules
import WakeCore
import WakeService

/// `reveille cron add`: a message for a session, due once or again and again.
struct CronAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a job: a message for a session, due once or again and again.",
        discussion: """
            Returns as soon as it is on disk; works while the daemon is down. A job
            survives restarts, and waits for its channel as any wake does. No time runs
            twice, clocks may be set as they like; one that was missed runs within
            --grace, and after it as --missed says. One that is due once goes when it is
            delivered.

              reveille cron add --at +20m --session KEY --message "look at the deployment"
              reveille cron add --cron "0 9 * * MON-FRI" --tz Europe/Berlin --session main --agent infra --message "the day's plan"
              reveille cron add --every 6h --session isolated --agent infra --to channel:1234 --announce --message "check the disks"

            An expression has five fields: minute, hour, day of the month, month, day of
            the week; @hourly, @daily, @weekly, @monthly and @yearly stand for whole ones.
            A time that the clocks skip runs right after the gap; one that they show twice
            runs once, unless the hour is *.
            """)

    @Option(name: .long, help: ArgumentHelp("Once: 2026-12-01T09:30, with Z or an offset if wanted, or +20s.", valueName: "time"))
    var at: String?
    @Option(name: .long, help: ArgumentHelp("Again and again: 10m, 6h, 1d.", valueName: "duration")) var every: String?
    @Option(name: .long, help: ArgumentHelp("Whenever the clock matches, e.g. \"0 9 * * MON-FRI\".", valueName: "expression"))
    var cron: String?
    @Option(
        name: .customLong("tz"), help: ArgumentHelp("The zone of --cron and --at; default this machine's.", valueName: "zone"))
    var zone: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A session key; main; isolated, a session of its own for each run; or current, the one that the environment names (the default).",
            valueName: "session"))
    var session: String?
    @Option(name: .long, help: "The agent of main and isolated; default the one that asks.") var agent: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("What the agent is told, 1 byte to 8 KiB; - reads it from standard input.", valueName: "text"))
    var message: String
    @Option(name: .long, help: "What it is called; default the first line of the message.") var name: String?
    @Flag(name: .long, help: "The message is all that its turn is told: nothing pending, nothing that people wrote.")
    var lightContext = false

    @Flag(name: .long, help: "Say in the channel, each time, that it runs.") var announce = false
    @Flag(name: .customLong("no-deliver"), help: "Say nothing in the channel, ever: only the agent's turn.") var noDeliver = false
    @Option(name: .long, help: ArgumentHelp("The channel of --to; default discord:default.", valueName: "channel"))
    var channel: String?
    @Option(
        name: .customLong("to"),
        help: ArgumentHelp("Where, if not where the session is: channel:ID, user:ID, or a whole route.", valueName: "place"))
    var place: String?

    @Option(
        name: .long, parsing: .unconditional, help: ArgumentHelp("How late it may still run; default 1h.", valueName: "duration"))
    var grace: String?
    @Option(
        name: .long, help: ArgumentHelp("After the grace: report it (default), or run it late, once.", valueName: "report|run"))
    var missed: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess()
        let loaded = try configuration.load(in: surroundings)
        let job = try job(loaded, surroundings)
        let client = try LedgerClient(at: loaded.ledger.directory, createIfMissing: true)
        defer { client.close() }
        guard try client.reader.jobCount() < Job.maximum else {
            throw Complaint(.usage, "there are \(Job.maximum) jobs already", hint: "Remove some: reveille cron list")
        }
        _ = try client.append(.job(.add(job)))
        let isUp = try client.daemon() != nil
        if output.json {
            var reply = job.json(nil)
            reply["durable"] = true
            return Printing.json(.object(reply))
        }
        Printing.line("job \(job.id) (\(Printing.oneLine(job.name))) is durable")
        Printing.line(
            "\(job.scheduleWords): \(job.sessionWords) is woken over \((job.route ?? job.session.route)?.description ?? "-"), next "
                + job.nextWords(nil) + (isUp ? "" : "; no daemon runs: it waits for one"))
    }

    private func job(_ loaded: Configuration, _ surroundings: Surroundings) throws -> Job {
        guard !announce || !noDeliver else {
            throw Complaint(.usage, "--announce and --no-deliver can't be used together", hint: "Give one of them.")
        }
        guard channel == nil || place != nil else {
            throw Complaint(.usage, "--channel needs --to", hint: "Say which place in it: --to channel:ID")
        }
        guard let policy = Job.MissedPolicy(rawValue: missed ?? "report") else {
            throw Complaint(.usage, "--missed must be report or run", hint: "report tells people, run runs it late, once.")
        }
        let moments = try SystemMoments(environment: surroundings.variables)
        let now = moments.now()
        var dice = SystemDice().roll()
        let id = dice.identifier()
        let wish = JobWish(
            id: id, name: name,
            schedule: try JobSchedule(at: at, every: every, cron: cron, zone: zone, now: now.wallMilliseconds),
            announcing: announce ? .always : noDeliver ? .never : .ifNeeded, isLight: lightContext,
            grace: try grace.map { try DurationArgument.parse($0, flag: "--grace") } ?? .seconds(3_600), missedPolicy: policy)
        let session = try JobSession(session, agent: agent, job: id, loaded, variables: surroundings.variables)
        // It checks the place and the message as it does for every other request.
        let request = try RequestWish(session: session.key.description, note: message, route: try route()).request(
            target: .nothing, delay: .zero, performedByUs: false, configuration: loaded, moments: moments)
        let job = try wish.job(session, request.route ?? request.session.route, request.note, at: now)
        if noDeliver, let route = job.route, !loaded.takesTurns(session.key, over: route) {
            throw Complaint(
                .usage, "nobody takes turns of \(session.key), so that with --no-deliver nobody would hear it",
                hint: "Leave --no-deliver out, or configure agents.\(session.key.agent ?? "<agent>").run; see docs/AGENTS.md.")
        }
        return job
    }

    private func route() throws -> String? {
        do { return try DeliveryContext(channel: channel, to: place).route()?.description } catch {
            throw Complaint(
                .usage, "--to: \(error.message)",
                hint: "Write channel:ID or user:ID, or a whole route such as discord:default/channel:1234.")
        }
    }
}
