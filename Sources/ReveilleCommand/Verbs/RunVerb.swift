import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import RunStateFiles
import RunStates
import WakeCore

/// `reveille run`: run states, the checkpoints of operations.
struct RunVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Keep the checkpoint of an operation, so that it goes on after a restart.",
        discussion: """
            A run state is a JSON file that people may edit as well; each change here is
            atomic. While it is pending it has a lease: if nothing goes on for 10 min
            (lease.length), its session is woken, with the plan and its next step.

              reveille run begin --session KEY --goal "new TLS certificates" \\
                  --plan "1) order" --plan "2) install" --plan "3) restart nginx"
              reveille run step --log "ordered, id 4711"
              reveille run guard --target nginx.service -- systemctl restart nginx
              reveille run done

            Which file: --file, else $REVEILLE_RUN_STATE, else the first of
            runStates.files.
            """,
        subcommands: [
            RunBegin.self, RunStep.self, RunNote.self, RunShow.self, RunDone.self, RunFail.self, RunList.self, RunGuard.self,
            RunSchema.self,
        ])
}

/// Which run state is meant.
struct RunFileOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The run state's file.", valueName: "path"))
    var file: String?
    @OptionGroup var configuration: ConfigurationOptions

    /// The variable that names the file.
    static let variable = "REVEILLE_RUN_STATE"

    func book() throws -> RunStateBook { RunStateBook(try configuration.load()) }

    func state(_ book: RunStateBook) throws -> RunStateFile {
        let surroundings = Surroundings.ofThisProcess()
        let named = file ?? surroundings.variables[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = named ?? book.standard else {
            throw Complaint(
                .usage, "no run state is named",
                hint: "Name one with --file, \(Self.variable), or runStates.files in the configuration.")
        }
        return RunStateFile(Self.plain(path.hasPrefix("/") ? path : "\(surroundings.workingDirectory)/\(path)"))
    }

    /// An absolute path without parts that say nothing: the same file has one name, and so one lease.
    static func plain(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// Changes what there is.
    func change(_ body: (inout RunState) throws(RunStateError) -> Void) throws -> RunState {
        let file = try state(try book())
        return try RunAccess.complaining {
            () throws(RunStateError) in
            try file.change { state throws(RunStateError) in
                guard var there = state else {
                    throw RunStateError(
                        .missing, "there is no run state '\(file.path)'",
                        hint: "Begin one: reveille run begin --goal … --plan … --session …")
                }
                try body(&there)
                state = there
            }
        }
    }
}

enum RunAccess {
    /// The present time as it stands in a log: UTC, to the second.
    static func time() -> String { Date().formatted(.iso8601) }

    static func complaining<Result>(_ body: () throws(RunStateError) -> Result) throws -> Result {
        do { return try body() } catch {
            let code: Complaint.Code =
                switch error.code {
                case .missing: .noInput
                case .unavailable: .cannotCreate
                case .conflict: .tryLater
                default: .data
                }
            throw Complaint(code, error.message, hint: error.hint)
        }
    }

    /// Where it stands, in a line or two.
    static func tell(_ state: RunState, json: Bool) {
        if json { return Printing.json(.object(state.document)) }
        let bar = state.bar
        Printing.line(
            "\(Printing.oneLine(state.operation)): \(state.isPending ? "pending" : "not pending")\(bar.isEmpty ? "" : " \(bar)")")
        let next = state.nextStep - 1
        if state.isPending, state.plan.indices.contains(next) { Printing.line("next: \(Printing.oneLine(state.plan[next]))") }
    }
}

extension RunStateBook {
    init(_ configuration: Configuration) {
        self.init(patterns: configuration.work.runStates, folder: configuration.ledger.directory)
    }
}

struct RunBegin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "begin", abstract: "Begin an operation: write its run state.")

    @Option(name: .long, parsing: .unconditional, help: "What is to be reached.") var goal: String
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A step of the plan; once for each, in order.", valueName: "step"))
    var plan: [String] = []
    @Option(
        name: .long, parsing: .unconditional, help: ArgumentHelp("Who works on it; else $REVEILLE_SESSION.", valueName: "key"))
    var session: String?
    @Option(
        name: .customLong("to"), help: ArgumentHelp("Where people are told of it, e.g. channel:1234.", valueName: "place"))
    var place: String?
    @Option(name: .customLong("op"), help: ArgumentHelp("The operation's name; else the time and the goal.", valueName: "name"))
    var operation: String?
    @Flag(name: .long, help: "Even if another operation in this file is pending.") var force = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func run() async throws {
        let time = RunAccess.time()
        let name = operation ?? "\(time)-\(Self.slug(goal))"
        let key = try sessionKey()
        let book = try target.book()
        let file = try target.state(book)
        let fresh = RunState(operation: name, goal: goal, plan: plan, session: key, place: place, at: time)
        // The daemon may never have run here; it makes the folder in the same way.
        if !book.names(file.path) { try LedgerFolder(try target.configuration.load().ledger.directory).create() }
        let state = try RunAccess.complaining { () throws(RunStateError) in
            // What the daemon can't be told of is not begun.
            try book.add(file.path)
            let begun = try file.change { state throws(RunStateError) in
                if let other = state, other.isPending, other.operation != name, !force {
                    throw RunStateError(
                        .conflict, "operation \(other.operation) is pending in '\(file.path)'",
                        hint: "End it (reveille run done, or fail), name another --file, or say --force.")
                }
                state = fresh
            }
            // Who began another in that moment has forgotten what was not there yet.
            try book.add(file.path)
            return begun
        }
        RunAccess.tell(state, json: output.json)
    }

    private func sessionKey() throws -> SessionKey {
        let variables = Surroundings.ofThisProcess().variables
        guard let text = session ?? variables["REVEILLE_SESSION"] ?? variables["OPENCLAW_SESSION_KEY"] else {
            throw Complaint(
                .usage, "nobody is named who works on it", hint: "Say --session KEY; reveille sessions finds the key.")
        }
        do { return try SessionKey(text) } catch { throw Complaint(.usage, error.description, hint: error.hint) }
    }

    /// The goal's first words, as they may stand in a name.
    static func slug(_ goal: String) -> String {
        let words = goal.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return words.isEmpty ? "operation" : words.prefix(4).joined(separator: "-")
    }
}

