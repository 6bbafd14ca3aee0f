import ArgumentParser
import GatewayClient
import LedgerSQLite
import OpenClawFacts
import ReveilleConfiguration
import RunStates
import WakeCore
import WakeService

struct ConfigGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show the configuration that a gateway has, as it shows it; ours without --gateway.",
        discussion: "A gateway shows no secrets. With --json the whole answer, with the hash that a change must name.")

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var wait: WaitOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess()
        let moments = try SystemMoments(environment: surroundings.variables)
        let shown: JSONValue?
        if gateway.namesOne {
            let door = try GatewayDoor.find(gateway, try configuration.load(in: surroundings), in: surroundings)
            let caller = try await door.caller(moments: moments)
            do { shown = try await caller.call("config.get", [:], options: try wait.options()) } catch {
                throw door.complaint(any: error)
            }
        } else {
            shown = try await OwnDaemon.call("config.get", [:], options: try wait.options(), surroundings, moments)
        }
        if output.json { return Printing.json(shown ?? .null) }
        if let raw = shown?["raw"]?.string { return Printing.line(raw.hasSuffix("\n") ? String(raw.dropLast()) : raw) }
        Printing.line(PrettyJSON.text(shown?["config"] ?? shown?["parsed"] ?? .object([:])))
    }
}

struct ConfigPatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch", abstract: "Change the configuration of a gateway, and wake a session when it has restarted for it.",
        discussion: """
            The patch is JSON5: what it names is changed, null takes away. The sentinel is
            on disk before the gateway is asked; where nothing restarts, nobody is woken,
            and that is said at once.

              reveille config patch change.json5 --gateway main \\
                  --session "$(reveille sessions --here)" \\
                  --note "the model is changed; go on with step 3"

            Exit code 0 when it is in use or the gateway restarts for it, 65 when the
            gateway refuses it, 69 when the gateway is away, 75 when somebody else changed
            it meanwhile or the answer was cut off, 77 when we are not let in. Without
            --gateway the daemon's own configuration is changed.
            """)

    @OptionGroup var change: ChangeOptions
    @Option(
        name: .customLong("patch"), parsing: .unconditional, help: ArgumentHelp("The patch itself, in JSON5.", valueName: "json5")
    )
    var text: String?
    @Option(name: .customLong("replace"), help: ArgumentHelp("A path whose list the patch may make shorter.", valueName: "path"))
    var replacePaths: [String] = []

    func run() async throws { try await change.run(.patch, text: text, replacePaths: replacePaths) }
}

struct ConfigApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Give a gateway a whole new configuration, and wake a session when it has restarted for it.",
        discussion: "As 'reveille config patch', with the whole configuration in place of a patch.")

    @OptionGroup var change: ChangeOptions

    func run() async throws { try await change.run(.apply, text: nil, replacePaths: []) }
}

/// How long a gateway is tried.
struct WaitOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long the gateway is tried, all waits together; default 10s.", valueName: "duration"))
    var tryFor: String?

    func options() throws -> GatewayCaller.Options {
        var options = GatewayCaller.Options()
        guard let tryFor else { return options }
        let time = try DurationArgument.parse(tryFor, flag: "--try-for")
        guard (.milliseconds(1) ... .seconds(86_400)).contains(time) else {
            throw Complaint(.usage, "--try-for must be from 1ms to 24h", hint: "Write it like 30s or 2min.")
        }
        options.budgetMilliseconds = time.wholeMilliseconds
        return options
    }
}

