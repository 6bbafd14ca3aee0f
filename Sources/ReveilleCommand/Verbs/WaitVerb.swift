import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille wait CHANNEL`: returns when the channel is ready.
struct WaitVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a channel is ready, e.g. in a script that posts to it.",
        discussion: """
            Exit code 0 when it is ready, 75 when the time is over, 69 when it is
            blocked and needs a person.

              reveille wait discord:default --timeout 2min && ./post-the-news
            """)

    @Argument(help: "The channel, e.g. discord:default.") var channel: String
    @Option(name: .long, parsing: .unconditional, help: "How long at most; default: without end.") var timeout: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let loaded = try configuration.load()
        guard let name = ChannelName(channel) else {
            throw Complaint(.usage, "'\(channel)' is no channel", hint: "Write TRANSPORT:ACCOUNT, e.g. discord:default.")
        }
        let channels = loaded.discordAccounts.values.map(\.channel) + loaded.reportedChannels.map(\.channel)
        // Which accounts a gateway has, it tells itself.
        guard channels.contains(name) || name.gateway.map({ loaded.gateways[$0] != nil }) ?? false else {
            let gateways = loaded.gateways.keys.map { "gateway:\($0)/…" }
            let known = (channels.map(\.description) + gateways).sorted().joined(separator: ", ")
            throw Complaint(
                .usage, "nothing here serves the channel '\(name)'",
                hint: known.isEmpty ? "Configure an account." : "Known: \(known)")
        }
        let limit = try timeout.map { try DurationArgument.parse($0, flag: "--timeout") }
        let client = try LedgerClient(at: loaded.ledger.directory, createIfMissing: true)
        defer { client.close() }
        try await wait(for: name, client, limit)
    }

    private func wait(for name: ChannelName, _ client: LedgerClient, _ limit: Duration?) async throws {
        let deadline = limit.map { ContinuousClock.now.advanced(by: $0) }
        let hints = try InboxWatcher(client.folder, lookEvery: .milliseconds(500)).hints()
        var shown: String?
        for await _ in hints {
            let state = try LedgerAccess.gates(client).channels[name]
            let words = state?.words ?? "the daemon is down"
            if words != shown, isatty(STDERR_FILENO) == 1 { _ = StandardStream.write("\(name): \(words)\n", to: STDERR_FILENO) }
            shown = words
            switch state {
            case .ready:
                if output.json { Printing.json(["channel": .string(name.description), "ready": true]) }
                return
            case .blocked(let reason):
                throw Complaint(
                    .unavailable, "\(name) is blocked: \(reason)", hint: "A person must mend that; see reveille status.")
            default: break
            }
            if let deadline, ContinuousClock.now >= deadline {
                throw Complaint(.tryLater, "\(name) was not ready in time: \(words)", hint: "reveille status tells more.")
            }
        }
    }
}
