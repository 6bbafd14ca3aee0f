import AgentRunner
import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore

/// `reveille turn`: turns of agents that are commands.
struct TurnVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turn", abstract: "List the turns of agents that are commands, show one with what it printed, or end one.",
        subcommands: [TurnList.self, TurnShow.self, TurnLogs.self, TurnCancel.self])
}

struct TurnList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List turns, newest first; those that run by default.")

    @Flag(name: .long, help: "Ended ones too.") var all = false
    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 50
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let turns = try client.reader.turns(running: !all, limit: limit)
        if output.json { return Printing.json(["turns": .array(turns.map(\.json))]) }
        Printing.table(
            ["TURN", "STATE", "AGENT", "SESSION", "STARTED"],
            turns.map { [$0.id.description, $0.words, $0.agent, $0.session.description, WallTime.text($0.startedAt)] })
    }
}

struct TurnShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one turn.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let turn = try client.reader.turn(id)
        if output.json { return Printing.json(turn.json) }
        Printing.rows([
            ("turn", turn.id.description), ("state", turn.words), ("agent", turn.agent), ("session", turn.session.description),
            ("route", turn.route.description), ("started", WallTime.text(turn.startedAt)),
            ("ended", turn.endedAt.map(WallTime.text)),
            ("unit", turn.receipt.id), ("note", Printing.oneLine(turn.note, maximumCharacters: 1_000)),
            ("output", CommandTurns.output(of: turn, in: try TurnFolders.path(configuration))),
        ])
    }
}

struct TurnLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "Print what a turn has printed so far.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let path = CommandTurns.output(of: try client.reader.turn(id), in: try TurnFolders.path(configuration))
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Complaint(
                .noInput, "nothing is kept of what it printed", hint: "It is removed with old wakes (ledger.retention).")
        }
        // Its bytes as they are, whatever they are.
        while let data = try file.read(upToCount: 65_536), !data.isEmpty {
            if data.withUnsafeBytes({ StandardStream.write($0, to: STDOUT_FILENO) }) { continue }
            // Who reads no further has seen enough.
            if errno == EPIPE { return }
            throw Complaint(
                .inputOutput, "not all of it could be written to standard output: \(String(cString: strerror(errno)))",
                hint: "The whole of it lies in '\(path)'.")
        }
    }
}

struct TurnCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a turn that runs: its command is asked to end, and made to 10 s later.")

    @Argument(help: "Its id, or a unique beginning of it.") var id: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let turn = try client.reader.turn(id)
        guard turn.end == nil else {
            throw Complaint(.noInput, "turn \(turn.id) has ended already: \(turn.words)", hint: "reveille turn show \(turn.id)")
        }
        try LedgerAccess.command(.cancelTurn(turn.id), client, "turn \(turn.id) is being ended")
    }
}

/// `reveille turn-exec TURN`: what a turn's unit runs. Not for people.
struct TurnExecVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "turn-exec", abstract: "Run one turn.", shouldDisplay: false)

    @Argument(help: "The turn's folder, or its name where folders of turns are kept.") var turn: String
    @OptionGroup var configuration: ConfigurationOptions

    func run() throws {
        let folder = turn.contains("/") ? turn : try TurnFolders.path(of: turn, configuration)
        throw ExitCode(TurnExecutor.run(folder))
    }
}

/// Where turns are kept.
enum TurnFolders {
    static func path(_ options: ConfigurationOptions) throws -> String { path(try options.load()) }
    static func path(_ configuration: Configuration) -> String { configuration.ledger.directory + "/turns" }

    /// The folder of a turn that is there.
    ///
    /// - Throws: ``Complaint`` where that is no turn's name, or where nothing is kept of it.
    static func path(of turn: String, _ options: ConfigurationOptions) throws -> String {
        let isName = turn.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-_".utf8.contains(byte)
        }
        guard isName, !turn.isEmpty else {
            throw Complaint(
                .usage, "'\(turn)' is no turn's name", hint: "It has letters, digits, - and _. A folder has a / in it.")
        }
        let folder = try path(options) + "/" + turn
        guard access(folder + "/order.json", R_OK) == 0 else {
            throw Complaint(
                .noInput, "nothing of turn \(turn) can be read in \(folder): \(String(cString: strerror(errno)))",
                hint: "Where a drop-in of reveille.service sets ledger.directory or User=, reveille-turn@.service needs the same."
            )
        }
        return folder
    }
}

extension Turn {
    /// Its state, and why.
    var words: String {
        switch end {
        case .failed(let reason)?: "failed: \(reason)"
        case .lost(let reason)?: "lost: \(reason)"
        case .tryLater?: "put off by itself (exit code 75)"
        default: stateName
        }
    }

    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.description), "state": .string(stateName), "words": .string(words), "agent": .string(agent),
            "session": .string(session.description), "route": .string(route.description), "unit": .string(receipt.id),
            "startedAt": .string(WallTime.text(startedAt)), "note": .string(note),
        ]
        object["endedAt"] = endedAt.map { .string(WallTime.text($0)) }
        return .object(object)
    }
}