/// What changes of a configuration take, whoever has it.
struct ChangeOptions: ParsableArguments {
    @OptionGroup var gateway: GatewayOptions
    @Argument(help: ArgumentHelp("A file in JSON5; - reads standard input.", valueName: "file")) var file: String?
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "The session to wake, as the gateway lists it; default the one that the environment names.", valueName: "key"))
    var session: String?
    @Flag(name: .long, help: "Wake nobody.") var nobody = false
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("What the agent is to be told, 1 byte to 8 KiB.", valueName: "text"))
    var note: String?
    @Option(
        name: .customLong("to"), help: ArgumentHelp("Where to wake it, if not where the session key says.", valueName: "route"))
    var route: String?
    @Flag(name: .long, help: "Only tell the people: begin no turn of the agent.") var noticeOnly = false
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long the restart waits; default is restart.defaultDelay, 2s.", valueName: "duration"))
    var delay: String?
    @Flag(name: .long, help: "Stay, and tell each step until the wake has ended.") var follow = false
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("How long --follow stays; default 10min.", valueName: "duration"))
    var wait: String?
    @OptionGroup var tries: WaitOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run(_ method: GatewayChange.Method, text: String?, replacePaths: [String]) async throws {
        let surroundings = Surroundings.ofThisProcess()
        let order = ChangeOrder(
            method: method, text: try ChangeText.read(file, text), replacePaths: replacePaths,
            session: try sessionName(surroundings), note: note, route: route, noticeOnly: noticeOnly,
            delay: try delay.map { try DurationArgument.parse($0, flag: "--delay") },
            follow: follow ? try wait.map { try DurationArgument.parse($0, flag: "--wait") } ?? .seconds(600) : nil,
            tries: try tries.options(), json: output.json, configuration: try configuration.load(in: surroundings),
            surroundings: surroundings)
        if gateway.namesOne { try await order.run(at: gateway) } else { try await order.runAtOwnDaemon() }
    }

    private func sessionName(_ surroundings: Surroundings) throws -> String? {
        guard !nobody else {
            guard session == nil, note == nil else {
                throw Complaint(.usage, "--nobody and --session or --note can't be used together", hint: "Take one of them out.")
            }
            return nil
        }
        guard let name = try session ?? SessionName.fromEnvironment(surroundings)?.key.description else {
            throw Complaint(
                .usage, "it is not said whom to wake",
                hint: "Name the session with --session (reveille sessions lists them), or say --nobody.")
        }
        guard note != nil else {
            throw Complaint(.usage, "it is not said what the session is to be told", hint: "Give it with --note.")
        }
        return name
    }
}

/// The text of a change.
struct ChangeText {
    static let maximumBytes = 1 << 20

    let raw: String
    let document: JSONValue

    /// Reads it from where the command line says; exactly one of both.
    static func read(_ file: String?, _ text: String?) throws -> ChangeText {
        switch (file, text) {
        case (nil, let text?): return try ChangeText(Array(text.utf8), "--patch")
        case ("-"?, nil):
            return try ChangeText(try BoundedInput.all(0, "standard input", limit: maximumBytes), "standard input")
        case (let file?, nil):
            do { return try ChangeText(try PlainFile.read(file, maximumBytes: maximumBytes), file) } catch let fault
                as PlainFile.Fault
            {
                throw Complaint(.noInput, "\(file) can't be read: \(fault)", hint: "Name a file with the change, in JSON5.")
            }
        case (_?, _?): throw Complaint(.usage, "a file and --patch are given", hint: "Give one of them.")
        case (nil, nil): throw Complaint(.usage, "it is not said what to change", hint: "Name a file, or - for standard input.")
        }
    }

    init(_ bytes: [UInt8], _ source: String) throws {
        let parsed: JSON5Document
        do { parsed = try JSON5.parse(bytes) } catch {
            throw Complaint(
                .data, "\(source): \(error)", hint: error.hint ?? "Write an object, e.g. '{logging: {level: \"debug\"}}'.")
        }
        if let duplicate = parsed.duplicates.first {
            throw Complaint(.data, "\(source): \(duplicate)", hint: "Name each key once.")
        }
        guard case .object = parsed.root.value else {
            throw Complaint(
                .data, "\(source) must hold an object, not \(parsed.root.value.kindInWords)",
                hint: "Write e.g. '{logging: {level: \"debug\"}}'.")
        }
        document = try CallParams.value(parsed.root, of: source)
        raw = String(decoding: bytes, as: UTF8.self)
    }
}
