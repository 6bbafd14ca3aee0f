import ArgumentParser
import DiscordLoopback
import Foundation
import OpenClawLoopback
import ReveilleConfiguration
import WakeCore

/// `reveille demo`: the main job, for real, with a timeline.
struct DemoVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the main job for real: a restart in mid-work, a Discord that comes up late, and one wake, on time.",
        discussion: """
            Starts a local Discord that is ready only 4 s after the daemon connects,
            starts the daemon, asks for a restart of it, kills it once more while it
            holds the wake, and draws what happened. Exit code 0 only if exactly one
            message arrived, after READY, with the note, in the right channel.
            Everything lives in a folder of its own that is removed afterwards.

            With --config-patch the agent changes the daemon's configuration over its
            control socket instead (config.patch with its session key), while 200 other
            clients are connected: each is told why it is closed.

            With --openclaw Reveille stands beside a gateway instead, whose agent calls the
            gateway's own config.patch: first an OpenClaw of March 2026, whose ping is
            lost, then the newest, which delivers by itself.

            With --discord the same runs against the real Discord, with your bot's token
            (REVEILLE_DISCORD_TOKEN, or the configuration) and a channel of yours; it
            says first what it will post and where.
            """)

    @Flag(name: .long, help: "Let an agent patch the configuration, among 200 other clients.") var configPatch = false
    @Flag(name: .long, help: "Stand beside a gateway that is asked for its restart itself.") var openclaw = false
    @Flag(name: .long, help: "Use the real Discord.") var discord = false
    @Option(name: .long, help: "With --discord: the id of the channel or thread to post one message to.") var channel: String?
    @Flag(name: .long, help: "With --discord: don't ask before posting.") var yes = false
    @Flag(name: .long, help: "Keep the folder with ledger and logs.") var keep = false
    @Option(name: .long, help: "How late the local Discord is ready.") var readyAfter = "4s"
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reveille-demo-\(SystemName.random())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { if !keep { try? FileManager.default.removeItem(at: folder) } }
        let isGood =
            openclaw
            ? try await runBeside(folder) : discord ? try await runForReal(folder) : try await runLocally(folder)
        if keep { Printing.line("kept: \(folder.path)") }
        if !isGood { throw ExitCode(Complaint.Code.software.rawValue) }
    }

    private func runBeside(_ folder: URL) async throws -> Bool {
        var isGood = true
        for generation in [OpenClawOptions.Generation.march2026, .newest] {
            let act = DemoClaw(folder: folder.appending(path: generation.rawValue), generation: generation)
            isGood = try await act.play() && isGood
        }
        return isGood
    }

    private func runLocally(_ folder: URL) async throws -> Bool {
        var options = LoopbackOptions()
        options.readyAfter = try DurationArgument.parse(readyAfter, flag: "--ready-after")
        options.maxConcurrency = 16
        options.log = .file(folder.appending(path: "discord.jsonl").path)
        let server = try DiscordLoopbackServer(options: options)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let address = try await server.address()
            let stage = try DemoStage(
                folder: folder, route: "discord:default/channel:\(LoopbackOptions.defaultThread)",
                session: "agent:infra:discord:channel:\(LoopbackOptions.defaultThread)",
                account: ["apiBase": .string(address.rest)], token: LoopbackOptions.defaultToken,
                patchesConfiguration: configPatch)
            let facts = try await stage.play()
            let events = server.world.log.events
            return DemoTimeline(facts: facts, discord: events.compactMap(DiscordFact.init)).draw()
        }
    }

    private func runForReal(_ folder: URL) async throws -> Bool {
        guard let channel, UInt64(channel) != nil else {
            throw Complaint(
                .usage, "--discord needs --channel with the id of a channel or thread",
                hint: "In Discord turn on developer mode, then copy the channel's id from its menu.")
        }
        let surroundings = Surroundings.ofThisProcess()
        let loaded = try configuration.load(in: surroundings)
        guard let account = loaded.discordAccounts[DiscordAccount.defaultName] else {
            throw Complaint(
                .configuration, "no token for discord:default", hint: "Set REVEILLE_DISCORD_TOKEN, or configure tokenFile.")
        }
        let token = try DiscordToken.load(for: account, in: surroundings)
        let stage = try DemoStage(
            folder: folder, route: "discord:default/channel:\(channel)", session: "agent:demo:discord:channel:\(channel)",
            account: ["apiBase": .string("\(account.apiBase)")], token: token.reveal(), patchesConfiguration: configPatch)
        Printing.line("This will post one message to channel \(channel) as your bot. Its text ends with:")
        Printing.line("  > " + DemoStage.note)
        if !yes {
            _ = StandardStream.write("Post it? [y/N] ", to: STDERR_FILENO)
            guard readLine()?.lowercased() == "y" else {
                throw Complaint(.usage, "nothing was posted", hint: "Answer y, or give --yes.")
            }
        }
        return DemoTimeline(facts: try await stage.play(), discord: []).draw()
    }
}

/// A short random name.
enum SystemName {
    static func random() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}
