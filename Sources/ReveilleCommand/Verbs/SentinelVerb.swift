import ArgumentParser
import Foundation
import LedgerSQLite
import WakeCore
import WakeService

/// `reveille sentinel`: write, list, show, cancel.
struct SentinelVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sentinel",
        abstract: "Write a sentinel for a restart that someone else performs; list, show or cancel sentinels.",
        subcommands: [SentinelWrite.self, SentinelList.self, SentinelShow.self, SentinelCancel.self])
}

struct SentinelWrite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Record durably that a restart is to come and whom to wake after it. Restarts nothing by itself.",
        discussion: """
            For scripts and agents that restart things themselves: when it returns 0,
            the sentinel is on disk, and after the daemon's next start the session is
            woken. If no restart follows within 24 h (sentinel.lifetimeObserved), the
            session is told that.

              reveille sentinel write --session agent:infra:discord:channel:1234 --note "go on with step 3" && reboot
            """)

    @OptionGroup var request: RequestOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What somebody else restarts: self (the default), host, gateway:NAME, or a unit such as nginx.service.",
            valueName: "target"))
    var target: String?

    var order: RequestOrder {
        RequestOrder(deed: .observed, wish: request.wish, json: output.json, sources: configuration.sources)
    }

    func run() async throws {
        var order = order
        if let target { order.deed = try await TargetArgument.awaited(target) }
        try order.run()
    }
}

struct SentinelList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List sentinels, newest first; open ones by default.")

    @Flag(name: .long, help: "Ended ones too.") var all = false
    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 50
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let sentinels = try client.reader.sentinels(open: !all, limit: limit)
        let pending = try client.reader.inbox()
        if output.json {
            return Printing.json(["sentinels": .array(sentinels.map(\.json)), "inbox": .integer(Int64(pending.count))])
        }
        Printing.table(
            ["ID", "STATE", "TARGET", "SESSION", "NOTE"],
            sentinels.map {
                [$0.id.description, $0.stateName, $0.target.description, $0.session.description, Printing.oneLine($0.note)]
            })
        for row in pending {
            if case .request(let request) = row.item {
                Printing.line("\(request.id)  inbox: waits for the daemon  \(request.session)  \(Printing.oneLine(request.note))")
            }
        }
    }
}

struct SentinelShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one sentinel.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let sentinel = try client.reader.sentinel(id)
        if output.json { return Printing.json(sentinel.json) }
        Printing.rows([
            ("sentinel", sentinel.id.description), ("state", sentinel.stateName), ("reason", sentinel.reason),
            ("since", WallTime.text(sentinel.stateSince)), ("session", sentinel.session.description),
            ("route", sentinel.route.description), ("target", sentinel.target.description),
            ("command", sentinel.command?.arguments.joined(separator: " ")), ("asked", WallTime.text(sentinel.requestedAt)),
            ("by", "uid \(sentinel.requester.uid), pid \(sentinel.requester.pid)"), ("wake", sentinel.wake?.description),
            ("note", Printing.oneLine(sentinel.note, maximumCharacters: 10_000)),
        ])
    }
}

struct SentinelCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take an open sentinel back: nothing restarts for it, and it wakes nobody.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let sentinel: SentinelID
        if let pending = try LedgerAccess.pendingRequest(id, client) {
            sentinel = pending
        } else {
            let found = try client.reader.sentinel(id)
            guard found.isOpen else {
                throw Complaint(
                    .noInput, "sentinel \(found.id) has ended already: \(found.stateName)",
                    hint: "reveille sentinel show \(found.id)")
            }
            sentinel = found.id
        }
        try LedgerAccess.command(.cancelSentinel(sentinel), client, "sentinel \(sentinel) is being cancelled")
    }
}
