import ArgumentParser
import ReveilleConfiguration
import WakeCore

/// `reveille config`: check, show.
struct ConfigVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration, or show it with where each value comes from.",
        subcommands: [ConfigCheck.self, ConfigShow.self])
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
        guard problems.isEmpty else { throw problems }
        if output.json {
            return Printing.json([
                "good": true,
                "channels": .array(loaded.discordAccounts.values.map(\.channel).sorted().map { .string($0.description) }),
                "files": .array(loaded.files.filter(\.wasRead).map { .string($0.path) }),
            ])
        }
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
                    })
            ])
        }
        Printing.table(
            ["KEY", "VALUE", "FROM"], loaded.settings.map { ["\($0.path)", Printing.oneLine($0.text), "\($0.origin)"] })
    }
}
