import DiscordTransport
import Logging
import ReveilleConfiguration
import Synchronization
import WakeCore
import WakeService

/// The configuration that is in force, and how a changed one is taken over while the daemon runs: what needs nothing or only a look is in
/// force at once, a changed channel is closed and opened again, and the rest waits for a restart.
final class LiveConfiguration: Sendable {
    /// What a takeover came to.
    struct Takeover: Sendable {
        /// The channels that were closed and opened again.
        var channels: [ChannelName] = []
        /// The keys whose change waits for a restart of the daemon.
        var waiting: [String] = []
    }

    private struct State {
        var current: Configuration
        /// What each channel runs with.
        var accounts: [ChannelName: [String: String]]
        var waiting: [String] = []
    }

    /// What was in force when the daemon started: what waits for a restart is told against it.
    private let started: Configuration
    private let state: Mutex<State>
    private let loader: ConfigurationLoader
    private let level: SharedLogLevel
    private let hosts: [ChannelHost]

    /// - Parameters:
    ///   - configuration: what the daemon was started with.
    ///   - loader: reads it again, from the same places.
    ///   - level: the level that log lines follow.
    ///   - hosts: the channels.
    init(_ configuration: Configuration, loader: ConfigurationLoader, level: SharedLogLevel, hosts: [ChannelHost]) {
        started = configuration
        self.loader = loader
        self.level = level
        self.hosts = hosts
        state = Mutex(State(current: configuration, accounts: Self.accounts(configuration)))
    }

    /// What was read last and found good.
    var configuration: Configuration { state.withLock(\.current) }

    /// The keys whose change waits for a restart.
    var waiting: [String] { state.withLock(\.waiting) }

    /// Whether a daemon could start with it: its tokens are there and can be read.
    ///
    /// - Throws: what is wrong.
    func check(_ configuration: Configuration) throws {
        for account in configuration.discordAccounts.values { _ = try DiscordSettings(account, in: loader.surroundings) }
        _ = try ControlToken.load(for: configuration, in: loader.surroundings)
    }

    /// Reads the configuration again and takes over what can be. Blocks while it reads files.
    ///
    /// - Throws: what is wrong with it; then nothing has changed.
    func takeOver() throws -> Takeover {
        let fresh = try loader.load()
        var exchanged: [(ChannelHost, DiscordSettings)] = []
        let old = state.withLock(\.accounts)
        let new = Self.accounts(fresh)
        for host in hosts {
            guard let keys = new[host.channel], keys != old[host.channel],
                let account = fresh.discordAccounts[host.channel.account]
            else { continue }
            exchanged.append((host, try DiscordSettings(account, in: loader.surroundings)))
        }
        level.level = Logger.Level(rawValue: fresh.log.level) ?? level.level
        for (host, settings) in exchanged { host.exchange(settings) }
        let waiting = Self.waiting(from: started, to: fresh)
        state.withLock { state in
            state.current = fresh
            state.waiting = waiting
            for (host, _) in exchanged { state.accounts[host.channel] = new[host.channel] }
        }
        return Takeover(channels: exchanged.map(\.0.channel), waiting: waiting)
    }

    private static func accounts(_ configuration: Configuration) -> [ChannelName: [String: String]] {
        var accounts: [ChannelName: [String: String]] = [:]
        for setting in configuration.settings where setting.descriptor.change == .channelRestart {
            guard setting.path.components.count == 4 else { continue }
            accounts[.discord(setting.path.components[2]), default: [:]][setting.path.components[3]] = setting.text
        }
        return accounts
    }

    private static func waiting(from old: Configuration, to new: Configuration) -> [String] {
        let oldAccounts = accounts(old)
        let newAccounts = accounts(new)
        func texts(_ configuration: Configuration) -> [String: String] {
            Dictionary(
                configuration.settings.filter { setting in
                    // An account that comes or goes is a channel that the waker must know from its start.
                    let isHot =
                        setting.descriptor.change == .channelRestart
                        && oldAccounts[.discord(setting.path.components[2])] != nil
                        && newAccounts[.discord(setting.path.components[2])] != nil
                    return !isHot && setting.descriptor.change != .reload && setting.descriptor.change != .nothing
                }.map { ("\($0.path)", $0.text) }, uniquingKeysWith: { $1 })
        }
        let (before, after) = (texts(old), texts(new))
        return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    }
}
