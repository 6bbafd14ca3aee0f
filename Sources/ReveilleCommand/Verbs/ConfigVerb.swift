import ArgumentParser
import Foundation
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille config`: check, show, log, revert; get, patch, apply of a gateway's or our own.
struct ConfigVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check and show the configuration, list and revert accepted patches; look at a gateway's, and change it.",
        subcommands: [
            ConfigCheck.self, ConfigShow.self, ConfigLog.self, ConfigRevert.self, ConfigGet.self, ConfigPatch.self,
            ConfigApply.self,
        ])
}

struct ConfigCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Read every file, drop-in and variable, and the tokens; name everything that is wrong at once. Exit code 78 if anything is."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess()
        let loaded = try configuration.load(in: surroundings)
        var problems = ConfigurationProblems()
        for account in loaded.discordAccounts.values.sorted(by: { $0.name < $1.name }) {
            do { _ = try DiscordToken.load(for: account, in: surroundings) } catch { problems.append(error) }
        }
        do { _ = try ControlToken.load(for: loaded, in: surroundings) } catch { problems.append(error) }
        guard problems.isEmpty else { throw problems }
        if output.json {
            return Printing.json([
                "good": true,
                "channels": .array(loaded.discordAccounts.values.map(\.channel).sorted().map { .string($0.description) }),
                "files": .array(loaded.files.filter(\.wasRead).map { .string($0.path) }),
                "warnings": .array(loaded.warnings.map { .string($0) }),
            ])
        }
        for warning in loaded.warnings { Printing.line("warning: \(warning)") }
        for file in loaded.files { Printing.line("\(file.wasRead ? "read  " : "absent") \(file.path)") }
        let channels = loaded.discordAccounts.values.map(\.channel.description).sorted().joined(separator: ", ")
        Printing.line("the configuration is good; channels: \(channels.isEmpty ? "none yet" : channels)")
    }
}

struct ConfigShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show every key with its value and where that comes from. Tokens are never shown.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let loaded = try configuration.load()
        if output.json {
            return Printing.json([
                "settings": .array(
                    loaded.settings.map {
                        [
                            "path": .string("\($0.path)"), "value": .string($0.text), "origin": .string("\($0.origin)"),
                            "change": .string($0.descriptor.change.rawValue),
                        ]
                    }),
                "warnings": .array(loaded.warnings.map { .string($0) }),
            ])
        }
        for warning in loaded.warnings { Printing.line("warning: \(warning)") }
        Printing.table(
            ["KEY", "VALUE", "FROM"], loaded.settings.map { ["\($0.path)", Printing.oneLine($0.text), "\($0.origin)"] })
    }
}

struct ConfigLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "List the patches of the configuration that were accepted, the newest first.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("How many at most.", valueName: "number"))
    var limit = 50

    func run() async throws {
        let entries = try configuration.store().log(limit: limit)
        if output.json { return Printing.json(["entries": .array(entries.map(\.json))]) }
        guard !entries.isEmpty else { return Printing.line("no patch of the configuration has been accepted") }
        Printing.table(
            ["PATCH", "ACCEPTED", "BY", "CHANGED", "NOTE"],
            entries.map { entry in
                let changed = entry.changedPaths.joined(separator: ", ")
                return [
                    "\(entry.number)", entry.at, Printing.oneLine(entry.by, maximumCharacters: 24),
                    Printing.oneLine((entry.revertOf.map { "takes back \($0): " } ?? "") + changed, maximumCharacters: 80),
                    Printing.oneLine(entry.note ?? ""),
                ]
            })
    }
}

struct ConfigRevert: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Take an accepted patch back; all others stay. Reverting a revert has the patch again.",
        discussion: "Works while the daemon is down too. A running one has it once what is printed was done.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: ArgumentHelp("The number in 'reveille config log'.", valueName: "number"))
    var number: Int

    @Option(name: .long, help: ArgumentHelp("Why, for the log.", valueName: "text"))
    var note: String?

    @Flag(name: .long, help: "Do it even if it takes access to the control plane away.")
    var force = false

    func run() async throws {
        let store = try configuration.store()
        let plan = try store.planRevert(of: number)
        guard force || plan.locksOut.isEmpty else {
            throw Complaint(
                .configuration, "this would take access to the control plane away: \(plan.locksOut.joined(separator: "; "))",
                hint: "Give --force if that is meant.")
        }
        let now = try SystemMoments(environment: ProcessInfo.processInfo.environment).now().wallMilliseconds
        let entry = try store.commit(plan, by: "uid:\(getuid()), reveille config revert", note: note, session: nil, at: now)
        if output.json {
            return Printing.json([
                "entry": entry.json, "needs": .string(plan.needs.rawValue), "shadowed": .array(plan.shadowed.map { .string($0) }),
            ])
        }
        let changed =
            entry.changedPaths.isEmpty ? "nothing, as later patches say the same" : entry.changedPaths.joined(separator: ", ")
        Printing.line("patch \(number) is taken back by patch \(entry.number); changed: \(changed)")
        if !plan.shadowed.isEmpty {
            Printing.line("overridden by the environment or a flag, so still as before: \(plan.shadowed.joined(separator: ", "))")
        }
        Printing.line(Self.advice(plan.needs))
    }

    static func advice(_ needs: KeyDescriptor.ChangeEffect) -> String {
        switch needs {
        case .nothing: "a running daemon needs nothing for it"
        case .reload: "a running daemon takes it over on: systemctl reload reveille (or SIGHUP)"
        case .channelRestart, .daemonRestart: "a running daemon takes it over on: systemctl restart reveille"
        }
    }
}
