import ArgumentParser
import RunStateFiles
import RunStates
import WakeCore

struct RunShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a run state: goal, progress and plan.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var target: RunFileOptions

    func run() async throws {
        let file = try target.state(try target.book())
        let state = try RunAccess.complaining { () throws(RunStateError) in try file.read() }.state
        if output.json { return Printing.json(.object(state.document)) }
        RunAccess.tell(state, json: false)
        if !state.goal.isEmpty { Printing.line("goal: \(Printing.oneLine(state.goal, maximumCharacters: 1_000))") }
        if let session = state.session { Printing.line("session: \(session)") }
        for step in state.list { Printing.line("  \(Printing.oneLine(step, maximumCharacters: 1_000))") }
        for member in state.context.members {
            let text = Printing.oneLine(member.value.string ?? member.value.text, maximumCharacters: 1_000)
            Printing.line("\(Printing.oneLine(member.key)): \(text)")
        }
        for line in state.progressLog.suffix(10) { Printing.line("  \(Printing.oneLine(line, maximumCharacters: 1_000))") }
    }
}

struct RunList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all run states that are looked after.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let book = RunStateBook(try configuration.load())
        let found = book.paths().compactMap { path -> (path: String, state: Result<RunState, RunStateError>)? in
            do throws(RunStateError) { return (path, .success(try RunStateFile(path).read().state)) } catch {
                return error.code == .missing ? nil : (path, .failure(error))
            }
        }
        if output.json { return Printing.json(["runs": .array(found.map { .object(Self.json($0.path, $0.state)) })]) }
        Printing.table(
            ["OPERATION", "STATE", "PROGRESS", "SESSION", "FILE"],
            found.map { path, state in
                switch state {
                case .success(let run):
                    [
                        Printing.oneLine(run.operation), run.isPending ? "pending" : "ended", run.bar,
                        run.session?.description ?? "-", path,
                    ]
                case .failure(let error): ["-", "unreadable", "", "", "\(path): \(Printing.oneLine(error.message))"]
                }
            })
    }

    private static func json(_ path: String, _ state: Result<RunState, RunStateError>) -> JSONObject {
        switch state {
        case .success(let run): ["file": .string(path), "run": .object(run.document)]
        case .failure(let error): ["file": .string(path), "error": .string(error.message)]
        }
    }
}

struct RunSchema: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "schema", abstract: "Print the JSON Schema of run states.")

    func run() async throws { _ = StandardStream.write(RunState.schema, to: 1) }
}