struct RunStep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step", abstract: "A step is done: the next one is next. Starts the lease anew.")

    @Argument(help: "Which step is next now, from 1; else one further.") var step: Int?
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("What was done, for the log.", valueName: "text"))
    var log: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func run() async throws {
        let state = try target.change { state throws(RunStateError) in try state.step(to: step, log, at: RunAccess.time()) }
        RunAccess.tell(state, json: output.json)
    }
}

struct RunNote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "note", abstract: "Note something for later: NAME=VALUE, or a line of text. A wake carries it.")

    @Argument(parsing: .remaining, help: "What to note.") var texts: [String]
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func validate() throws {
        if texts.isEmpty { throw ValidationError("nothing to note") }
    }

    func run() async throws {
        let state = try target.change { state throws(RunStateError) in
            for text in texts {
                let parts = text.split(separator: "=", maxSplits: 1)
                let isNamed =
                    parts.count == 2 && parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
                state.note(isNamed ? String(parts[1]) : text, as: isNamed ? String(parts[0]) : nil, at: RunAccess.time())
            }
        }
        RunAccess.tell(state, json: output.json)
    }
}

struct RunDone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "done", abstract: "All is done: nobody is woken for it any more.")

    @Argument(help: "A last word, for the log.") var words: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func run() async throws {
        let state = try target.change { state throws(RunStateError) in try state.end(words, isDone: true, at: RunAccess.time()) }
        RunAccess.tell(state, json: output.json)
    }
}

struct RunFail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "It can't be done: nobody is woken for it any more.")

    @Argument(help: "Why.") var reason: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func run() async throws {
        let state = try target.change { state throws(RunStateError) in try state.end(reason, isDone: false, at: RunAccess.time())
        }
        RunAccess.tell(state, json: output.json)
    }
}
